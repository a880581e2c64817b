"""The model card: what a model file says about itself, as typed records under `imagewise.*` in its metadata."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from imagewise.errors import ImagewiseError, ModelError
from imagewise.framing.framing import Framing, written_framing

FORMAT = 1
PREFIX = "imagewise."
WrittenFraming = Annotated[Framing, BeforeValidator(written_framing)]
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Record(BaseModel):
    """Base of the records that imagewise stores as JSON: unknown fields are kept, wrong types are refused."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """A record of plain JSON values. Raises ValueError where they are not what a record holds.

        Bytes of file names that are not UTF-8, which Python keeps as lone surrogates, become text: `\\udce9`.
        """
        text = json.dumps(values, ensure_ascii=False)
        text = _LONE_SURROGATE.sub(lambda found: f"\\\\u{ord(found[0]):04x}", text)
        return cls.model_validate_json(text)  # as JSON: types are strict, and a list counts as a tuple

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, unknown fields included. Fields that were never set are left out."""
        return self.model_dump(mode="json", exclude_unset=True)


class CardRecipe(Record):
    """The part of a recipe that readers of a card show. The other fields of the recipe are kept as they are.

    `trains` is `head` where a head was fitted to the features of a pretrained network, which has no epochs.
    """

    name: str | None = None
    trains: str | None = None
    epochs: int | None = None
    seed: int | None = None
    keep: str | None = None


class CardData(Record):
    """The data that a model was trained on.

    `sketch` holds hashes of the training pictures (see `imagewise.data.sketch`). `licence` and `attribution` are those
    of the pictures; None where they are not known.
    `group_by`, `near_copies` and `groups` are as in `Dataset`; files from before there were groups lack them.
    """

    name: str | None = None
    fingerprint: str | None = None
    split_rule: str | None = None
    group_by: str | None = None
    near_copies: bool = False
    groups: int = 0
    sketch: tuple[str, ...] = ()
    licence: str | None = None
    attribution: str | None = None


class CardBackbone(Record):
    """The pretrained network in a model.

    Attributes:
        name: in the catalog, or its file's.
        title: its name for people; None where it has no other.
        digest: SHA-256 over layers, normalisation and weights.
        licence, source, citation: of the weights, as their publishers say; None where they are not known.
        output, normalization: of an ONNX file, the value that is the features, and the name of the normalisation.
    """

    name: str
    title: str | None = None
    digest: str | None = None
    licence: str | None = None
    source: str | None = None
    citation: str | None = None
    output: str | None = None
    normalization: str | None = None

    @property
    def shown_name(self) -> str:
        """The title, or else the name."""
        return self.title or self.name


class ClassScore(Record):
    """One class against the rest: precision, recall and F1 as fractions, and the number of its pictures."""

    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    count: int | None = None


class Score(Record):
    """The score of a model on one split, in the shape of `evaluate --json`.

    Accuracies are fractions; `accuracy_interval` is the 95% interval; rows of `confusion` are true classes, columns
    predicted ones.
    """

    count: int | None = None
    accuracy: float | None = None
    accuracy_interval: tuple[float, float] | None = None
    top3_accuracy: float | None = None
    calibration_error: float | None = None
    classes: dict[str, ClassScore] | None = None
    confusion: tuple[tuple[int, ...], ...] | None = None


class ModelCard(Record):
    """What a model file says about itself. Stored as JSON under `imagewise.*` in the file's `metadata_props`.

    Attributes:
        class_names: in the order of the outputs' columns.
        framing: how a picture becomes the input.
        task: what the outputs mean; `single-label`: softmax over classes, exactly one of which is right.
        network: the resolved layer list, as from `Network.as_dict`.
        recipe: how the model was trained.
        data: what it was trained on.
        backbone: the pretrained network that it builds on; None where it was trained from random weights.
        metrics: scores, by split, of when the file was made.
        versions: packages that made the file.
        created: ISO 8601, UTC.
    """

    class_names: tuple[str, ...]
    framing: WrittenFraming
    task: Literal["single-label"] = "single-label"
    network: dict[str, Any] = Field(default_factory=dict)
    recipe: CardRecipe = CardRecipe()
    data: CardData = CardData()
    backbone: CardBackbone | None = None
    metrics: dict[str, Score] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    created: str | None = None

    def with_metrics(self, metrics: Mapping[str, Mapping[str, Any]]) -> ModelCard:
        """The same card with these scores by split, each in the shape of `Metrics.as_dict`."""
        return ModelCard.of(self.as_dict() | {"metrics": metrics})

    def to_metadata(self) -> dict[str, str]:
        """`metadata_props` of the model file: JSON by key."""
        values = {"format": FORMAT} | self.as_dict()
        return {PREFIX + key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], name: str) -> ModelCard:
        """The inverse of `to_metadata`.

        Raises:
            ModelError: not a model of imagewise, made by a newer version, or damaged; names the file `name`.
        """
        ours = {key.removeprefix(PREFIX): text for key, text in metadata.items() if key.startswith(PREFIX)}
        if "format" not in ours:
            raise ModelError(f"{name}: an ONNX model, but not one of imagewise's; train one with `imagewise train`.")
        if ours.pop("format").strip() != str(FORMAT):
            raise ModelError(f"{name}: made by a newer imagewise. Upgrade imagewise, or train or copy it again.")
        try:
            # this parser bounds the depth of what it reads; json's ends in a RecursionError
            return cls.of({key: from_json(text) for key, text in ours.items()})
        except ValidationError as error:
            raise ModelError(
                f"{name}: its metadata is damaged ({_first_problem(error)}); train or copy it again."
            ) from error
        except ImagewiseError as error:  # a framing that this version does not know
            raise ModelError(f"{name}: {error}") from error
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{name}: its metadata is damaged ({error}); train or copy it again.") from error


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = PREFIX + ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg'][:1].lower()}{first['msg'][1:]}"
