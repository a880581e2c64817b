"""HEIC and AVIF, as phones write them: read like any picture; without the package, the message says what to install."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.class_folders import load_class_folders
from imagewise.errors import LargePictureError, PictureError
from imagewise.framing.decoding import read_picture
from imagewise.framing.file_kinds import readable_suffixes
from imagewise.framing.framing import Framing

PHOTO = Framing("photo", 16, 16, 3)


@pytest.fixture
def heic() -> Callable[[Path, int], Path]:
    """Write a HEIC picture of one colour."""
    pillow_heif = pytest.importorskip("pillow_heif")

    def write(path: Path, red: int = 200) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pillow_heif.from_pillow(Image.new("RGB", (40, 30), (red, 40, 40))).save(path, quality=90)
        return path

    return write


@pytest.fixture
def without_pillow_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("imagewise.framing.heif.find_spec", lambda name: None if name == "pillow_heif" else find(name))
    monkeypatch.setattr(
        "imagewise.framing.file_kinds.find_spec", lambda name: None if name == "pillow_heif" else find(name)
    )


@pytest.mark.parametrize("name", ["a.heic", "A.HEIC", "a.heif", "renamed.jpg"])
def test_heic_is_read_whatever_the_file_is_called(tmp_path: Path, heic: Callable[..., Path], name: str) -> None:
    file = heic(tmp_path / "a.heic").rename(tmp_path / name)
    for source in (file, str(file), file.read_bytes(), io.BytesIO(file.read_bytes())):
        picture = read_picture(source)
        assert picture.size == (40, 30)
        assert np.abs(np.asarray(picture, dtype=int).mean(axis=(0, 1)) - (200, 40, 40)).max() < 6


@pytest.mark.parametrize("kind", ["path", "bytes", "stream"])
@pytest.mark.usefixtures("without_pillow_heif")
def test_without_pillow_heif_the_message_says_what_to_install(
    tmp_path: Path, heic: Callable[..., Path], kind: str
) -> None:
    file = heic(tmp_path / "a.heic")
    source = {"path": file, "bytes": file.read_bytes(), "stream": io.BytesIO(file.read_bytes())}[kind]
    with pytest.raises(PictureError, match=r"HEIC.*pillow-heif") as caught:
        read_picture(source)  # type: ignore[arg-type]
    assert "install" in caught.value.remedy


@pytest.mark.parametrize("cut", [20, 60, 200])
def test_a_cut_off_heic_is_one_damaged_picture(tmp_path: Path, heic: Callable[..., Path], cut: int) -> None:
    content = heic(tmp_path / "a.heic").read_bytes()
    with pytest.raises(PictureError):
        read_picture(content[:cut])


def test_a_heic_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path, heic: Callable[..., Path]) -> None:
    with pytest.raises(LargePictureError):
        read_picture(heic(tmp_path / "a.heic"), most_pixels=1000)


@pytest.mark.parametrize("size", [(40, 30), (64, 64), (17, 33)])
def test_avif_is_read(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, (10, 200, 30)).save(tmp_path / "a.avif")
    assert read_picture(tmp_path / "a.avif").size == size
    assert ".avif" in readable_suffixes()


def test_class_folders_of_heic_and_avif_are_read(tmp_path: Path, heic: Callable[..., Path]) -> None:
    for number in range(3):
        heic(tmp_path / "cat" / f"IMG_{number}.HEIC", 60 * number)
        Image.new("RGB", (20, 20), (0, 60 * number, 0)).save(_inside(tmp_path / "dog" / f"{number}.avif"))
    data = load_class_folders(tmp_path, Reading(PHOTO))
    assert len(data["all"]) == 6
    assert data.skipped == ()


@pytest.mark.usefixtures("without_pillow_heif")
def test_without_pillow_heif_heic_is_left_out_with_what_to_install(tmp_path: Path, heic: Callable[..., Path]) -> None:
    for number in range(3):
        heic(tmp_path / "cat" / f"IMG_{number}.HEIC")
        Image.new("RGB", (20, 20), (0, 60 * number, 0)).save(_inside(tmp_path / "cat" / f"{number}.png"))
        Image.new("RGB", (20, 20), (60 * number, 0, 0)).save(_inside(tmp_path / "dog" / f"{number}.png"))
    data = load_class_folders(tmp_path, Reading(PHOTO))
    assert len(data["all"]) == 6
    (notice,) = (notice for notice in data.notices if "left out" in notice)
    assert "3 .heic" in notice
    assert "pillow-heif" in notice


def _inside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
