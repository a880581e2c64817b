"""ONNX files as PyTorch's exporters write them: by tracing, and by the newer exporter where it is installed."""

from __future__ import annotations

import importlib.util
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from imagewise.backbones.onnx_files.onnx_file import OnnxFile, open_onnx_file
from imagewise.model.session import import_onnxruntime

SIDE = 32


class Residual(nn.Module):
    """A small residual network with a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU6())
        self.block = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.Hardswish(), nn.Conv2d(8, 8, 1))
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(8, 5)

    def embed(self, pictures: torch.Tensor) -> torch.Tensor:
        found = self.stem(pictures)
        return torch.flatten(nn.functional.adaptive_avg_pool2d(found + self.block(found), 1), 1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.classifier(self.dropout(self.embed(pictures)))
        return found


class Attention(nn.Module):
    """A small vision transformer: patches, a class token, positions, one block; gives all tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, 12))
        self.positions = nn.Parameter(torch.randn(1, 17, 12))
        self.norm = nn.LayerNorm(12)
        self.mixed = nn.Linear(12, 36)
        self.out = nn.Linear(12, 12)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        patches = self.patches(pictures).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(patches.shape[0], -1, -1), patches], 1) + self.positions
        query, key, value = self.mixed(self.norm(tokens)).reshape(-1, 17, 3, 3, 4).permute(2, 0, 3, 1, 4)
        found = torch.softmax(query @ key.transpose(-2, -1) / 2, -1) @ value
        mixed: torch.Tensor = tokens + self.out(found.transpose(1, 2).reshape(-1, 17, 12))
        return mixed

    def embed(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.forward(pictures).mean(1)


def made(kind: type[Any]) -> Any:
    torch.manual_seed(0)
    return kind().eval()


def exported(network: nn.Module, path: Path, *, dynamic: bool, dynamo: bool) -> Path:
    example = torch.rand(2 if dynamic else 1, 3, SIDE, SIDE)
    batch: dict[str, Any] = {}
    if dynamic and dynamo:
        batch = {"dynamic_shapes": {"pictures": {0: torch.export.Dim("batch")}}}
    elif dynamic:
        batch = {"dynamic_axes": {"image": {0: "batch"}, "out": {0: "batch"}}}
    names: dict[str, Any] = {"input_names": ["image"], "output_names": ["out"]}
    more: dict[str, Any] = {"external_data": False} if dynamo else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (example,), path, dynamo=dynamo, verbose=False, **names, **batch, **more)
    return path


def features_of(backbone: OnnxFile, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = import_onnxruntime().InferenceSession(backbone.graph(SIDE).SerializeToString())
    return np.asarray(session.run(["features"], {"pictures": pictures})[0])


def pictures() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8)


NEWER = pytest.mark.skipif(importlib.util.find_spec("onnxscript") is None, reason="onnxscript is not installed")


@pytest.mark.parametrize("dynamo", [False, pytest.param(True, marks=NEWER)])
@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("kind", [Residual, Attention])
def test_features_are_those_of_the_network_in_pytorch(
    tmp_path: Path, kind: type[Any], dynamic: bool, dynamo: bool
) -> None:
    network = made(kind)
    backbone = open_onnx_file(exported(network, tmp_path / "net.onnx", dynamic=dynamic, dynamo=dynamo), None, "0..1")
    with torch.no_grad():
        wanted = network.embed(torch.from_numpy(pictures()).permute(0, 3, 1, 2) / 255).numpy()
    assert backbone.side == SIDE
    np.testing.assert_allclose(features_of(backbone, pictures()), wanted, atol=1e-4 * max(1, np.abs(wanted).max()))


def test_the_classifier_of_pytorch_is_left_out(tmp_path: Path) -> None:
    backbone = open_onnx_file(exported(made(Residual), tmp_path / "net.onnx", dynamic=True, dynamo=False))
    assert (backbone.features, backbone.why) == (8, "the input of its classifier")


def test_a_file_of_pytorch_itself_is_named(tmp_path: Path) -> None:
    stream = io.BytesIO()
    torch.save(made(Residual).state_dict(), stream)
    (tmp_path / "net.onnx").write_bytes(stream.getvalue())
    with pytest.raises(Exception, match="a PyTorch model, not an ONNX file"):
        open_onnx_file(tmp_path / "net.onnx")
