"""What a run will do, decided before it starts: data, job, engine, folder; from the start or resumed."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from imagewise.data.catalog import named_sets
from imagewise.data.class_order import with_classes_as
from imagewise.data.dataset import Dataset
from imagewise.data.groups.grouping import Grouping
from imagewise.data.loading import check_source, open_data
from imagewise.data.sources.handed import Handed
from imagewise.errors import DataError, ModelError, NetworkError, RecipeError
from imagewise.fetch import Progress
from imagewise.framing.framing import Framing
from imagewise.networks.network import Network
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.class_weights import class_weights
from imagewise.training.design import default_recipe, design_network
from imagewise.training.engines.base import Engine
from imagewise.training.engines.default import default_engine, explain_numpy
from imagewise.training.engines.registry import open_engine
from imagewise.training.engines.tracker import TrackerState
from imagewise.training.job import TrainingJob
from imagewise.training.recipe import Recipe
from imagewise.training.recipes.files import load_recipe
from imagewise.training.record import RunRecord
from imagewise.training.run_folder import RunFolder

Data = Dataset | str | Path | Handed
"""Data as `imagewise.train` takes it."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a user may say about a run; see `imagewise.train`."""

    recipe: str | Path | Recipe | None = None
    engine: str | None = None
    device: str = "auto"
    out: str | Path | None = None
    resume: str | Path | None = None
    overrides: Mapping[str, Any] | None = None
    offline: bool = False
    strict: bool = False
    download_progress: Progress | None = None
    framing: Framing | str | None = None
    threads: int | None = None
    group_by: str | None = None
    near_copies: bool = True
    columns: Mapping[str, str] | None = None
    report: bool = True


@dataclass(frozen=True)
class Plan:
    """A run, ready to start.

    Attributes:
        source: the data as it was named, absolute where it is a path; None for data passed from Python.
        dataset: the pictures.
        job: what is trained, and how.
        engine: the job's engine, open.
        folder: the run's folder.
        resume: the checkpoint to go on from.
        threads_before: numbers of threads of the part of the run that is done already.
        complete: the run is finished and has its model; only its report is missing.
        columns: of the table that the data is, by what they are for, as the user named them.
    """

    source: str | None
    dataset: Dataset
    job: TrainingJob
    engine: Engine
    folder: RunFolder
    resume: Checkpoint | None
    threads_before: tuple[int, ...] = ()
    complete: bool = False
    columns: Mapping[str, str] | None = None

    @property
    def recipe(self) -> Recipe:
        """The job's recipe."""
        return self.job.recipe

    @property
    def network(self) -> Network:
        """The job's network."""
        return self.job.network

    @property
    def engine_name(self) -> str:
        """`pytorch`, `tensorflow` or `numpy`."""
        return self.job.engine


def plan_run(data: Data | None, options: Options) -> Plan:
    """Load, choose and check everything. Raises ImagewiseError before any time is spent on training."""
    if options.resume is not None:
        return _resume(data, options, RunFolder(Path(options.resume)))
    dataset, job, engine = prepare(data, options)
    path = Path(options.out) if options.out else RunFolder.default_path(dataset.name, job.recipe.name)
    return Plan(_source(data, dataset), dataset, job, engine, RunFolder.create(path), None, columns=options.columns)


def prepare(data: Data | None, options: Options) -> tuple[Dataset, TrainingJob, Engine]:
    """Data, job and its engine: loaded, chosen and checked. No folder is made."""
    # before the data: a misspelt name should not cost a download; before the framework: nor its seconds of import
    recipe = None if options.recipe is None else _recipe(options.recipe, options)
    if not isinstance(data, Dataset):
        check_source(data)
    engine_name = options.engine or default_engine()
    with ThreadPoolExecutor(1) as pool:
        opening = None
        if engine_name == "pytorch":  # its import takes a second, during which the data is read
            opening = pool.submit(open_engine, engine_name, options.device, options.threads)
        dataset = _load(data, options, recipe)
        recipe = recipe or _recipe(default_recipe(dataset, engine_name), options)
        job = make_job(recipe, dataset, engine_name, options.device, options.threads)
        if engine_name != options.engine and engine_name == "numpy":
            dataset = dataset.with_notices(explain_numpy(job))
        # TensorFlow's import writes to standard error, which is kept back meanwhile: nothing else may run then
        engine = opening.result() if opening else open_engine(engine_name, options.device, options.threads)
        return dataset, job, engine


def make_job(
    recipe: Recipe, dataset: Dataset, engine: str = "pytorch", device: str = "auto", threads: int | None = None
) -> TrainingJob:
    """The job of training the recipe's network on the data. Raises NetworkError, RecipeError."""
    return TrainingJob(
        network=design_network(recipe, dataset),
        recipe=recipe,
        framing_kind=dataset.framing.kind,
        engine=engine,
        device=device,
        class_weights=class_weights(recipe, dataset),
        threads=threads,
    )


def _resume(data: Data | None, options: Options, folder: RunFolder) -> Plan:
    """The plan of the run in `folder`, with more epochs if the user says so."""
    fixed = ("recipe", "engine", "out", "framing", "group_by", "columns")
    clash = [name for name in fixed if getattr(options, name) is not None]
    clash += [] if options.near_copies else ["near_copies"]
    clash += [key for key in options.overrides or {} if key != "epochs"]
    if clash:
        raise RecipeError(
            f"--resume {folder.path} continues with that run's settings; it cannot change {', '.join(clash)}. "
            "Only --epochs may be given; for anything else start a new run."
        )
    record = folder.read_record()
    # a run that ended in its first epoch has no checkpoint: it starts again, from its record
    checkpoint = None if folder.ended_in_first_epoch else folder.read_checkpoint()
    recipe, network = _settings(record, folder)
    recipe = recipe.override(options.overrides or {})
    state = None if checkpoint is None else TrackerState.of(checkpoint)
    done = len(state.history) if state else 0
    out_of_patience = bool(state and recipe.patience and state.since >= recipe.patience)
    complete = record.status == "finished" and (out_of_patience or done >= recipe.epochs)
    lacks_report = folder.model_path.exists() and not folder.report_path.exists()
    if complete and not (lacks_report and options.report and not options.overrides):
        raise RecipeError(
            f"{folder.path} is complete: it stopped after {done} epochs, {recipe.patience} of them without a better "
            "validation accuracy (patience). Start a new run; --set patience=0 trains to the last epoch."
            if out_of_patience
            else f"{folder.path} is complete after {done} epochs. To train it further, add --epochs N with N above "
            f"{done}."
        )
    source = record.data.source
    if data is None and source is None:
        raise DataError(
            f"{folder.path} was trained on {record.data.name}, data passed from Python; pass it again to resume."
        )
    as_then = replace(
        options,
        framing=record.framing,
        group_by=record.data.group_by,
        near_copies=record.data.near_copies,
        columns=record.data.columns,
    )
    dataset = _load_again(source if data is None else data, as_then, recipe, folder)
    dataset = with_classes_as(dataset, record.class_names) or dataset
    if dataset.fingerprint != record.data.fingerprint:
        raise DataError(f"{dataset.name} is no longer the data that {folder.path} was trained on; start a new run.")
    engine_name = record.engine or "pytorch"
    threads = options.threads or record.threads.chosen
    job = replace(make_job(recipe, dataset, engine_name, options.device, threads), network=network)
    engine = open_engine(engine_name, options.device, threads)
    before = record.threads.used if checkpoint else ()
    return Plan(source, dataset, job, engine, folder, checkpoint, before, complete, record.data.columns)


def _load_again(data: Data | None, options: Options, recipe: Recipe, folder: RunFolder) -> Dataset:
    """The data of a run that goes on; where it has moved, the error says how to name the new place."""
    if isinstance(data, str) and Path(data).is_absolute() and not Path(data).exists():
        raise DataError(
            f"{data}: the data of {folder.path} is no longer there. If it has moved, name the new place: "
            f"imagewise train DATA --resume {folder.path}"
        )
    return _load(data, options, recipe)


def _settings(record: RunRecord, folder: RunFolder) -> tuple[Recipe, Network]:
    """Recipe and network of a run that can be resumed. Raises ModelError where the record lacks something."""
    try:
        missing = [name for name in ("framing", "status", "engine") if getattr(record, name) is None]
        missing += [f"data.{name}" for name in ("name", "fingerprint") if getattr(record.data, name) is None]
        if missing:
            raise ModelError(f"{', '.join(missing)} missing")
        return Recipe.parse(record.recipe.as_dict(), str(folder.record_path)), Network.from_dict(record.network)
    except (RecipeError, NetworkError, ModelError) as error:
        raise ModelError(f"{folder.record_path}: damaged, or of another version ({error}); start a new run.") from error


def _recipe(recipe: str | Path | Recipe, options: Options) -> Recipe:
    found = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    assert isinstance(found, Recipe)
    return found.override(options.overrides or {})


def _load(data: Data | None, options: Options, recipe: Recipe | None) -> Dataset:
    """The data, framed as the user says, else as the recipe says, else as fits the pictures."""
    if not isinstance(data, Dataset):
        named = Framing.parse(recipe.framing) if recipe is not None and recipe.framing else None
        data = open_data(
            data,
            framing=options.framing or named,
            offline=options.offline,
            strict=options.strict,
            columns=options.columns,
            progress=options.download_progress,
            grouping=Grouping(options.group_by, options.near_copies),
        )
    if "train" not in data or len(data["train"]) < 2 or len(data.class_names) < 2:
        raise DataError(f"{data.name}: training needs at least two classes and two training pictures.")
    return data


def _source(data: Data | None, dataset: Dataset) -> str | None:
    if data is None:
        return dataset.name  # the default, or the set that replaced it
    if not isinstance(data, str | Path):
        return None
    if isinstance(data, str) and data in named_sets():
        return data  # whatever else here may be called so
    return str(Path(data).resolve()) if Path(data).exists() else str(data)
