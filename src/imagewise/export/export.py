"""A trained model as a SavedModel, for LiteRT, in 8-bit integers or as a web page; each is checked once written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from imagewise.data.dataset import Dataset
from imagewise.errors import DataError, ModelError
from imagewise.evaluation.evaluate import evaluate
from imagewise.export.checking import (
    check,
    fewer_of_large,
    find_dataset,
    held_out,
    pictures_to_check,
    sample,
    trained_on,
)
from imagewise.export.onnx_reader import read_content, read_network
from imagewise.export.output import new_path
from imagewise.model.model import Model
from imagewise.model.session import Session
from imagewise.training.engines.registry import require_framework

Target = Literal["saved-model", "litert", "onnx-int8", "web"]
TARGETS: tuple[Target, ...] = get_args(Target)
SUFFIXES: dict[Target, str] = {
    "saved-model": "-saved-model",
    "litert": ".tflite",
    "onnx-int8": "-int8.onnx",
    "web": "-web",
}

WEB_CHECKED_PICTURES = 200  # WebAssembly on one thread is slow: 10 ms a small picture, 150 one of 224 pixels
CALIBRATION_PICTURES = 1000


@dataclass(frozen=True)
class Export:
    """The result of an export.

    Attributes:
        path: the folder or file that was written.
        target: its format.
        checked_on: description of the pictures that it was checked on.
        count: number of these pictures.
        largest_difference: largest difference of a probability from the original's, 0..1.
        accuracy, original_accuracy: 0..1 on these pictures, for `onnx-int8`; None for formats that must give the
            original's answers.
    """

    path: Path
    target: Target
    checked_on: str
    count: int
    largest_difference: float
    accuracy: float | None = None
    original_accuracy: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The shape of `export --json`."""
        return vars(self) | {"path": str(self.path)}


def export(
    model: Model,
    to: str,
    out: str | Path | None = None,
    *,
    data: Dataset | str | Path | None = None,
    offline: bool = False,
) -> Export:
    """Write a model in another format and check it against the original.

    Args:
        model: opened from a file; trained on any engine.
        to: `saved-model` (TensorFlow) or `litert` (phones, microcontrollers; formerly TensorFlow Lite), which need the
            extra `tensorflow`; `onnx-int8` (a model file of a quarter of the size); or `web` (a static folder that
            recognises in the browser), which needs Node.js and, the first time, npm.
        out: the folder or file to write; None writes next to the model file.
        data: the set to check on, and for `onnx-int8` to calibrate on. None takes the set that the model was trained
            on, if that is a named set on this machine, or else (not for `onnx-int8`) random pictures.
        offline: never download, neither a set nor onnxruntime-web.

    Raises:
        ModelError: the target is unknown, the model file cannot be read, or holds no network that can be written.
        EngineError: TensorFlow is needed and not installed, or PyTorch is loaded in this process; or Node.js is needed.
        DownloadError: `data` or onnxruntime-web could not be downloaded.
        OutputError: `out` exists already or cannot be written.
        DataError: `data` cannot be used, or `onnx-int8` has no labelled pictures.
        TrainingError: the result differs from the original; it is deleted again.
    """
    if to not in TARGETS:
        raise ModelError(f"unknown target {to!r}. Choose one of {', '.join(TARGETS)}.")
    source = Path(model.name)
    path = Path(out) if out is not None else source.with_name(source.stem + SUFFIXES[to])
    with new_path(path) as temporary:
        dataset = find_dataset(model, data, offline=offline)
        if to == "onnx-int8":
            return _export_int8(model, source, dataset, temporary, path)
        if to == "web":
            return _export_web(model, dataset, temporary, path, offline)
        return _export_by_keras(model, source, to, dataset, temporary, path)


def _export_by_keras(
    model: Model, source: Path, to: Target, dataset: Dataset | None, temporary: Path, path: Path
) -> Export:
    require_framework("tensorflow")
    from imagewise.export import keras

    network, weights = read_network(source, model)
    pictures, description = pictures_to_check(model, dataset)
    if to == "saved-model":
        keras.write_saved_model(network, weights, temporary)
        probabilities, _ = keras.run_saved_model(temporary, pictures)
    else:
        keras.write_litert(network, weights, temporary)
        probabilities, _ = keras.run_litert(temporary, pictures)
    difference = check(model, pictures, probabilities, path)
    return Export(path, to, description, len(pictures), difference)


def _export_web(model: Model, dataset: Dataset | None, temporary: Path, path: Path, offline: bool) -> Export:
    from imagewise.export import web

    pictures, description = pictures_to_check(model, dataset, WEB_CHECKED_PICTURES)
    web.write_folder(model, temporary, offline=offline)
    probabilities, _ = web.run_in_node(temporary, pictures)
    difference = check(model, pictures, probabilities, path)
    return Export(path, "web", description, len(pictures), difference)


def _export_int8(model: Model, source: Path, dataset: Dataset | None, temporary: Path, path: Path) -> Export:
    import onnx

    from imagewise.export.quantization import quantize
    from imagewise.model.onnx_writer import with_metadata

    if dataset is None:
        raise DataError(
            f"{model.name}: onnx-int8 needs labelled pictures to calibrate on and to measure its accuracy, and the set "
            f"that the model was trained on ({trained_on(model)}) is not on this machine. Add --data DATA."
        )
    seen = dataset["train" if "train" in dataset else "all"].images
    content = quantize(read_content(source), sample(seen, fewer_of_large(CALIBRATION_PICTURES, model.framing.shape)))
    small = Model(Session(content, str(path)), model.card, str(path))
    before, after = (evaluate(each, dataset, split=held_out(dataset)) for each in (model, small))
    card = model.card.with_metrics({after.split: after.metrics.as_dict()})  # the original's scores are not its own
    temporary.write_bytes(with_metadata(onnx.load_from_string(content), card.to_metadata()))
    return Export(
        path=path,
        target="onnx-int8",
        checked_on=f"{dataset.name}, split {after.split}",
        count=after.metrics.count,
        largest_difference=float(np.abs(before.probabilities - after.probabilities).max()),
        accuracy=after.metrics.accuracy,
        original_accuracy=before.metrics.accuracy,
    )
