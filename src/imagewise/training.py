"""The whole flow on one screen: pictures, recipe, network and engine in; a run folder with one model file out."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from imagewise.atomic import write_atomically
from imagewise.checkpoint import Checkpoint
from imagewise.class_weights import class_weights
from imagewise.dataset import Dataset, SplitName
from imagewise.engines import Callbacks, Fitted
from imagewise.errors import TrainingError
from imagewise.evaluation import Evaluation
from imagewise.history import EpochRecord
from imagewise.mapped import pieces
from imagewise.metrics import measure
from imagewise.model import Card, Model, Session
from imagewise.onnx_graph import build_graph, with_metadata
from imagewise.picture import Framing
from imagewise.planning import Options, Plan, plan_run
from imagewise.recipe import Recipe
from imagewise.reporting import report_of_run
from imagewise.run_folder import RunFolder
from imagewise.sketch import sketch
from imagewise.versions import installed_versions

SAVE_SECONDS = 5.0  # a write waits for the disk: a tenth of an epoch of a second; who is killed loses this much at most
TOLERANCE = 1e-4  # of the largest logit: what float32 sums in another order may differ by


class TrainingCallbacks(Callbacks):
    """What a run reports: an engine's callbacks, and its plan before it starts."""

    def on_plan(self, plan: Plan) -> None:
        """Data, recipe, device and folder are known; training begins."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a run made.

    Attributes:
        folder: with model.onnx, history.csv, run.json and report.html.
        model: the one that ships, opened from its file.
        recipe: as it was used.
        device: where it was trained.
        history: one record an epoch.
        best_epoch: the epoch that the model is from; 0 if training was interrupted in its first epoch.
        train_seconds: first to last training step of each epoch, without validation, checkpoints and writing.
        validation: of that model; None where the recipe trained on the validation split too.
        test: of that model, scored once; None where the data has no test split.
        scored: what the report is of: test, or else validation, or else the pictures that it was trained on.
        interrupted: Ctrl-C ended it.
    """

    folder: Path
    model: Model
    recipe: Recipe
    device: str
    history: tuple[EpochRecord, ...]
    best_epoch: int
    train_seconds: float
    validation: Evaluation | None
    test: Evaluation | None
    scored: Evaluation
    interrupted: bool

    def as_dict(self) -> dict[str, Any]:
        """The shape of `train --json`."""
        return {
            "run": str(self.folder),
            "model": str(self.folder / "model.onnx"),
            "epochs": len(self.history),
            "best_epoch": self.best_epoch,
            "train_seconds": self.train_seconds,
            "interrupted": self.interrupted,
            "validation": self.validation and {"accuracy": self.validation.metrics.accuracy},
            "test": self.test and self.test.as_dict(),
        }


def train(
    data: Dataset | str | Path | None = None,
    *,
    recipe: str | Path | Recipe | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
    settings: Mapping[str, Any] | None = None,
    engine: str | None = None,
    device: str = "auto",
    out: str | Path | None = None,
    resume: str | Path | None = None,
    offline: bool = False,
    strict: bool = False,
    report: bool = True,
    framing: Framing | None = None,
    callbacks: TrainingCallbacks | None = None,
) -> Run:
    """Train a recogniser and leave it, with everything about it, in one folder.

    Args:
        data: a data set, the name of one, or a path; None takes MNIST, or `digits` where it cannot be had.
        recipe: a bundled recipe's name, a TOML file or a Recipe; None chooses by what the pictures look like.
        epochs, batch_size, learning_rate, seed: override the recipe's.
        settings: overrides any field: `{"augment.rotate": 10}`.
        engine: `pytorch`, the default, `tensorflow` or `numpy`.
        device: `auto`, `cpu` or `cuda`.
        out: the folder to make; None makes `runs/<data>-<recipe>-<time>`.
        resume: the folder of a run to go on with; only `epochs` may be given beside it.
        offline: never download.
        strict: refuse damaged pictures instead of leaving them out.
        report: write report.html too (about a second).
        framing: what pictures are brought to; None chooses by looking at them.
        callbacks: told of the plan, batches and epochs.

    Raises:
        ImagewiseError: of the kind that says what is wrong; nothing already made is lost.

    >>> import tempfile, imagewise
    >>> run = imagewise.train("digits", recipe="perceptron", epochs=5, out=tempfile.mkdtemp() + "/run")
    >>> sorted(file.name for file in run.folder.iterdir())
    ['checkpoint.safetensors', 'history.csv', 'model.onnx', 'report.html', 'run.json']
    >>> run.test.metrics.accuracy > 0.8
    True
    """
    named = {
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer.learning_rate": learning_rate,
        "seed": seed,
    }
    overrides = {key: value for key, value in named.items() if value is not None} | dict(settings or {})
    options = Options(recipe, engine, device, out, resume, overrides, offline, strict, framing=framing)
    run = execute(plan_run(data, options), callbacks or TrainingCallbacks())
    if report:
        write_report(run)
    return run


def execute(plan: Plan, callbacks: TrainingCallbacks) -> Run:
    """Train as planned, score the model that ships once, and fill the folder (all but the report)."""
    callbacks.on_plan(plan)
    record = _record(plan)
    plan.folder.write_record(record | {"status": "running"})
    keeper = _Keeper(plan.folder, callbacks)
    try:
        fitted = plan.engine.fit(plan.network, plan.recipe, plan.dataset, callbacks=keeper, resume=plan.resume)
    except BaseException:
        try:
            keeper.save()
        finally:
            plan.folder.abandon()
        raise
    keeper.save()
    graph = build_graph(plan.network, fitted.weights)
    session = Session(graph.SerializeToString(), "the new model")
    check_agreement(session, fitted)
    scores = {name: _score(session, plan, name) for name in _scored(plan)}
    card = _card(plan, record, scores)
    write_atomically(plan.folder.model_path, with_metadata(graph, card.to_metadata()))
    run = Run(
        folder=plan.folder.path,
        model=Model.open(plan.folder.model_path),
        recipe=plan.recipe,
        device=plan.engine.device,
        history=fitted.history,
        best_epoch=fitted.best_epoch,
        train_seconds=sum(epoch.seconds for epoch in fitted.history),
        validation=scores.get("validation"),
        test=scores.get("test"),
        scored=scores.get("test") or scores.get("validation") or scores["train"],
        interrupted=fitted.interrupted,
    )
    status = {"status": "interrupted" if fitted.interrupted else "finished", "finished": _now()}
    plan.folder.write_record(record | status | {"results": run.as_dict()})
    return run


def write_report(run: Run) -> Path:
    """Draw report.html of a run; returns its path. It takes about a second, so it comes after the result."""
    path = RunFolder(run.folder).report_path
    write_atomically(path, report_of_run(run))
    return path


class _Keeper(Callbacks):
    """Writes checkpoint and history after an epoch, not oftener than every `SAVE_SECONDS`, and passes everything on."""

    def __init__(self, folder: RunFolder, inner: Callbacks) -> None:
        self._folder, self._inner = folder, inner
        self._unsaved: tuple[Sequence[EpochRecord], Checkpoint] | None = None
        self._saved = perf_counter()

    def on_batch(self, epoch: int, batch: int, batches: int, cost: float, learning_rate: float) -> None:
        """Pass on."""
        self._inner.on_batch(epoch, batch, batches, cost, learning_rate)

    def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
        """Write if it is time, then pass on."""
        self._unsaved = (history, checkpoint)
        if perf_counter() - self._saved >= SAVE_SECONDS:
            self.save()
        self._inner.on_epoch(history, best_epoch, checkpoint)

    def save(self) -> None:
        """Write the last whole epoch, where that has not been done yet."""
        if self._unsaved is None:
            return
        history, checkpoint = self._unsaved
        self._folder.write_checkpoint(checkpoint)
        self._folder.write_history(history)
        self._unsaved, self._saved = None, perf_counter()


def check_agreement(session: Session, fitted: Fitted) -> None:
    """Hold the graph to the trained network, on real pictures.

    Raises:
        TrainingError: a logit differs by more than `TOLERANCE` of the largest (or of 1).
    """
    pictures, wanted = fitted.reference
    _, found = session.run(pictures)
    difference = float(np.abs(found - wanted).max())
    allowed = TOLERANCE * max(1.0, float(np.abs(wanted).max()))
    if not difference <= allowed:
        raise TrainingError(
            f"the model file's logits differ from the trained network's by {difference:.3g}, more than "
            f"{allowed:.3g}; the file was not written. Please report this with the recipe."
        )


def _scored(plan: Plan) -> list[SplitName]:
    """The splits that training saw nothing of; where there is none, the one that it learnt from."""
    return [name for name in plan.dataset.splits if name not in plan.recipe.fitted_splits] or ["train"]


def _score(session: Session, plan: Plan, name: SplitName) -> Evaluation:
    split = plan.dataset[name]
    probabilities, _ = session.run_all(split.images)
    metrics = measure(probabilities, split.labels, plan.dataset.class_names)
    return Evaluation(str(plan.folder.model_path), plan.dataset.name, name, metrics, split, probabilities)


def _record(plan: Plan) -> dict[str, Any]:
    """All that is needed to repeat the run."""
    dataset = plan.dataset
    weights = class_weights(plan.recipe, dataset)
    return {
        "command": sys.argv,
        "data": {
            "source": plan.source,
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "split_rule": dataset.split_rule,
            "counts": {name: len(split) for name, split in dataset.splits.items()},
            "skipped": [list(item) for item in dataset.skipped],
        },
        "class_names": list(dataset.class_names),
        "framing": dataset.framing.as_dict(),
        "recipe": plan.recipe.model_dump(mode="json"),
        "class_weights": None if weights is None else dict(zip(dataset.class_names, weights.tolist(), strict=True)),
        "network": plan.network.as_dict(),
        "engine": plan.engine_name,
        "device": plan.engine.device,
        "versions": installed_versions(),
        "started": _now(),
        "process": {"id": os.getpid(), "host": platform.node()},  # for who wants to know whether it still runs
    }


def _card(plan: Plan, record: Mapping[str, Any], scores: Mapping[SplitName, Evaluation]) -> Card:
    data = {key: record["data"][key] for key in ("name", "fingerprint", "split_rule")}
    seen = (
        image
        for name in plan.recipe.fitted_splits
        if name in plan.dataset
        for piece in pieces(plan.dataset[name].images)
        for image in piece
    )
    return Card(
        class_names=plan.dataset.class_names,
        framing=plan.dataset.framing,
        network=record["network"],
        recipe=record["recipe"],
        data=data | {"sketch": sketch(seen)},
        metrics={name: score.metrics.as_dict() for name, score in scores.items()},
        versions=record["versions"],
        created=_now(),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
