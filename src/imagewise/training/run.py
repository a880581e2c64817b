"""The whole flow on one screen: data, recipe, network and engine in; a run folder with one model file out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from imagewise.atomic import write_atomically
from imagewise.data.dataset import Dataset, SplitName
from imagewise.display.notices import warn_of
from imagewise.errors import ImagewiseWarning
from imagewise.evaluation.evaluate import Evaluation
from imagewise.evaluation.scoring import score
from imagewise.framing.framing import Framing
from imagewise.model.model import Model
from imagewise.training.engines.tracker import TrackerState
from imagewise.training.fit import Fitted, fit
from imagewise.training.head.record import HeadRecord
from imagewise.training.history import EpochRecord
from imagewise.training.package import PackagedModel, package
from imagewise.training.planning.plan import AnyRecipe, Data, Options, Plan
from imagewise.training.planning.planning import plan_run
from imagewise.training.record import utc_now
from imagewise.training.reports.callbacks import SeveralCallbacks
from imagewise.training.reports.callbacks import TrainingCallbacks as TrainingCallbacks
from imagewise.training.reports.keeper import RunKeeper
from imagewise.training.reports.live import TrainingDisplay
from imagewise.training.reports.run_report import report_of_run
from imagewise.training.result import Run
from imagewise.training.run_folder import RunFolder


def train(
    data: Data | None = None,
    *,
    recipe: str | Path | AnyRecipe | None = None,
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
    framing: Framing | str | None = None,
    backbone: str | None = None,
    minutes: float | None = None,
    half: bool = False,
    threads: int | None = None,
    group_by: str | None = None,
    near_copies: bool = True,
    columns: Mapping[str, str] | None = None,
    audit: str | Path | None = None,
    callbacks: TrainingCallbacks | None = None,
    verbose: bool = True,
) -> Run:
    """Train a model, and write it with its report and records to one folder.

    Warns (`ImagewiseWarning`) of what falls back or is left out; all of it is in `notices` and `skipped` of the result.

    Args:
        data: a data set, the name of one, a path, a pair `(images, labels)`, or a table with the columns `file` and
            `label`; see `load_data`. None takes MNIST, or `mnist-sample` if MNIST is unavailable.
        recipe: a bundled recipe's name, a TOML file or a Recipe; None chooses from the pictures.
        epochs, batch_size, learning_rate, seed: override the recipe's.
        settings: overrides any field: `{"augment.rotate": 10}`.
        engine: `pytorch`, the default, `tensorflow` or `numpy`.
        device: `auto`, `cpu`, `cuda`, or `mps`, a Mac's GPU.
        out: the folder to make; None makes `runs/<data>-<recipe>-<time>`.
        resume: the folder of a run to resume, with more `epochs` or nothing else; a complete run gets a missing report.
        offline: never download.
        strict: refuse damaged pictures instead of leaving them out.
        report: write report.html too (about a second).
        framing: kind and size of the model's input, a Framing or its text (`photo:96`); None chooses from the pictures.
        backbone: the pretrained network to start from: a name of `imagewise.backbones()`, or an ONNX file; None takes
            the most accurate one that is available, where the recipe starts from one.
        minutes: how long a run on a pretrained network may take: the size of the pictures is chosen to fit.
        half: store the weights with 16 bits: half the size of model.onnx.
        group_by: a regular expression on the names of picture files: pictures with the same match are one group, such
            as a person, and stay in one split.
        near_copies: keep pictures that look the same in one split. False splits by content alone.
        columns: which columns of a table to take; see `load_data`.
        audit: a table that `imagewise.audit` or the command wrote: its labels are changed and its pictures left out.
        threads: number of threads on the CPU; None takes fewer while other processes need the processors.
        callbacks: called with the plan, batches and epochs; one that raises StopTraining ends the training.
        verbose: show progress: a bar on a terminal and in a notebook, a line an epoch on stderr elsewhere.

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
        "backbone": backbone,
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer.learning_rate": learning_rate,
        "seed": seed,
    }
    given: Any = settings or {}
    if not isinstance(given, Mapping):
        raise TypeError(f"settings is a mapping such as {{'augment.rotate': 10}}, not {type(given).__name__}.")
    overrides = {key: value for key, value in named.items() if value is not None} | dict(given)
    options = Options(
        recipe=recipe,
        engine=engine,
        device=device,
        out=out,
        resume=resume,
        overrides=overrides,
        offline=offline,
        strict=strict,
        framing=framing,
        threads=threads,
        group_by=group_by,
        near_copies=near_copies,
        columns=columns,
        report=report,
        minutes=minutes,
        half=half,
        audit=audit,
    )
    listener = callbacks or TrainingCallbacks()
    if not verbose:
        run = _run(data, options, listener)
    else:
        with TrainingDisplay(warned=True) as display:
            options = replace(options, download_progress=display.on_download)
            run = _run(data, options, SeveralCallbacks(display, listener))
    if report:
        write_report(run)
    return run


def _run(data: Data | None, options: Options, callbacks: TrainingCallbacks) -> Run:
    """Plan and execute, and warn in between, so that a warning turned into an error costs no training."""
    plan = plan_run(data, options)
    if not isinstance(data, Dataset):  # `load_data` has warned
        try:
            warn_of(plan.dataset.notices, plan.dataset.skipped)
        except ImagewiseWarning:
            plan.folder.abandon()
            raise
    return execute(plan, callbacks)


def execute(plan: Plan, callbacks: TrainingCallbacks) -> Run:
    """Train as planned, score the model, and fill the folder (all but the report). A complete run is only scored."""
    if plan.complete:
        return _reopen(plan)
    keeper = RunKeeper(plan, callbacks)
    try:
        callbacks.on_plan(plan)
        keeper.update(status="running")
        fitted = fit(plan.job, plan.dataset, keeper, plan.resume, plan.engine)
        keeper.save()
        packaged = package(plan.recipe, plan.dataset, fitted, str(plan.folder.model_path), half=plan.half)
        known = {} if plan.half else fitted.logits  # the scores are those of the file
        try:
            scores = score(packaged.model, plan.dataset, _held_out(plan), known)
        except KeyboardInterrupt:  # Ctrl-C after training: the model is saved all the same, without its scores
            packaged.save(plan.folder.model_path, {})
            raise
        return _finish(plan, keeper, fitted, packaged, scores)
    except BaseException:
        _leave(plan, keeper)
        raise


def _leave(plan: Plan, keeper: RunKeeper) -> None:
    """End a run early: keep what can be resumed, and never a record that says that the run goes on."""
    try:
        keeper.save()
        if plan.folder.holds_result:
            keeper.update(status="interrupted", finished=utc_now())
    finally:
        plan.folder.abandon()


def _finish(
    plan: Plan,
    keeper: RunKeeper,
    fitted: Fitted,
    packaged: PackagedModel,
    scores: Mapping[SplitName, Evaluation],
) -> Run:
    """Write model file and record."""
    model = packaged.save(plan.folder.model_path, {name: score.metrics.as_dict() for name, score in scores.items()})
    run = _run_of(
        plan,
        model,
        scores,
        keeper.threads,
        history=fitted.history,
        best_epoch=fitted.best_epoch,
        interrupted=fitted.interrupted,
        head=fitted.head,
    )
    status = "interrupted" if fitted.interrupted else "finished"
    keeper.update(status=status, finished=utc_now(), results=run.as_dict())
    return run


def _reopen(plan: Plan) -> Run:
    """A complete run, from its model, its record and, where it has epochs, its checkpoint."""
    model = Model.open(plan.folder.model_path)
    state = None if plan.resume is None else TrackerState.of(plan.resume)
    return _run_of(
        plan,
        model,
        score(model, plan.dataset, _held_out(plan)),
        plan.threads_before,
        history=state.history if state else (),
        best_epoch=state.best_epoch if state else 0,
        interrupted=False,
        head=plan.folder.read_record().head,
    )


def _run_of(
    plan: Plan,
    model: Model,
    scores: Mapping[SplitName, Evaluation],
    threads: Sequence[int],
    *,
    history: tuple[EpochRecord, ...],
    best_epoch: int,
    interrupted: bool,
    head: HeadRecord | None,
) -> Run:
    return Run(
        folder=plan.folder.path,
        model=model,
        recipe=plan.recipe,
        device=plan.device,
        history=history,
        best_epoch=best_epoch,
        train_seconds=sum(epoch.seconds for epoch in history),
        validation=scores.get("validation"),
        test=scores.get("test"),
        scored=scores.get("test") or scores.get("validation") or scores["train"],
        interrupted=interrupted,
        counts={name: len(split) for name, split in plan.dataset.splits.items()},
        notices=(*plan.dataset.notices, *_threads_notice(plan, threads)),
        skipped=plan.dataset.skipped,
        head=head,
    )


def _threads_notice(plan: Plan, used: Sequence[int]) -> list[str]:
    """What the user should know where other programs have taken threads from the run."""
    if plan.engine is None or min(used, default=plan.engine.most_threads) == plan.engine.most_threads:
        return []
    most = plan.engine.most_threads
    numbers = " then ".join(map(str, used))
    return [
        f"Other programs needed the processors, so training used {numbers} of {most} threads. Its time and the last "
        f"digits of its results depend on these numbers; --threads {most} (in Python: threads={most}) fixes the number."
    ]


def write_report(run: Run) -> Path:
    """Draw report.html of a run; returns its path. It takes about a second, so it comes after the result."""
    path = RunFolder(run.folder).report_path
    write_atomically(path, report_of_run(run))
    return path


def _held_out(plan: Plan) -> list[SplitName]:
    """The splits that training saw nothing of; if there are none, the training split."""
    return [name for name in plan.dataset.splits if name not in plan.recipe.fitted_splits] or ["train"]
