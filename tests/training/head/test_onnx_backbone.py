"""Runs on the features of an ONNX file: trained, recognised with, exported as far as its layers are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto
from PIL import Image

import imagewise
from imagewise.errors import ModelError, RecipeError
from imagewise.export.export import export
from imagewise.export.onnx_reader import read_network
from onnx_graphs import classifier, convolution, model, pooling, write

QUIET: dict[str, Any] = {"verbose": False, "report": False, "offline": True}
SIDE = 48


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 40 pictures of noise around a colour."""
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for name, colour in {"blue": (40, 60, 200), "red": (200, 50, 40)}.items():
        (folder / name).mkdir()
        for number in range(40):
            levels = np.clip(rng.normal(colour, 50, (90, 100, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(levels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nodes = [*convolution(), *pooling(), *classifier()]
    made = model(nodes, ["scores"], [("image", TensorProto.FLOAT, (1, 3, SIDE, SIDE))])
    return write(tmp_path_factory.mktemp("file") / "net.onnx", made)


@pytest.fixture(scope="module")
def run(photographs: Path, file: Path, tmp_path_factory: pytest.TempPathFactory) -> imagewise.Run:
    return imagewise.train(photographs, backbone=str(file), out=tmp_path_factory.mktemp("run") / "run", **QUIET)


def test_a_run_learns_on_the_features_of_a_file_at_the_size_that_it_takes(run: imagewise.Run, file: Path) -> None:
    assert run.accuracy > 0.9
    assert run.model.framing.shape == (SIDE, SIDE, 3)
    backbone = run.model.card.backbone
    assert backbone is not None
    assert (backbone.name, backbone.output) == (file.name, "features")
    assert any("net.onnx: 6 features from 'features', the input of its classifier" in each for each in run.notices)


def test_its_model_file_is_exported_as_int8(run: imagewise.Run, photographs: Path, tmp_path: Path) -> None:
    made = export(run.model, "onnx-int8", tmp_path / "small.onnx", data=photographs)
    assert made.accuracy is not None
    assert made.original_accuracy is not None
    assert abs(made.accuracy - made.original_accuracy) <= 0.1


def test_formats_that_need_its_layers_are_refused(run: imagewise.Run) -> None:
    with pytest.raises(ModelError, match=r"its layers are those of an ONNX file, net\.onnx.*--to onnx-int8"):
        read_network(run.folder / "model.onnx", run.model)  # and not `export`, which loads TensorFlow


def test_its_weights_are_not_fine_tuned(photographs: Path, file: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be trained further"):
        imagewise.train(photographs, recipe="finetune", backbone=str(file), out=tmp_path / "run", **QUIET)


def test_its_model_file_may_be_stored_with_16_bits_and_be_a_backbone_again(
    photographs: Path, file: Path, tmp_path: Path
) -> None:
    half = imagewise.train(photographs, backbone=str(file), half=True, out=tmp_path / "half", **QUIET)
    again = imagewise.train(photographs, backbone=str(half.folder / "model.onnx"), out=tmp_path / "again", **QUIET)
    assert (half.accuracy > 0.9, again.accuracy > 0.9) == (True, True)
    assert again.model.card.backbone is not None
    assert again.model.card.backbone.output == "backbone.features"
