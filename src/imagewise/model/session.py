"""A graph with imagewise's input and outputs, run by onnxruntime."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from imagewise.cpu import affinity, usable_cpus
from imagewise.data.memmap import drop_pages
from imagewise.errors import EngineError, ModelError
from imagewise.load import LoadReader, SystemLoad, threads_are_set, threads_for

BATCH = 500  # pictures a run at most: large enough for full speed, small enough to stay in the cache
BATCH_PIXELS = 10 * 224 * 224  # of a run: a large network needs 10 MB for what its layers make of 224x224 pixels

Probabilities = NDArray[np.float32]
Logits = NDArray[np.float32]


def import_onnxruntime() -> Any:
    """The module `onnxruntime`, with its telemetry off unless the user has decided otherwise.

    The official builds report to Microsoft and keep a data base in the user's cache folder (Privacy.md in the wheel);
    the variable is read when the library is loaded. Every import of onnxruntime in imagewise goes through here.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


Device = Literal["auto", "cpu", "cuda"]


def providers_of(device: Device, available: Sequence[str]) -> list[Any]:
    """onnxruntime's execution providers for a device, the preferred one first.

    Raises:
        EngineError: an unknown device, or one that this onnxruntime cannot use; says what to install.
    """
    if device not in get_args(Device):
        raise EngineError(f"unknown device {device!r}; there are {', '.join(get_args(Device))}.")
    cuda = "CUDAExecutionProvider" in available
    if device == "cuda" and not cuda:
        raise EngineError(
            "this onnxruntime has no CUDA. Install the build that has it: pip uninstall onnxruntime, then "
            "pip install onnxruntime-gpu; or take the device cpu."
        )
    cpu = ["CPUExecutionProvider"]
    # TF32 would round to 10 bits: a model must answer as it did when it was checked
    return cpu if device == "cpu" or not cuda else [("CUDAExecutionProvider", {"use_tf32": 0}), *cpu]


def session_options(ort: Any) -> Any:
    """Options that every session has: problems come as exceptions, nothing is printed, and no other file is read."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    # weights are in the file or nowhere: a graph may name other files, relative to this folder, which cannot exist
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", f"{__file__}/none")
    return options


def device_of(session: Any, wanted: Device) -> str:
    """Where an onnxruntime session runs: `cpu` or `cuda`. Raises EngineError if cuda was wanted and cannot be used."""
    device = "cuda" if "CUDAExecutionProvider" in session.get_providers() else "cpu"
    if wanted == "cuda" and device != wanted:
        raise EngineError(
            "onnxruntime cannot load its CUDA libraries. Install the NVIDIA driver, CUDA and cuDNN "
            "(pip install 'onnxruntime-gpu[cuda,cudnn]'), or take the device cpu."
        )
    return device


class Session:
    """A graph with imagewise's input and outputs, run by onnxruntime.

    Args:
        content: bytes of an ONNX file.
        name: file name for errors.
        threads: threads of one run; None leaves the number to onnxruntime, or takes the processors that are free, where
            other processes or a container's quota leave fewer.
        device: `cpu`; `cuda`, an NVIDIA GPU; or `auto`: cuda where onnxruntime has it, else cpu.
        load: tells how many processors are free; None asks the system.

    Attributes:
        device: where it runs: `cpu` or `cuda`.
        metadata: the file's `metadata_props`.
        fits: the graph has the input and the outputs that imagewise writes.
        input_shape: (H, W, C) of a picture.
        output_shapes: shape of each output without its first axis.
        batch: pictures of a run of `run_all`.

    Raises:
        ModelError: not ONNX, or damaged.
        EngineError: the device cannot be used.
    """

    def __init__(
        self,
        content: bytes,
        name: str,
        threads: int | None = None,
        device: Device = "cpu",
        load: LoadReader | None = None,
    ) -> None:
        self._name = name
        self._made_of = (content, name, threads, device)  # a copy looks at the load of its own time and computer
        ort = import_onnxruntime()
        providers = providers_of(device, ort.get_available_providers())
        options = session_options(ort)
        if threads is None and not threads_are_set(os.environ):
            free = threads_for(usable_cpus(), (load or SystemLoad()).free_now())
            if free < affinity():
                threads = free
                options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session = ort.InferenceSession(content, options, providers=providers, enable_fallback=False)
            self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
            inputs = {(value.name, value.type) for value in self._session.get_inputs()}
            outputs = {value.name for value in self._session.get_outputs()}
        except Exception as error:  # onnxruntime's exceptions share no base class of their own
            raise ModelError(f"{name}: {_no_model(content, name)}") from error
        self.device = device_of(self._session, device)
        self.fits = inputs == {("pictures", "tensor(uint8)")} and outputs >= {"probabilities", "logits"}
        self.input_shape = tuple(self._session.get_inputs()[0].shape[1:]) if inputs else ()
        self.batch = _batch_of(self.input_shape)
        self.output_shapes = [tuple(value.shape[1:]) for value in self._session.get_outputs()]

    def __reduce__(self) -> tuple[type[Session], tuple[Any, ...]]:
        """Copies and pickles are opened again from the file's bytes: onnxruntime's own object has no copy."""
        return Session, self._made_of

    def run(self, images: NDArray[np.uint8]) -> tuple[Probabilities, Logits]:
        """Probabilities and logits, each (N, classes) float32, of framed pictures (N, H, W, C) uint8."""
        try:
            probabilities, logits = self._session.run(["probabilities", "logits"], {"pictures": images})
        except Exception as error:  # as above
            raise ModelError(f"{self._name}: its graph does not run ({error}). Train or copy it again.") from error
        return probabilities, logits

    def run_all(self, images: NDArray[np.uint8]) -> tuple[Probabilities, Logits]:
        """`run` in batches, so that memory does not grow with N."""
        if len(images) <= self.batch:
            return self.run(np.ascontiguousarray(images))
        parts = [self.run(np.ascontiguousarray(part)) for part in _batches(images, self.batch)]
        probabilities, logits = zip(*parts, strict=True)
        return np.concatenate(probabilities), np.concatenate(logits)


def _batch_of(shape: tuple[Any, ...]) -> int:
    """Pictures a run, of the (H, W, C) that a graph declares; a stranger's may declare anything."""
    height, width = (side if isinstance(side, int) and side > 0 else 1 for side in (*shape, 1, 1)[:2])
    return max(1, min(BATCH, BATCH_PIXELS // (height * width)))


def _batches(images: NDArray[np.uint8], size: int) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(images), size):
        yield images[start : start + size]
        drop_pages(images)


def _no_model(content: bytes, name: str) -> str:
    kind = other_kind(content, name)
    if kind is None:
        return "not a model file, or a damaged one. Train or copy it again."
    return f"{kind}, not one of imagewise's. Name the model.onnx of a run, or train one: imagewise train FOLDER"


def other_kind(content: bytes, name: str) -> str | None:
    """The kind of a file that is not ONNX, as far as its first bytes and its name say; None if they do not."""
    ending = name.lower().rpartition(".")[2]
    if content.startswith(b"\x89HDF\r\n") or ending in ("h5", "hdf5", "keras"):
        return "a Keras model"
    if content[4:8] == b"TFL3" or ending == "tflite":
        return "a TensorFlow Lite model"
    if ending in ("pt", "pth", "ckpt", "bin") or content.startswith((b"PK\x03\x04", b"\x80\x02")):
        return "a PyTorch model"
    if ending == "pb":
        return "a TensorFlow model"
    return "weights or a checkpoint without a network" if ending == "safetensors" else None
