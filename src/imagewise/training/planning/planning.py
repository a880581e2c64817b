"""From what a user asks for to a plan: load, choose and check everything before any time is spent on training."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from imagewise.backbones.backbone import Backbone
from imagewise.backbones.pretrained import Pretrained
from imagewise.data.corrections.table import read_corrections
from imagewise.data.dataset import Dataset
from imagewise.data.loading import check_source
from imagewise.errors import RecipeError
from imagewise.training.design import default_recipe
from imagewise.training.engines.base import Engine
from imagewise.training.engines.default import default_engine, explain_numpy
from imagewise.training.engines.registry import open_engine
from imagewise.training.head.fine_tuning import settled
from imagewise.training.head.recipe import HeadRecipe
from imagewise.training.job import TrainingJob
from imagewise.training.planning.backbones import best_backbone, fitted_to, named_backbone, only_framing, side_limit
from imagewise.training.planning.few import all_for_training
from imagewise.training.planning.jobs import make_fine_tune_job, make_head_job, make_job, suits_backbones
from imagewise.training.planning.loading import load, source_of
from imagewise.training.planning.plan import AnyRecipe, Data, Job, Options, Plan
from imagewise.training.planning.resuming import resume
from imagewise.training.recipe import Recipe
from imagewise.training.recipes.files import load_recipe
from imagewise.training.run_folder import RunFolder

TRANSFER, FROM_SCRATCH = "transfer", "photo"


def plan_run(data: Data | None, options: Options) -> Plan:
    """Load, choose and check everything. Raises ImagewiseError before any time is spent on training."""
    if options.resume is not None:
        return resume(data, options, RunFolder(Path(options.resume)))
    asked = options.recipe or (TRANSFER if "backbone" in (options.overrides or {}) else None)
    recipe = None if asked is None else recipe_of(asked, options)
    dataset, job, engine = _prepare(data, options, recipe, may_transfer=options.engine is None)
    path = Path(options.out) if options.out else RunFolder.default_path(dataset.name, job.recipe.name)
    source, folder = source_of(data, dataset), RunFolder.create(path)
    audit = None if options.audit is None else read_corrections(options.audit).table
    return Plan(source, dataset, job, engine, folder, None, columns=options.columns, half=options.half, audit=audit)


def prepare(data: Data | None, options: Options) -> tuple[Dataset, TrainingJob, Engine]:
    """Data, job and engine of a training step by step from random weights. No folder is made.

    Raises:
        RecipeError: the recipe that is named starts from a pretrained network.
    """
    recipe = None if options.recipe is None else recipe_of(options.recipe, options)
    if recipe is not None and recipe.backbone is not None:
        raise RecipeError(
            f"recipe {recipe.name} starts from a pretrained network: no learning rate is searched for it. Choose a "
            "recipe that starts from random weights, such as --recipe photo."
        )
    dataset, job, engine = _prepare(data, options, recipe, may_transfer=False)
    assert isinstance(job, TrainingJob)
    assert engine is not None
    return dataset, job, engine


def _prepare(
    data: Data | None, options: Options, recipe: AnyRecipe | None, *, may_transfer: bool
) -> tuple[Dataset, Job, Engine | None]:
    """Data, job and its engine: loaded, chosen and checked.

    Args:
        recipe: None to choose one that fits the pictures.
        may_transfer: whether the choice may be a head on a pretrained network.
    """
    # before the data: a misspelt name should not cost a download; before the framework: nor its seconds of import
    if not isinstance(data, Dataset):
        check_source(data)
    named = None if recipe is None else named_backbone(recipe, options)
    engine_name = options.engine or default_engine()
    on_backbone = may_transfer if recipe is None else recipe.backbone is not None
    with ThreadPoolExecutor(1) as pool:
        opening = None
        if engine_name == "pytorch" and (isinstance(recipe, Recipe) or not on_backbone):
            # its import takes a second, during which the data is read
            opening = pool.submit(open_engine, engine_name, options.device, options.threads)
        limit = side_limit(data, recipe, named, options)
        dataset = load(data, options, recipe, for_backbone=on_backbone, usual=only_framing(named), limit=limit)
        if recipe is None:
            suits = may_transfer and suits_backbones(dataset.framing)
            recipe = recipe_of(TRANSFER if suits else default_recipe(dataset, engine_name), options)
        if recipe.backbone is None and options.minutes is not None:
            raise RecipeError(
                f"recipe {recipe.name} trains for a number of epochs: --minutes is for recipes that start from a "
                "pretrained network. Leave it out, or choose --recipe transfer."
            )
        if recipe.backbone is not None:
            backbone, notices = (named, ()) if named else best_backbone(options)
            if backbone is not None:
                backbone, found = fitted_to(backbone, dataset, recipe)
                return _on_backbone(recipe, dataset.with_notices(*notices, *found), backbone, options, opening)
            recipe = recipe_of(FROM_SCRATCH, options)
            dataset = load(data, options, recipe, for_backbone=False).with_notices(*notices)
        assert isinstance(recipe, Recipe)
        return _from_random_weights(recipe, dataset, engine_name, options, opening)


def _on_backbone(
    recipe: AnyRecipe, dataset: Dataset, backbone: Backbone, options: Options, opening: Future[Engine] | None
) -> tuple[Dataset, Job, Engine | None]:
    if isinstance(recipe, HeadRecipe):
        dataset = all_for_training(dataset)
        return dataset, make_head_job(recipe, dataset, backbone, options.device, options.threads), None
    assert isinstance(backbone, Pretrained)  # `named_backbone` refuses others for such a recipe
    engine_name = options.engine or "pytorch"
    job = make_fine_tune_job(recipe, dataset, backbone, engine_name, options.device, options.threads)
    engine = _engine(opening, engine_name, options)
    return dataset, settled(job, engine, dataset.framing.kind), engine


def _from_random_weights(
    recipe: Recipe, dataset: Dataset, engine_name: str, options: Options, opening: Future[Engine] | None
) -> tuple[Dataset, TrainingJob, Engine]:
    job = make_job(recipe, dataset, engine_name, options.device, options.threads)
    if engine_name != options.engine and engine_name == "numpy":
        dataset = dataset.with_notices(explain_numpy(job))
    engine = _engine(opening, engine_name, options)
    return dataset, engine.settle(job), engine


def _engine(opening: Future[Engine] | None, name: str, options: Options) -> Engine:
    # TensorFlow's import writes to standard error, which is kept back meanwhile: nothing else may run then
    return opening.result() if opening else open_engine(name, options.device, options.threads)


def recipe_of(recipe: str | Path | AnyRecipe, options: Options) -> AnyRecipe:
    """The recipe of that name, or the recipe itself, with the user's changes. Raises RecipeError."""
    found = recipe if isinstance(recipe, Recipe | HeadRecipe) else load_recipe(recipe)
    return found.override(options.overrides or {})
