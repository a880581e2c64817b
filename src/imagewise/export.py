"""Ways out: a trained model as a SavedModel, for LiteRT, in 8-bit integers or as a page; each checked once written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from imagewise.atomic import reason
from imagewise.dataset import Dataset
from imagewise.engines import require_framework
from imagewise.errors import DataError, ImagewiseError, ModelError, OutputError, TrainingError
from imagewise.evaluation import Evaluation, evaluate
from imagewise.folding import fold_batch_norm
from imagewise.model import Model, Session
from imagewise.network import Network, Weights
from imagewise.sources import load_data
from imagewise.sources.catalog import named_sets

if TYPE_CHECKING:
    from imagewise.engines.tensorflow.serving import Answers

Target = Literal["saved-model", "litert", "onnx-int8", "web"]
TARGETS: tuple[Target, ...] = get_args(Target)
SUFFIXES: dict[Target, str] = {
    "saved-model": "-saved-model",
    "litert": ".tflite",
    "onnx-int8": "-int8.onnx",
    "web": "-web",
}

CHECKED_PICTURES = 1000
WEB_CHECKED_PICTURES = 200  # WebAssembly on one thread is slow: some 10 ms a picture
CALIBRATION_PICTURES = 1000
TOLERANCE = 1e-3  # of a probability


@dataclass(frozen=True)
class Export:
    """What an export made.

    Attributes:
        path: the folder (SavedModel) or file.
        target: as it was asked for.
        checked_on: what the pictures were that it was checked on.
        count: how many.
        largest_difference: of a probability, to the original's.
        accuracy, original_accuracy: measured on those pictures; None for formats that are held to the same answers.
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
        to: `saved-model` (TensorFlow), `litert` (phones, microcontrollers; formerly TensorFlow Lite), which need the
            extra `tensorflow`; `onnx-int8` (a quarter of the size, still a model file of ours); or `web` (a static
            folder that recognises in the browser), which needs Node.js and, the first time, npm.
        out: the folder or file to write; None writes beside the model file.
        data: what to check it on, and for `onnx-int8` to find its scales on; None takes the set that the model was
            trained on where that is a named set on this machine, else (not for `onnx-int8`) random pictures.
        offline: never download; `web` takes onnxruntime-web from the cache.

    Raises:
        ModelError: the target is unknown, or the model holds no network that can be written.
        EngineError: TensorFlow is needed and not installed, or PyTorch is loaded in this process; or Node.js is needed.
        DownloadError: onnxruntime-web could not be fetched.
        OutputError: `out` exists already or cannot be written.
        DataError: `onnx-int8` without labelled pictures.
        TrainingError: what was written answers otherwise than the original; it is removed again.
    """
    if to not in TARGETS:
        raise ModelError(f"unknown target {to!r}; there are {', '.join(TARGETS)}.")
    source = Path(model.name)
    path = Path(out) if out is not None else source.with_name(source.stem + SUFFIXES[to])
    dataset = _dataset(model, data)
    with _whole_or_not_at_all(path) as temporary:
        if to == "onnx-int8":
            return _export_int8(model, source, dataset, temporary, path)
        if to == "web":
            return _export_web(model, dataset, temporary, path, offline)
        return _export_by_keras(model, source, to, dataset, temporary, path)


def _export_by_keras(
    model: Model, source: Path, to: Target, dataset: Dataset | None, temporary: Path, path: Path
) -> Export:
    require_framework("tensorflow")
    from imagewise.engines.tensorflow import serving

    network, weights = read_network(source, model)
    pictures, described = _pictures(model, dataset)
    if to == "saved-model":
        serving.write_saved_model(network, weights, temporary)
        answers = serving.run_saved_model(temporary, pictures)
    else:
        serving.write_litert(network, weights, temporary)
        answers = serving.run_litert(temporary, pictures)
    difference = _check(model, pictures, answers, path)
    return Export(path, to, described, len(pictures), difference)


def _export_web(model: Model, dataset: Dataset | None, temporary: Path, path: Path, offline: bool) -> Export:
    from imagewise import web_export

    pictures, described = _pictures(model, dataset)
    pictures = _some(pictures, WEB_CHECKED_PICTURES)
    web_export.write_folder(model, temporary, offline=offline)
    difference = _check(model, pictures, web_export.run_in_node(temporary, pictures), path)
    return Export(path, "web", described, len(pictures), difference)


def _check(model: Model, pictures: NDArray[np.uint8], answers: Answers, path: Path) -> float:
    """The largest difference of a probability. Raises TrainingError where it is too large, or a best class another."""
    wanted, found = model.predict_batch(pictures), answers[0]
    difference = float(np.abs(found - wanted).max())
    other = int((found.argmax(1) != wanted.argmax(1)).sum())
    if not difference <= TOLERANCE or other:
        raise TrainingError(
            f"{path}: answers otherwise than {model.name}: another class for {other} of {len(pictures)} pictures, "
            f"probabilities up to {difference:.2g} apart. Nothing was kept; please report it with the model."
        )
    return difference


def _export_int8(model: Model, source: Path, dataset: Dataset | None, temporary: Path, path: Path) -> Export:
    from imagewise.onnx_graph import with_metadata
    from imagewise.quantization import quantize

    if dataset is None:
        raise DataError(
            f"{model.name}: onnx-int8 needs labelled pictures, to find its scales and measure what it costs, and the "
            f"set that the model was trained on ({model.card.data['name']}) is not at hand; add --data DATA."
        )
    seen = dataset["train" if "train" in dataset else "all"].images
    content = quantize(source.read_bytes(), _some(seen, CALIBRATION_PICTURES))
    small = Model(Session(content, str(path)), model.card, str(path))
    before, after = (evaluate(each, dataset, split=_held_out(dataset)) for each in (model, small))
    # the numbers of the original are not this file's
    card = replace(model.card, metrics={after.split: after.metrics.as_dict()})
    import onnx

    temporary.write_bytes(with_metadata(onnx.load_from_string(content), card.to_metadata()))
    return Export(
        path,
        "onnx-int8",
        f"{dataset.name}, split {after.split}",
        after.metrics.count,
        _largest_difference(before, after),
        after.metrics.accuracy,
        before.metrics.accuracy,
    )


def _largest_difference(one: Evaluation, other: Evaluation) -> float:
    return float(np.abs(one.probabilities - other.probabilities).max())


def read_network(file: Path, model: Model) -> tuple[Network, Weights]:
    """The network as its graph computes it (batch normalisation folded) and its canonical weights.

    Raises:
        ModelError: the file's graph is not the one that its metadata describes, as after `onnx-int8`.
    """
    import onnx
    from onnx import numpy_helper

    described = Network.from_dict(model.card.network)
    empty = {name: np.zeros(shape, dtype=np.float32) for name, shape in described.weight_shapes().items()}
    network, _ = fold_batch_norm(described, empty)
    held = {value.name: value for value in onnx.load(file).graph.initializer}
    wanted = network.weight_shapes()
    if not wanted.keys() <= held.keys():
        raise ModelError(f"{file}: its weights are not kept as trained (an int8 export?); export the model it is from.")
    weights = {name: numpy_helper.to_array(held[name]) for name in wanted}
    network.check_weights(weights)
    return network, weights


def _dataset(model: Model, data: Dataset | str | Path | None) -> Dataset | None:
    if isinstance(data, Dataset):
        return data
    if data is not None:
        return load_data(data, framing=model.framing)
    name = model.card.data.get("name")
    try:
        return load_data(name, framing=model.framing, offline=True) if name in named_sets() else None
    except ImagewiseError:  # not on this machine, or no longer of this shape
        return None


def _pictures(model: Model, dataset: Dataset | None) -> tuple[NDArray[np.uint8], str]:
    """What to check on, and how to call it."""
    if dataset is None:
        shape = (CHECKED_PICTURES, *model.framing.shape)
        return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8), "random pictures"
    split = _held_out(dataset)
    if dataset.shape != model.framing.shape:
        raise DataError(f"{dataset.name} has pictures of {dataset.shape}, {model.name} takes {model.framing.shape}.")
    return _some(dataset[split].images, CHECKED_PICTURES), f"{dataset.name}, split {split}"


def _held_out(dataset: Dataset) -> Literal["test", "all"]:
    return "test" if "test" in dataset else "all"


def _some(images: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """`count` of them, always the same, or all where there are fewer."""
    if len(images) <= count:
        return images
    return images[np.sort(np.random.default_rng(0).choice(len(images), count, replace=False))]


@contextmanager
def _whole_or_not_at_all(path: Path) -> Iterator[Path]:
    """A name beside `path` for a file or folder, which becomes `path` when the block ends without an error."""
    if path.exists():
        raise OutputError(f"{path} exists already; remove it, or choose another place with --out.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.rename(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {reason(error)}. Choose another place with --out.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.unlink(missing_ok=True)
