"""What the tests ask of TensorFlow; runs in the process that `keras_process` starts."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import Dataset
from imagewise.errors import EngineError
from imagewise.export import keras as serving
from imagewise.export.export import Export, export
from imagewise.model.model import Model
from imagewise.networks.network import Network, Weights
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines import loop
from imagewise.training.engines.base import Callbacks, FitResult
from imagewise.training.engines.registry import open_engine
from imagewise.training.engines.tensorflow import augmentation
from imagewise.training.engines.tensorflow.framework import tf
from imagewise.training.engines.tensorflow.reader import KerasNetwork
from imagewise.training.job import TrainingJob
from imagewise.training.recipe import Augment
from imagewise.training.run import train


def logits(network: Network, weights: Weights, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    reader = KerasNetwork(network)
    reader.load(weights)
    values: NDArray[np.float32] = reader.model(tf.cast(images, tf.float32), training=False).numpy()
    return values


def padded_same(kind: str, x: Any, weight: Any, size: int, stride: int) -> NDArray[np.float32]:
    """(N, H, W, C) float32 after a layer with TensorFlow's own padding SAME; `weight` is canonical."""
    if kind == "convolution":
        values = tf.nn.conv2d(x, weight.transpose(2, 3, 1, 0), stride, "SAME")
    elif kind == "depthwise":
        values = tf.nn.depthwise_conv2d(x, weight.transpose(2, 3, 0, 1), [1, stride, stride, 1], "SAME")
    else:
        pool = {"maximum": tf.nn.max_pool2d, "average": tf.nn.avg_pool2d}[kind]
        values = pool(x, size, stride, "SAME")
    return np.asarray(values)


def keras_mobilenet_v2_features(
    width: float, weights: dict[str, NDArray[np.float32]], x: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Of keras.applications, for normalised pictures (N, H, W, 3); `weights` by its names: `Conv1/kernel` ..., OIHW."""
    network = tf.keras.applications.MobileNetV2(
        x.shape[1:], alpha=width, include_top=False, weights=None, pooling="avg"
    )
    for weight in network.weights:
        layer, part = weight.path.split("/")[-2:]
        value = weights.pop(f"{layer}/{part}")
        if part == "kernel":  # OIHW to HWIO; that of a depthwise one to HWOI
            value = value.transpose((2, 3, 0, 1) if "depthwise" in layer else (2, 3, 1, 0))
        weight.assign(value)
    assert not weights
    return np.concatenate([network(x[i : i + 20], training=False).numpy() for i in range(0, len(x), 20)])


def tensorflow_lite0_features(tensors: dict[str, NDArray[np.float32]], x: NDArray[np.float32]) -> NDArray[np.float32]:
    """EfficientNet-Lite0 in TensorFlow's own operations and padding, from timm's names, for pictures (N, H, W, 3)."""

    def conv(x: Any, name: str, norm: str, stride: int = 1, activate: bool = True) -> Any:
        kernel = tensors[f"{name}.weight"]
        if "conv_dw" in name:
            x = tf.nn.depthwise_conv2d(x, kernel.transpose(2, 3, 0, 1), [1, stride, stride, 1], "SAME")
        else:
            x = tf.nn.conv2d(x, kernel.transpose(2, 3, 1, 0), stride, "SAME")
        parts = (tensors[f"{norm}.{part}"] for part in ("running_mean", "running_var", "bias", "weight"))
        x = tf.nn.batch_normalization(x, *parts, 1e-3)
        return tf.nn.relu6(x) if activate else x

    def features(x: Any) -> Any:
        x = conv(x, "conv_stem", "bn1", 2)
        x = conv(x, "blocks.0.0.conv_dw", "blocks.0.0.bn1")
        x = conv(x, "blocks.0.0.conv_pw", "blocks.0.0.bn2", activate=False)
        for stage, (blocks, stride) in enumerate([(2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)], start=1):
            for number in range(blocks):
                block, before = f"blocks.{stage}.{number}", x
                x = conv(x, f"{block}.conv_pw", f"{block}.bn1")
                x = conv(x, f"{block}.conv_dw", f"{block}.bn2", 1 if number else stride)
                x = conv(x, f"{block}.conv_pwl", f"{block}.bn3", activate=False)
                x = x + before if number else x
        return tf.reduce_mean(conv(x, "conv_head", "bn2"), (1, 2))

    return np.concatenate([features(x[i : i + 20]).numpy() for i in range(0, len(x), 20)])


def weights_read_back(network: Network, weights: Weights) -> list[Weights]:
    """As loaded; and again after what was read has been changed."""
    reader = KerasNetwork(network)
    reader.load(weights)
    first, second = reader.read(), reader.read()
    for value in second.values():
        value += 1
    return [first, reader.read()]


def fit(job: bytes, dataset: Dataset, resume: Checkpoint | None, callbacks: Callbacks) -> FitResult:
    job_here = replace(TrainingJob.from_bytes(job), engine="tensorflow", device="cpu")
    return loop.fit(job_here, dataset, callbacks=callbacks, resume=resume)


def losses_at(job: bytes, dataset: Dataset, rates: list[float]) -> list[float]:
    return list(loop.losses_at(replace(TrainingJob.from_bytes(job), engine="tensorflow", device="cpu"), dataset, rates))


def resume(data: Path, folder: Path, epochs: int) -> None:
    train(data, resume=folder, epochs=epochs, device="cpu", report=False)


def open_with_threads() -> tuple[int, str, str]:
    """The present number of threads; the device opened with it, and what is said of another number."""
    now = open_engine("tensorflow", "cpu").threads
    tf.constant(1) + 1
    try:
        other = open_engine("tensorflow", "cpu", now + 1).device
    except EngineError as error:
        other = str(error)
    return now, open_engine("tensorflow", "cpu", now).device, other


def generators_after_fit(job: bytes, dataset: Dataset) -> list[bool]:
    """Whether Python's and NumPy's global generators are as they were before."""
    before, numpy_before = random.getstate(), repr(np.random.get_state())
    fit(job, dataset, None, Callbacks())
    return [random.getstate() == before, repr(np.random.get_state()) == numpy_before]


def weights_after_global_seed(job: bytes, dataset: Dataset, seed: int) -> Weights:
    tf.random.set_seed(seed)
    return fit(job, dataset, None, Callbacks()).weights


def open_engines(*names_and_devices: tuple[str, str]) -> list[str]:
    """The devices that the engines tell."""
    return [open_engine(name, device).device for name, device in names_and_devices]


def loaded(module: str) -> bool:
    return module in sys.modules


def sample(pixels: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32], mirror: bool) -> Any:
    return augmentation.sample(tf.constant(pixels), tf.constant(x), tf.constant(y), mirror).numpy()


def affine_coefficients(augment: Augment, draw: NDArray[np.float32], aspect: float) -> Any:
    return augmentation.affine_coefficients(augment, tf.constant(draw), aspect).numpy()


def augmented(augment: Augment, kind: Any, pixels: NDArray[np.float32], seed: int) -> Any:
    change = augmentation.augmentation_for(augment, kind)
    assert change is not None
    return change(tf.constant(pixels), tf.constant(seed, tf.int64)).numpy()


def exported(file: Path, to: str, out: Path, data: Dataset | None) -> Export:
    return export(Model.open(file), to, out, data=data)


def answers(path: Path, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of a SavedModel (a folder) or a LiteRT file."""
    return serving.run_saved_model(path, pictures) if path.is_dir() else serving.run_litert(path, pictures)


def export_that_answers_wrongly(file: Path, to: str, out: Path) -> Export:
    """As if the converter had put the classes in another order."""
    names = ("run_saved_model", "run_litert")
    honest = {name: getattr(serving, name) for name in names}

    def wrong(name: str) -> Any:
        return lambda path, pictures: tuple(part[:, ::-1] for part in honest[name](path, pictures))

    try:
        for name in names:
            setattr(serving, name, wrong(name))
        return exported(file, to, out, None)
    finally:
        for name in names:
            setattr(serving, name, honest[name])
