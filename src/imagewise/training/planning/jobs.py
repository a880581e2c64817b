"""The job of a recipe and a data set."""

from __future__ import annotations

from imagewise.backbones.backbone import Backbone
from imagewise.backbones.onnx_files.onnx_file import OnnxFile
from imagewise.backbones.pretrained import Pretrained
from imagewise.data.dataset import Dataset
from imagewise.errors import RecipeError
from imagewise.framing.framing import Framing, describe_size
from imagewise.model.session import Device
from imagewise.training.class_weights import class_weights
from imagewise.training.design import design_network
from imagewise.training.head.fine_tuning import fitting_resolution
from imagewise.training.head.job import FineTuneJob, HeadJob
from imagewise.training.head.recipe import HeadRecipe
from imagewise.training.job import TrainingJob
from imagewise.training.recipe import Recipe
from imagewise.training.recipes.files import load_recipe

LEAST_SIDE = 64  # pixels; below it little is left of a picture after the five halvings of a backbone


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


def make_head_job(
    recipe: HeadRecipe, dataset: Dataset, backbone: Backbone, device: str = "auto", threads: int | None = None
) -> HeadJob:
    """The job of fitting a head on the backbone's features of the data. Raises RecipeError."""
    # an ONNX file knows the sizes that it takes
    _check_framing(recipe, dataset.framing, 1 if isinstance(backbone, OnnxFile) else LEAST_SIDE)
    weights = class_weights(recipe, dataset)
    # onnxruntime has no "mps": features are computed on the CPU of a Mac
    where: Device = "cuda" if device == "cuda" else "auto" if device == "auto" else "cpu"
    return HeadJob(backbone, recipe, dataset.framing.height, len(dataset.class_names), weights, where, threads)


def make_fine_tune_job(
    recipe: Recipe,
    dataset: Dataset,
    backbone: Pretrained,
    engine: str = "pytorch",
    device: str = "auto",
    threads: int | None = None,
) -> FineTuneJob:
    """The job of fitting a head and then training the whole network. Raises RecipeError."""
    transfer = load_recipe("transfer")
    assert isinstance(transfer, HeadRecipe)
    shared = {"class_weights": recipe.class_weights, "seed": recipe.seed, "fit_on": recipe.fit_on}
    head = make_head_job(transfer.override(shared), dataset, backbone, device, threads)
    return FineTuneJob(head, fitting_resolution(recipe, backbone, head.side), engine, device, threads)


def suits_backbones(framing: Framing, least: int = LEAST_SIDE) -> bool:
    """Whether pictures of this framing can be seen by a pretrained network: square photographs in colour."""
    square = framing.height == framing.width >= least
    return framing.kind != "ink" and square and framing.channels == 3


def _check_framing(recipe: HeadRecipe, framing: Framing, least: int) -> None:
    if not suits_backbones(framing, least):
        raise RecipeError(
            f"recipe {recipe.name}: a pretrained network takes square pictures in colour of at least "
            f"{least}x{least}, not {describe_size(framing.shape)} of framing {framing.kind}. Choose another "
            "size (--framing photo:224), or a recipe that starts from random weights (--recipe photo)."
        )
