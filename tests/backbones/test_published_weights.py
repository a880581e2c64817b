"""The published weights on real photographs: features and logits are those of independent implementations.

Torch's definitions are written out beside this file; TensorFlow and keras.applications answer from their own process.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from backbones.our_outputs import Pictures, features, logits
from backbones.published_definitions import published
from contract import assert_same_logits
from imagewise.backbones.catalog import entry
from imagewise.backbones.weights_file import read_weights
from keras_process import ask

WEIGHTS = Path(os.environ.get("IMAGEWISE_WEIGHTS", "/nowhere"))
PHOTOGRAPHS = Path(os.environ.get("IMAGEWISE_DATA", "/nowhere"), "flower-photos")
FILES = {
    name: WEIGHTS / entry(name).files[0].name for name in ("mobilenet_v2", "efficientnet_lite0", "mobilenet_v2_035")
}
DAISY = 985  # of ImageNet's classes

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        not all(path.is_file() for path in FILES.values()),
        reason=f"IMAGEWISE_WEIGHTS names no folder with {', '.join(path.name for path in FILES.values())}",
    ),
    pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="IMAGEWISE_DATA names no folder with flower-photos"),
]
SIDES = (224, 160, 96, 225, 97)
PROVED = [pytest.param(side, 100, marks=pytest.mark.prove) for side in SIDES]
each_side = pytest.mark.parametrize(("side", "count"), [(224, 8), (97, 8), *PROVED])


@cache
def photographs(side: int, count: int) -> Pictures:
    paths = sorted(PHOTOGRAPHS.glob("*/*.jpg"))
    return np.stack([read(path, side) for path in paths[:: len(paths) // count][:count]])


def read(path: Path, side: int) -> Pictures:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.BILINEAR))


@cache
def tensors(name: str) -> dict[str, NDArray[np.float32]]:
    return read_weights(FILES[name])


def normalized(name: str, pictures: Pictures) -> NDArray[np.float32]:
    """As the publishers say it, (N, side, side, 3)."""
    scaled: NDArray[np.float64]
    match name:
        case "mobilenet_v2":
            scaled = (pictures / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
        case "efficientnet_lite0":
            scaled = (pictures.astype(np.float64) - 127) / 128
        case _:
            scaled = pictures / 127.5 - 1
    return scaled.astype(np.float32)


@torch.inference_mode()
def torch_answers(name: str, pictures: Pictures) -> list[NDArray[np.float32]]:
    """Features and logits of the network written out, with the published tensors under their own names."""
    network = published(name).eval()
    counters = {key: value for key, value in network.state_dict().items() if key.endswith("num_batches_tracked")}
    network.load_state_dict({key: torch.from_numpy(value) for key, value in tensors(name).items()} | counters)
    x = torch.from_numpy(normalized(name, pictures).transpose(0, 3, 1, 2)).contiguous()
    made = torch.cat([network.pooled(part) for part in torch.split(x, 20)])
    return [made.numpy(), network.classified(made).numpy()]


@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_lite0"])
@each_side
def test_features_and_logits_of_photographs_are_those_of_the_definition(name: str, side: int, count: int) -> None:
    pictures = photographs(side, count)
    found = features(name, tensors(name), pictures), logits(name, tensors(name), pictures)
    for ours, theirs in zip(found, torch_answers(name, pictures), strict=True):
        assert_same_logits(ours, theirs)


@each_side
def test_features_of_the_narrow_mobilenet_are_those_of_keras_applications(side: int, count: int) -> None:
    pictures = photographs(side, count)
    wanted = ask(
        "tensorflow_answers",
        "keras_mobilenet_v2_features",
        0.35,
        {keras_name(key): value for key, value in tensors("mobilenet_v2_035").items()},
        normalized("mobilenet_v2_035", pictures),
    )
    assert_same_logits(features("mobilenet_v2_035", tensors("mobilenet_v2_035"), pictures), wanted)


@each_side
def test_features_of_lite0_are_those_of_tensorflow_with_its_own_padding(side: int, count: int) -> None:
    pictures = photographs(side, count)
    x = normalized("efficientnet_lite0", pictures)
    wanted = ask("tensorflow_answers", "tensorflow_lite0_features", tensors("efficientnet_lite0"), x)
    assert_same_logits(features("efficientnet_lite0", tensors("efficientnet_lite0"), pictures), wanted)


@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_lite0"])
def test_daisies_are_daisies_to_the_published_classifier(name: str) -> None:
    paths = sorted((PHOTOGRAPHS / "daisy").glob("*.jpg"))[:30]
    found = logits(name, tensors(name), np.stack([read(path, 224) for path in paths])).argmax(1)
    assert np.mean(found == DAISY) >= 0.65


def keras_name(torchvision: str) -> str:
    """`features.3.conv.1.0.weight` is `block_2_depthwise/kernel`."""
    module, _, part = torchvision.rpartition(".")
    _, number, *within = module.split(".")
    if number in ("0", "18"):
        conv, norm = ("Conv1", "bn_Conv1") if number == "0" else ("Conv_1", "Conv_1_bn")
        is_norm = within == ["1"]
    else:
        expands = number != "1"
        step = int(within[1]) - (len(within) == 2 and within[1] == ("3" if expands else "2"))
        is_norm = within[1:] in (["3" if expands else "2"], [within[1], "1"])
        block = f"block_{int(number) - 1}" if expands else "expanded_conv"
        conv = f"{block}_{('expand', 'depthwise', 'project')[step + (not expands)]}"
        norm = f"{conv}_BN"
    parts = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    return f"{norm}/{parts[part]}" if is_norm else f"{conv}/kernel"
