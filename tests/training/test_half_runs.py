"""`train --half`: a model file of half the bytes, scored as it is; of networks, of heads, of runs that resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from PIL import Image

import imagewise
from imagewise.data.dataset import Dataset

QUIET: dict[str, Any] = {"verbose": False, "report": False, "offline": True}
LARGE = 256  # numbers of a weight


def kinds(run: imagewise.Run) -> set[int]:
    """Types of the large weights in the model file."""
    held = onnx.load(run.folder / "model.onnx").graph.initializer
    return {each.data_type for each in held if len(each.dims) > 1 and np.prod(each.dims) >= LARGE}


def same_scores(run: imagewise.Run) -> bool:
    found = imagewise.load_model(run.folder).predict_batch(run.scored.pictures.images)
    return np.array_equal(found, run.scored.probabilities)


def test_a_network_is_stored_with_16_bits_and_its_scores_are_those_of_the_file(
    tiny_dataset: Dataset, tmp_path: Path
) -> None:
    options = QUIET | {"recipe": "perceptron", "epochs": 2, "engine": "numpy"}
    whole, half = (imagewise.train(tiny_dataset, out=tmp_path / str(h), half=h, **options) for h in (False, True))
    assert (kinds(whole), kinds(half)) == ({TensorProto.FLOAT}, {TensorProto.FLOAT16})
    assert same_scores(half)
    sizes = [(run.folder / "model.onnx").stat().st_size for run in (whole, half)]
    assert sizes[1] < 0.55 * sizes[0]


def test_a_resumed_run_stays_as_it_was_asked_for(tiny_dataset: Dataset, tmp_path: Path) -> None:
    options = QUIET | {"engine": "numpy"}
    run = imagewise.train(tiny_dataset, recipe="perceptron", epochs=1, half=True, out=tmp_path / "run", **options)
    resumed = imagewise.train(tiny_dataset, resume=run.folder, epochs=2, **QUIET)
    assert len(resumed.history) == 2
    assert kinds(resumed) == {TensorProto.FLOAT16}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for name, colour in {"blue": (40, 60, 200), "red": (200, 50, 40)}.items():
        (folder / name).mkdir()
        for number in range(30):
            levels = np.clip(rng.normal(colour, 50, (90, 100, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(levels).save(folder / name / f"{number}.png")
    return folder


def test_a_head_on_a_pretrained_network_is_stored_with_16_bits(photographs: Path, tmp_path: Path) -> None:
    run = imagewise.train(photographs, backbone="mobilenet_v2_035", half=True, out=tmp_path / "run", **QUIET)
    assert kinds(run) == {TensorProto.FLOAT16}
    assert same_scores(run)
    assert (run.folder / "model.onnx").stat().st_size < 1.05 * 2 * (396_128 + 2 * 1280) + 20_000
