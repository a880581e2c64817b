"""The one-file model: open it, see what it is, recognise pictures with it. Needs onnxruntime, not onnx or PyTorch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.errors import ModelError
from imagewise.mapped import release
from imagewise.picture import Framing, PictureSource, frame_file

FORMAT = 1
PREFIX = "imagewise."
BATCH = 500  # pictures a run: large enough for full speed, small enough to stay in the cache

Pictures = NDArray[np.uint8] | Sequence[PictureSource | NDArray[np.uint8]]
Probabilities = NDArray[np.float32]
Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Card:
    """What a model file says of itself; plain JSON values under `imagewise.*` in its `metadata_props`.

    Attributes:
        class_names: in the order of the outputs.
        framing: how a picture becomes the input.
        network: the resolved layer list.
        recipe: how it was trained.
        data: name, fingerprint, split rule, and a sketch of the training pictures.
        metrics: of the splits that were scored when it was made.
        versions: of the packages that made it.
        created: ISO 8601, UTC.
    """

    class_names: tuple[str, ...]
    framing: Framing
    network: dict[str, Any]
    recipe: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, Any]
    versions: dict[str, str]
    created: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return vars(self) | {"class_names": list(self.class_names), "framing": self.framing.as_dict()}

    def to_metadata(self) -> dict[str, str]:
        """`metadata_props`: JSON strings by key."""
        values = {"format": FORMAT} | self.as_dict()
        return {PREFIX + key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}

    @classmethod
    def from_metadata(cls, metadata: dict[str, str], name: str) -> Card:
        """The inverse of `to_metadata`. Raises ModelError, naming the file `name`."""
        if PREFIX + "format" not in metadata:
            raise ModelError(f"{name}: an ONNX model, but not one of imagewise's; train one with `imagewise train`.")
        try:
            values = {k.removeprefix(PREFIX): json.loads(v) for k, v in metadata.items() if k.startswith(PREFIX)}
            if values.pop("format") != FORMAT:
                raise ModelError("made by a newer imagewise.")
            values["framing"] = Framing(**values["framing"])
            values["class_names"] = tuple(values["class_names"])
            return cls(**{key: values[key] for key in cls.__dataclass_fields__})
        except ModelError as error:
            raise ModelError(f"{name}: {error} Upgrade imagewise, or train or copy it again.") from error
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{name}: its metadata is damaged ({error!r}); train or copy it again.") from error


class Session:
    """A graph with our input and outputs, run by onnxruntime.

    Args:
        content: the bytes of an ONNX file.
        name: what to call it in an error.
        threads: that one run uses; None: as many as onnxruntime thinks fit.

    Raises:
        ModelError: not ONNX, damaged, or with other inputs and outputs than ours.
    """

    def __init__(self, content: bytes, name: str, threads: int | None = None) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        if threads is not None:
            options.intra_op_num_threads = threads
        options.log_severity_level = 4  # problems come as exceptions; nothing is printed beside them
        # weights lie in the file or nowhere: a graph may name other files, relative to this folder, which cannot exist
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", f"{__file__}/none")
        self._name = name
        try:
            self._session = ort.InferenceSession(
                content, options, providers=["CPUExecutionProvider"], enable_fallback=False
            )
            self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
            inputs = {(value.name, value.type) for value in self._session.get_inputs()}
            outputs = {value.name for value in self._session.get_outputs()}
        except Exception as error:  # onnxruntime's exceptions share no base class of their own
            raise ModelError(f"{name}: not a model file, or a damaged one. Train or copy it again.") from error
        self.fits = inputs == {("pictures", "tensor(uint8)")} and outputs >= {"probabilities", "logits"}
        self.input_shape = tuple(self._session.get_inputs()[0].shape[1:]) if inputs else ()
        self.output_shapes = [tuple(value.shape[1:]) for value in self._session.get_outputs()]

    def run(self, images: NDArray[np.uint8]) -> tuple[Probabilities, Logits]:
        """Framed pictures (N, H, W, C) uint8 to probabilities and logits, each (N, classes) float32."""
        try:
            probabilities, logits = self._session.run(["probabilities", "logits"], {"pictures": images})
        except Exception as error:  # as above
            raise ModelError(f"{self._name}: its graph does not run ({error}). Train or copy it again.") from error
        return probabilities, logits

    def run_all(self, images: NDArray[np.uint8]) -> tuple[Probabilities, Logits]:
        """`run` in batches, so that memory does not grow with N."""
        if len(images) <= BATCH:
            return self.run(np.ascontiguousarray(images))
        parts = [self.run(np.ascontiguousarray(part)) for part in _batches(images)]
        probabilities, logits = zip(*parts, strict=True)
        return np.concatenate(probabilities), np.concatenate(logits)


def _batches(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(images), BATCH):
        yield images[start : start + BATCH]
        release(images)


@dataclass(frozen=True)
class Prediction:
    """What a model says of one picture.

    Attributes:
        label: the most probable class.
        probability: of it, 0..1.
        top: the most probable classes with their probabilities, best first.
    """

    label: str
    probability: float
    top: tuple[tuple[str, float], ...]

    def as_dict(self) -> dict[str, Any]:
        """The shape of `predict --json`, without the picture's name."""
        top = [{"label": label, "probability": probability} for label, probability in self.top]
        return {"label": self.label, "probability": self.probability, "top": top}


class Model:
    """A trained recogniser, from one `.onnx` file.

    Attributes:
        card: what the file says of itself.
        name: the file's path.

    >>> import tempfile, imagewise
    >>> run = imagewise.train("digits", epochs=5, out=tempfile.mkdtemp() + "/run", report=False)
    >>> model = imagewise.load_model(run.folder / "model.onnx")
    >>> model.class_names
    ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
    >>> model.framing.shape
    (28, 28, 1)
    """

    def __init__(self, session: Session, card: Card, name: str) -> None:
        classes = (len(card.class_names),)
        fits = session.fits and all(shape == classes for shape in session.output_shapes)
        if not fits or session.input_shape != card.framing.shape:
            raise ModelError(f"{name}: its graph and its metadata disagree; train or copy it again.")
        self._session = session
        self.card = card
        self.name = name

    @classmethod
    def open(cls, path: str | Path) -> Model:
        """Open a model file. Nothing in it is executed but its ONNX graph.

        Raises:
            ModelError: missing, not ours, newer than this version, or damaged.
        """
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise ModelError(f"{path}: cannot be read: {error.strerror or error}. Check the path.") from error
        return cls.from_bytes(content, str(path))

    @classmethod
    def from_bytes(cls, content: bytes, name: str, threads: int | None = None) -> Model:
        """As `open`, from the content of a file called `name`; `threads` as `Session` takes them."""
        session = Session(content, name, threads)
        return cls(session, Card.from_metadata(session.metadata, name), name)

    @property
    def metadata(self) -> dict[str, str]:
        """All of the file's `metadata_props`, ours and others', such as ONNX's own `model_license`."""
        return dict(self._session.metadata)

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the outputs' columns."""
        return self.card.class_names

    @property
    def framing(self) -> Framing:
        """How a picture becomes the input."""
        return self.card.framing

    def predict(self, picture: PictureSource | NDArray[np.uint8], top: int = 3) -> Prediction:
        """Recognise one picture.

        Args:
            picture: a path, the bytes of a file, an open binary file or a Pillow image, which are framed; or an array
                that is framed already, uint8 of the model's (H, W, C), or (H, W) where C is 1.
            top: how many classes to name, best first.

        Raises:
            PictureError: it cannot be read.
            ModelError: an array of another shape or type.

        >>> import tempfile, imagewise
        >>> run = imagewise.train("digits", epochs=5, out=tempfile.mkdtemp() + "/run", report=False)
        >>> digits = imagewise.load_data("digits")
        >>> prediction = run.model.predict(digits["test"].images[0])
        >>> prediction.label == digits.class_names[digits["test"].labels[0]]
        True
        >>> len(prediction.top)
        3
        """
        images = np.ascontiguousarray(self._framed_one(picture))[None]
        return self.prediction(self._session.run(images)[0][0], top)

    def predict_batch(self, pictures: Pictures) -> Probabilities:
        """Probabilities of many pictures: (N, classes) float32, columns in the order of `class_names`.

        Args:
            pictures: uint8 (N, H, W, C) of the model's shape, or (N, H, W) where C is 1; or picture files, which are
                framed.

        Raises:
            PictureError: one cannot be read.
            ModelError: an array of another shape or type.

        >>> import tempfile, imagewise
        >>> run = imagewise.train("digits", epochs=5, out=tempfile.mkdtemp() + "/run", report=False)
        >>> test = imagewise.load_data("digits")["test"]
        >>> probabilities = run.model.predict_batch(test.images)
        >>> probabilities.shape == (len(test), 10)
        True
        >>> bool((probabilities.argmax(axis=1) == test.labels).mean() > 0.8)
        True
        """
        return self.outputs(pictures)[0]

    def logits(self, pictures: Pictures) -> Logits:
        """As `predict_batch`, before the softmax: `softmax(logits) == probabilities`."""
        return self.outputs(pictures)[1]

    def outputs(self, pictures: Pictures) -> tuple[Probabilities, Logits]:
        """`predict_batch` and `logits` by one run."""
        return self._session.run_all(self._framed(pictures))

    def prediction(self, probabilities: Probabilities, top: int = 3) -> Prediction:
        """One row of `predict_batch`, (classes,), with its classes named."""
        order = np.argsort(-probabilities, kind="stable")
        named = [(self.class_names[i], float(probabilities[i])) for i in order[: max(top, 1)]]
        return Prediction(*named[0], tuple(named[: max(top, 0)]))

    def _framed(self, pictures: Pictures) -> NDArray[np.uint8]:
        if isinstance(pictures, np.ndarray):
            return self._checked(pictures)
        framed = [self._framed_one(picture) for picture in pictures]
        return np.stack(framed) if framed else np.empty((0, *self.framing.shape), dtype=np.uint8)

    def _framed_one(self, picture: PictureSource | NDArray[np.uint8]) -> NDArray[np.uint8]:
        if isinstance(picture, np.ndarray):
            return self._checked(picture[None]).reshape(self.framing.shape)
        return frame_file(picture, self.framing)

    def _checked(self, images: NDArray[Any]) -> NDArray[np.uint8]:
        shape = self.framing.shape
        if images.ndim == 3 and shape[2] == 1:
            images = images[..., None]
        if images.dtype != np.uint8 or images.shape[1:] != shape:
            raise ModelError(
                f"{self.name} takes uint8 arrays of {shape} a picture, not {images.dtype} {images.shape[1:]}. "
                "Pass a file or a Pillow image to have it framed."
            )
        return images


def shipped_model() -> Path:
    """The digit recogniser that comes with imagewise: see docs/model-card.md."""
    return Path(__file__).parent / "models" / "digits.onnx"


def load_model(path: str | Path | None = None) -> Model:
    """Open a model file, or the digit recogniser that comes with imagewise; see `Model.open`.

    >>> import tempfile, imagewise
    >>> run = imagewise.train("digits", epochs=1, out=tempfile.mkdtemp() + "/run", report=False)
    >>> imagewise.load_model(run.folder / "model.onnx").card.data["name"]
    'digits'
    """
    return Model.open(path or shipped_model())
