"""How good is this model on these pictures: `imagewise.evaluate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import SHOWN_CLASSES, Dataset, Split, SplitName
from imagewise.data.groups.grouping import Grouping
from imagewise.data.loading import open_data
from imagewise.data.memmap import iter_chunks
from imagewise.data.sketch import share_seen
from imagewise.data.sources.handed import Handed
from imagewise.display import html
from imagewise.display.formatting import interval, percent
from imagewise.display.notices import warn_of
from imagewise.display.progress import DownloadDisplay, Silent
from imagewise.errors import DataError
from imagewise.evaluation.metrics import Metrics, measure
from imagewise.evaluation.robustness import Robustness, measure_robustness, require_scipy
from imagewise.fetch import Progress
from imagewise.framing.framing import describe_size
from imagewise.model.model import Model, load_model
from imagewise.model.session import Probabilities
from imagewise.naming import same_letters

SplitChoice = Literal["auto", "train", "validation", "test", "all"]


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """A model's score on a split.

    Attributes:
        model, data: what they are called.
        split: what was scored.
        metrics: the numbers.
        pictures: the pictures scored, labels being the model's classes.
        probabilities: (N, classes) float32, what the model said of them.
        notices: what the reader should know, such as pictures that the model was trained on.
        skipped: pictures that could not be read: (path, reason).
        seen: about what fraction of the pictures the model was trained on.
        split_rule: how the set was split, in words.
        robustness: the score on corrupted pictures; None where it was not asked for.
    """

    model: str
    data: str
    split: SplitName | Literal["all"]
    metrics: Metrics
    pictures: Split
    probabilities: Probabilities
    notices: tuple[str, ...] = ()
    seen: float = 0.0
    skipped: tuple[tuple[str, str], ...] = ()
    split_rule: str = ""
    robustness: Robustness | None = None

    def __repr__(self) -> str:
        scores = f"accuracy {percent(self.metrics.accuracy, self.metrics.count)} of {self.metrics.count:,} pictures"
        return f"Evaluation({self.model!r} on {self.data!r}, {self.split}: {scores})"

    def _repr_html_(self) -> str:
        """For notebooks: accuracy, and the confusion matrix of up to 20 classes."""
        names = list(self.metrics.classes)
        matrix = ""
        if len(names) <= SHOWN_CLASSES:
            rows = [[name, *map(int, row)] for name, row in zip(names, self.metrics.confusion, strict=True)]
            matrix = html.table(["true class, predicted as", *names], rows)
        return html.card(f"{self.model} on {self.data}", self.facts(), matrix)

    def facts(self) -> list[tuple[str, str]]:
        """Scores and notices, as names and values for people."""
        metrics = self.metrics
        skipped = [("skipped", f"{len(self.skipped):,}")] if self.skipped else []
        return [
            (f"{self.split} accuracy", f"{percent(metrics.accuracy, metrics.count)} of {metrics.count:,} pictures"),
            ("95% interval", interval(metrics.accuracy_interval, metrics.count)),
            *(("notice", notice) for notice in self.notices),
            *skipped,
        ]

    def as_dict(self) -> dict[str, Any]:
        """The shape of `evaluate --json`."""
        about = {"model": self.model, "data": self.data, "split": self.split, "split_rule": self.split_rule}
        corrupted = {} if self.robustness is None else {"corrupted": self.robustness.as_dict()}
        return about | self.metrics.as_dict() | corrupted


def evaluate(
    model: Model | str | Path,
    data: Dataset | str | Path | Handed,
    *,
    split: SplitChoice = "auto",
    offline: bool = False,
    strict: bool = False,
    columns: Mapping[str, str] | None = None,
    corrupted: bool = False,
    verbose: bool = True,
) -> Evaluation:
    """Score a model. Labels are matched by name, so a set may lack some of the model's classes.

    Warns (`ImagewiseWarning`) of what falls back or is left out; all of it is in `notices` and `skipped` of the result.

    Args:
        model: a model, or what `imagewise.load_model` takes.
        data: a data set, or what `load_data` takes; picture files are framed as the model says.
        split: `auto` takes the test split where the set has one of its own, or where the model was trained on this
            set; else all pictures.
        offline: never download.
        strict: refuse damaged pictures instead of leaving them out.
        columns: which columns of a table to take; see `load_data`.
        corrupted: score the pictures with 15 corruptions, too: see `Robustness`. Needs SciPy.
        verbose: show how far a download is, or the reading of pictures.

    Raises:
        ModelError: the file is not a model of ours.
        DataError: the data cannot be read, has another shape, lacks the split, or has classes that the model has not.

    >>> import tempfile, imagewise
    >>> run = imagewise.train("digits", recipe="perceptron", epochs=5, out=tempfile.mkdtemp() + "/run", report=False)
    >>> evaluation = imagewise.evaluate(run.model, "digits")
    >>> evaluation.split, evaluation.metrics.count
    ('test', 189)
    >>> evaluation.metrics.accuracy > 0.8
    True
    """
    if corrupted:
        require_scipy()
    if not isinstance(model, Model):
        model = load_model(model)
    with DownloadDisplay() if verbose else Silent() as shown:
        if isinstance(data, Dataset):
            dataset, told = data, len(data.notices)  # `load_data` has warned of these
        else:
            dataset = load_for_model(model, data, offline=offline, strict=strict, columns=columns, progress=shown)
            told = 0
        evaluation = score_dataset(model, dataset, split)
        if corrupted:
            evaluation = with_robustness(evaluation, model, progress=shown)
    warn_of(evaluation.notices[told:], () if isinstance(data, Dataset) else evaluation.skipped)
    return evaluation


def with_robustness(evaluation: Evaluation, model: Model, *, progress: Progress | None = None) -> Evaluation:
    """The evaluation with the model's score on corrupted pictures. Raises what `measure_robustness` raises."""
    return replace(evaluation, robustness=measure_robustness(model, evaluation.pictures, progress=progress))


def score_dataset(model: Model, data: Dataset, split: SplitChoice = "auto") -> Evaluation:
    """`evaluate` for callers that show notices themselves: it warns of nothing."""
    if data.shape != model.framing.shape:
        raise DataError(
            f"{data.name} has pictures of {describe_size(data.shape)}, {model.name} takes "
            f"{describe_size(model.framing.shape)}."
        )
    trained_on = model.card.data.sketch
    chosen = _choose(data, trained_on) if split == "auto" else split
    pictures = data[chosen]
    pictures = Split(pictures.images, _labels(data, pictures, model), pictures.names)
    probabilities = model.predict_batch(pictures.images)
    metrics = measure(probabilities, pictures.labels, model.class_names)
    seen = _share_seen(pictures, trained_on)
    notices = data.notices + _seen_notice(seen, chosen)
    return Evaluation(
        model.name, data.name, chosen, metrics, pictures, probabilities, notices, seen, data.skipped, data.split_text
    )


def load_for_model(
    model: Model,
    source: str | Path | Handed,
    *,
    offline: bool = False,
    strict: bool = False,
    columns: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """A set to score a model on: framed as the model says, and split as the set that it was trained on.

    So a set that the model was trained on has the same test split as then. Raises what `load_data` raises.
    """
    trained = model.card.data
    grouping = Grouping(trained.group_by, trained.near_copies, must_match=False)
    return open_data(
        source,
        framing=model.framing,
        offline=offline,
        strict=strict,
        columns=columns,
        progress=progress,
        grouping=grouping,
    )


def _choose(data: Dataset, trained_on: Sequence[str]) -> SplitName | Literal["all"]:
    if "test" in data and (not data.split_rule.makes_test or _share_seen(data["all"], trained_on) > 0):
        return "test"
    return "all"


def _labels(data: Dataset, split: Split, model: Model) -> NDArray[np.int64]:
    """The split's labels as indices into the model's classes, matched by name."""
    place = {same_letters(name): number for number, name in enumerate(model.class_names)}
    names = list(map(same_letters, data.class_names))
    unknown = [names[i] for i in np.unique(split.labels) if names[i] not in place]
    if unknown:
        raise DataError(
            f"{data.name} has classes that {model.name} does not know: {', '.join(unknown)}. "
            f"It knows {', '.join(model.class_names)}; rename the labels or leave those pictures out."
        )
    translation = np.array([place.get(name, -1) for name in names], dtype=np.int64)
    return translation[split.labels]


def _share_seen(split: Split, trained_on: Sequence[str]) -> float:
    return share_seen((image for piece in iter_chunks(split.images) for image in piece), trained_on)


def _seen_notice(share: float, split: str) -> tuple[str, ...]:
    if share == 0:
        return ()
    return (
        f"The model was trained on about {share:.0%} of these pictures (split {split}), so this accuracy says little "
        "about new ones. Use --split test, or pictures that it has not seen.",
    )
