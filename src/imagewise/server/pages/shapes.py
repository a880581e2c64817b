"""What `/api/models` and `/api/runs` answer. The OpenAPI document's schemas are made from these classes."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from imagewise.model.card import CardBackbone, ClassScore
from imagewise.model.card import Score as StoredScore
from imagewise.server.pages.head_shapes import HeadFit

RunState = Literal["training", "finished", "interrupted", "unknown"]


class Answer(BaseModel):
    """Base of the answers."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with null for what is not known."""
        return self.model_dump(mode="json")


class ScoredClass(Answer):
    """One class against the rest, fractions and a number of pictures."""

    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    count: int | None = None

    @classmethod
    def of(cls, stored: ClassScore) -> Self:
        """The known fields of a stored score."""
        return cls(precision=stored.precision, recall=stored.recall, f1=stored.f1, count=stored.count)


class Score(Answer):
    """Accuracy on one split, and its parts."""

    count: int | None
    accuracy: float
    accuracy_interval: tuple[float, float] | None = Field(description="95% interval of the accuracy.")
    top3_accuracy: float | None
    calibration_error: float | None
    classes: dict[str, ScoredClass] | None
    class_names: list[str] | None = Field(
        description="Of `classes` and of the rows of `confusion`, in order: JavaScript reorders names that are numbers."
    )
    confusion: list[list[int]] | None = Field(description="Rows are true classes, columns predicted ones.")

    @classmethod
    def of(cls, stored: StoredScore | None) -> Self | None:
        """A stored score, or None if it has no accuracy. A matrix that does not fit the classes is left out."""
        if stored is None or stored.accuracy is None:
            return None
        classes, matrix = stored.classes or {}, stored.confusion or ()
        side = len(classes)
        fits = 0 < side == len(matrix) and all(len(row) == side and min(row) >= 0 for row in matrix)
        return cls(
            count=stored.count,
            accuracy=stored.accuracy,
            accuracy_interval=stored.accuracy_interval,
            top3_accuracy=stored.top3_accuracy,
            calibration_error=stored.calibration_error,
            classes={name: ScoredClass.of(each) for name, each in classes.items()} or None,
            class_names=list(classes) or None,
            confusion=[list(row) for row in matrix] if fits else None,
        )


class ModelSummary(Answer):
    """A served model in a few fields."""

    name: str
    version: str
    size: int = Field(description="Bytes.")
    created: str | None
    classes: int
    recipe: str | None
    data: str | None
    test_accuracy: float | None
    test_count: int | None = Field(description="Test pictures.")


class ModelTraining(Answer):
    """Facts about a model from the `run.json` in its folder."""

    engine: str | None
    device: str | None
    pictures: dict[str, int] = Field(description="Pictures of each split.")
    epochs: int | None
    best_epoch: int | None
    seconds: float | None
    head: HeadFit | None = Field(description="How its head was fitted, if it has a pretrained network.")


class Backbone(Answer):
    """The pretrained network that a model builds on, and where its weights are from."""

    name: str
    title: str | None = None
    digest: str | None = Field(None, description="SHA-256 over layers, normalisation and weights.")
    licence: str | None = Field(None, description="Of the weights.")
    source: str | None = Field(None, description="Address of the weights' publishers.")
    citation: str | None = None

    @classmethod
    def of(cls, stored: CardBackbone | None) -> Self | None:
        """The known fields of a stored record, or None."""
        return None if stored is None else cls(**{name: getattr(stored, name) for name in cls.model_fields})


class ModelCard(Answer):
    """The card of a served model."""

    name: str
    version: str
    size: int = Field(description="Bytes.")
    created: str | None
    class_names: list[str]
    framing: dict[str, Any]
    task: str
    network: dict[str, Any] = Field(description="Its layers, and how pixels are normalised.")
    backbone: Backbone | None = Field(description="The pretrained network in it, if there is one.")
    recipe: dict[str, Any]
    data: dict[str, Any]
    versions: dict[str, str]
    metrics: dict[str, Score]
    licence: str | None = Field(description="ONNX's `model_license`.")
    author: str | None = Field(description="ONNX's `model_author`.")
    run: str | None = Field(None, description="The training run that made the model, if this server shows it.")
    training: ModelTraining | None = Field(
        description="From `run.json` in the same folder, if it belongs to the model."
    )


class RunSummary(Answer):
    """A training run in a few fields."""

    name: str
    state: RunState
    recipe: str | None
    data: str | None
    backbone: str | None = Field(description="Name of the pretrained network that it starts from, if any.")
    trains: Literal["network", "head"] = Field(
        description="`head`: a head is fitted on the features of a pretrained network, without epochs."
    )
    engine: str | None
    device: str | None
    started: str | None
    finished: str | None
    written: str = Field(description="When its files were last written to.")
    epochs: int = Field(description="Trained so far.")
    planned_epochs: int | None
    validation_accuracy: float | None = Field(description="Of the best epoch so far, or of the head.")
    validation_count: int | None = Field(description="Validation pictures.")
    best_epoch: int | None = Field(description="The best epoch by validation.")
    model_epoch: int | None = Field(description="The epoch that the model file is from.")
    test_accuracy: float | None
    test_count: int | None = Field(description="Test pictures.")
    seconds: float = Field(description="Of training steps, and of features and head.")
    has_model: bool
    problems: list[str] = Field(description="What could not be read, and why.")


class Run(RunSummary):
    """A training run with its history."""

    settings: dict[str, Any] = Field(description="The recipe's fields by dotted names.")
    versions: dict[str, str]
    counts: dict[str, int] = Field(description="Pictures of each split.")
    fingerprint: str | None
    validation: Score | None
    test: Score | None
    head: HeadFit | None = Field(description="How its head was fitted, if it has one.")
    served: str | None = Field(None, description="The name of its model, if this server serves it.")
    columns: list[str]
    first: int = Field(description="How many rows are left out of `history`.")
    history: list[list[int | float | None]] = Field(description="A row an epoch, a value a column.")
