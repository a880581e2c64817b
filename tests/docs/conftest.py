"""What the readers of the pages have: small data sets, photographs, digits and a model."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from docs.blocks import KINDS
from imagewise.data.loading import load_data
from imagewise.model.model import shipped_model

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of named sets with a small MNIST of scikit-learn's digits."""
    folder = tmp_path_factory.mktemp("data")
    pictures = load_data("digits")["all"]
    (folder / "mnist").mkdir()
    for part, chosen in (("train", slice(0, 900)), ("t10k", slice(900, 1000))):
        images, labels = np.asarray(pictures.images[chosen, ..., 0]), pictures.labels[chosen].astype(np.uint8)
        _write_idx(folder / "mnist" / f"{part}-images-idx3-ubyte", images)
        _write_idx(folder / "mnist" / f"{part}-labels-idx1-ubyte", labels)
    return folder


def _write_idx(path: Path, values: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    path.write_bytes(bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The reader's folder: photographs of flowers, digits, a file that is not a picture, a model."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "work"
    for kind, colour in KINDS.items():
        (folder / "flowers" / kind).mkdir(parents=True)
        for number in range(14):
            picture = Image.fromarray(rng.integers(0, 99, (90, 90, 3), dtype=np.uint8))
            x = int(rng.integers(10, 40))
            ImageDraw.Draw(picture).ellipse((x, x, x + 40, x + 40), fill=colour)
            picture.save(folder / "flowers" / kind / f"{number}.jpg")
        picture.save(folder / f"{kind}.jpg")
    (folder / "my-pictures").symlink_to("flowers")
    rows = (f"{path.relative_to(folder)},{path.parent.name}" for path in sorted(folder.glob("flowers/*/*.jpg")))
    (folder / "photos.csv").write_text("\n".join(["file,label", *rows]))
    (folder / "scans").mkdir()
    for name in ("seven.png", "three.png", "scans/1.png", "7.png", "2.png"):
        digit = Image.new("L", (120, 120), 255)
        ImageDraw.Draw(digit).line([(35, 25), (85, 25), (50, 100)], fill=0, width=9, joint="curve")
        digit.save(folder / name)
    (folder / "notes.txt").write_text("not a picture")
    shutil.copy(shipped_model(), folder / "model.onnx")
    shutil.copy(ROOT / "examples" / "sheet.jpg", folder / "page.jpg")
    return folder
