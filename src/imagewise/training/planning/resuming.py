"""The plan of a run that goes on: its own settings and data, from its last checkpoint."""

from __future__ import annotations

from dataclasses import replace

from imagewise.backbones.backbone import Backbone
from imagewise.backbones.opening import AUTO
from imagewise.backbones.pretrained import Pretrained
from imagewise.data.class_order import with_classes_as
from imagewise.data.corrections.table import AppliedAudit, read_corrections
from imagewise.data.dataset import Dataset
from imagewise.errors import DataError, ModelError, NetworkError, RecipeError
from imagewise.networks.network import Network
from imagewise.training.engines.base import Engine
from imagewise.training.engines.registry import open_engine
from imagewise.training.engines.tracker import TrackerState
from imagewise.training.head.recipe import HeadRecipe
from imagewise.training.planning.backbones import best_backbone, fitted_to, named_backbone
from imagewise.training.planning.few import all_for_training
from imagewise.training.planning.jobs import make_fine_tune_job, make_head_job, make_job
from imagewise.training.planning.loading import load_again
from imagewise.training.planning.plan import AnyRecipe, Data, Job, Options, Plan
from imagewise.training.recipes.files import parse_recipe
from imagewise.training.record import RunRecord
from imagewise.training.run_folder import RunFolder


def resume(data: Data | None, options: Options, folder: RunFolder) -> Plan:
    """The plan of the run in `folder`, with more epochs if the user says so. Raises ImagewiseError."""
    _refuse_changes(options, folder)
    record = folder.read_record()
    # a run that ended in its first epoch has no checkpoint: it starts again, from its record
    checkpoint = None if folder.ended_in_first_epoch else folder.read_checkpoint()
    recipe = _recipe(record, folder).override(options.overrides or {})
    state = None if checkpoint is None else TrackerState.of(checkpoint)
    complete = _is_complete(record, recipe, state, options, folder)
    source = record.data.source
    if data is None and source is None:
        raise DataError(
            f"{folder.path} was trained on {record.data.name}, data passed from Python; pass it again to resume."
        )
    audit = _same_audit(record, folder)
    as_then = replace(
        options,
        audit=None if audit is None else audit.file,
        framing=record.framing,
        group_by=record.data.group_by,
        near_copies=record.data.near_copies,
        columns=record.data.columns,
    )
    dataset = load_again(source if data is None else data, as_then, recipe, folder)
    dataset = with_classes_as(dataset, record.class_names) or dataset
    if isinstance(recipe, HeadRecipe):
        dataset = all_for_training(dataset)
    if dataset.fingerprint != record.data.fingerprint:
        raise DataError(f"{dataset.name} is no longer the data that {folder.path} was trained on; start a new run.")
    job, engine = _job(record, recipe, dataset, options, folder)
    before = record.threads.used if checkpoint else ()
    columns, half = record.data.columns, record.half or options.half
    return Plan(source, dataset, job, engine, folder, checkpoint, before, complete, columns, half, audit)


def _same_audit(record: RunRecord, folder: RunFolder) -> AppliedAudit | None:
    """The table that the run's data was corrected by, if any. Raises DataError where it has changed."""
    then = record.data.audit
    if then is None or then.file is None:
        return None
    now = read_corrections(then.file).table
    if now.sha256 != then.sha256:
        raise DataError(
            f"{then.file} has changed since {folder.path} was started with it. Restore it, or start a new run."
        )
    return now


def _refuse_changes(options: Options, folder: RunFolder) -> None:
    fixed = ("recipe", "engine", "out", "framing", "group_by", "columns", "audit")
    clash = [name for name in fixed if getattr(options, name) is not None]
    clash += [] if options.near_copies else ["near_copies"]
    clash += [key for key in options.overrides or {} if key != "epochs"]
    if clash:
        raise RecipeError(
            f"--resume {folder.path} continues with that run's settings; it cannot change {', '.join(clash)}. "
            "Only --epochs may be given; for anything else start a new run."
        )


def _recipe(record: RunRecord, folder: RunFolder) -> AnyRecipe:
    """Recipe of a run that can be resumed. Raises ModelError where the record lacks something."""
    try:
        missing = [name for name in ("framing", "status", "engine") if getattr(record, name) is None]
        missing += [f"data.{name}" for name in ("name", "fingerprint") if getattr(record.data, name) is None]
        if missing:
            raise ModelError(f"{', '.join(missing)} missing")
        recipe = parse_recipe(record.recipe.as_dict(), str(folder.record_path))
        if recipe.backbone is None:
            Network.from_dict(record.network)
        return recipe
    except (RecipeError, NetworkError, ModelError) as error:
        raise ModelError(f"{folder.record_path}: damaged, or of another version ({error}); start a new run.") from error


def _is_complete(
    record: RunRecord, recipe: AnyRecipe, state: TrackerState | None, options: Options, folder: RunFolder
) -> bool:
    """Whether nothing is left to train. Raises RecipeError unless the report is missing and can be written."""
    finished = record.status == "finished"
    done = len(state.history) if state else 0
    out_of_patience = False
    if not isinstance(recipe, HeadRecipe):
        out_of_patience = bool(state and recipe.patience and state.since >= recipe.patience)
        finished = finished and (out_of_patience or done >= recipe.epochs)
    lacks_report = folder.model_path.exists() and not folder.report_path.exists()
    if not finished or (lacks_report and options.report and not options.overrides):
        return finished
    if isinstance(recipe, HeadRecipe):
        raise RecipeError(f"{folder.path} is complete: its head is fitted. Start a new run to change anything.")
    raise RecipeError(
        f"{folder.path} is complete: it stopped after {done} epochs, {recipe.patience} of them without a better "
        "validation accuracy (patience). Start a new run; --set patience=0 trains to the last epoch."
        if out_of_patience
        else f"{folder.path} is complete after {done} epochs. To train it further, add --epochs N with N above {done}."
    )


def _job(
    record: RunRecord, recipe: AnyRecipe, dataset: Dataset, options: Options, folder: RunFolder
) -> tuple[Job, Engine | None]:
    """The job as it was planned then, and its engine. Raises ImagewiseError."""
    engine_name = record.engine or "pytorch"
    threads = options.threads or record.threads.chosen
    if isinstance(recipe, HeadRecipe) or recipe.backbone is not None:
        backbone = _backbone(record, recipe, dataset, options, folder)
        if isinstance(recipe, HeadRecipe):
            return make_head_job(recipe, dataset, backbone, options.device, threads), None
        assert isinstance(backbone, Pretrained)  # `named_backbone` refuses others for such a recipe
        engine = open_engine(engine_name, options.device, threads)
        return make_fine_tune_job(recipe, dataset, backbone, engine_name, options.device, threads), engine
    network = Network.from_dict(record.network)
    job = replace(make_job(recipe, dataset, engine_name, options.device, threads), network=network)
    return job, open_engine(engine_name, options.device, threads)


def _backbone(record: RunRecord, recipe: AnyRecipe, dataset: Dataset, options: Options, folder: RunFolder) -> Backbone:
    """The one of then, also where the recipe leaves the choice open. Raises ImagewiseError."""
    then = record.backbone
    if recipe.backbone == AUTO and then is not None:
        recipe = recipe.override({"backbone": then.name})
    backbone = named_backbone(recipe, options) or best_backbone(options)[0]
    if backbone is None:
        raise ModelError(f"{folder.path} needs a pretrained network, and none is available. Start a new run.")
    backbone, _ = fitted_to(backbone, dataset, recipe)
    if then is not None and then.digest != backbone.digest:
        raise ModelError(f"{folder.path} was trained on other weights of {then.name} than today's. Start a new run.")
    return backbone
