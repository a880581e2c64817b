"""The pretrained network of a run: the one that is named, or the best one that is available."""

from __future__ import annotations

from pathlib import Path

from imagewise.backbones.backbone import Backbone
from imagewise.backbones.budget import Budget
from imagewise.backbones.catalog import entries
from imagewise.backbones.onnx_files.onnx_file import OnnxFile, open_onnx_file
from imagewise.backbones.opening import AUTO, open_preferred, open_pretrained
from imagewise.data.dataset import Dataset
from imagewise.errors import RecipeError
from imagewise.framing.framing import Framing
from imagewise.training.head.recipe import HeadRecipe
from imagewise.training.planning.plan import AnyRecipe, Data, Options
from imagewise.training.planning.trial import quick_score


def named_backbone(recipe: AnyRecipe, options: Options) -> Backbone | None:
    """The backbone that a recipe names; None where it names none or leaves the choice open.

    Raises:
        ImagewiseError: it is not available: a backbone that is named is never replaced.
    """
    name = recipe.backbone
    if name is None or name == AUTO:
        return None
    if name not in entries() and (name.lower().endswith(".onnx") or Path(name).is_file()):
        if not isinstance(recipe, HeadRecipe):
            raise RecipeError(
                f"recipe {recipe.name}: {name} is an ONNX file, whose weights cannot be trained further. Fit a head on "
                "its features (--recipe transfer), or name a backbone of `imagewise backbones`."
            )
        return open_onnx_file(Path(name).expanduser(), recipe.backbone_output, recipe.backbone_normalization)
    if isinstance(recipe, HeadRecipe) and (recipe.backbone_output or recipe.backbone_normalization):
        raise RecipeError(
            f"recipe {recipe.name}: backbone_output and backbone_normalization are for ONNX files; {name} has its own. "
            "Leave them out."
        )
    return open_pretrained(name, offline=options.offline, progress=options.download_progress)


def best_backbone(options: Options) -> tuple[Backbone | None, tuple[str, ...]]:
    """The most accurate backbone that is available, None where there is none; and what to tell the user."""
    opened = open_preferred(offline=options.offline, progress=options.download_progress)
    if opened.backbone is None:
        reason = f"No pretrained network is available ({'; '.join(opened.reasons)})"
        return None, (f"{reason}: imagewise trains a network from random weights instead, which is less accurate.",)
    if not opened.reasons:
        return opened.backbone, ()
    reason = f"The most accurate pretrained network is not available ({'; '.join(opened.reasons)})"
    return opened.backbone, (f"{reason}: imagewise takes {opened.backbone.entry.title} instead.",)


def side_limit(data: Data | None, recipe: AnyRecipe | None, named: Backbone | None, options: Options) -> Budget | None:
    """The bound of the pictures' size by the time that the user gives; None where no time is given.

    Raises:
        RecipeError: the size is given already, so that the time could not bound it.
    """
    if options.minutes is None:
        return None
    if isinstance(data, Dataset):
        raise RecipeError("--minutes chooses the size of the pictures, and those of a Dataset have one. Leave it out.")
    if options.framing is not None:
        raise RecipeError("--minutes chooses the size of the pictures, and --framing gives one. Leave one of them out.")

    def opened() -> Backbone:
        backbone = named or best_backbone(options)[0]
        if backbone is None:
            raise RecipeError("--minutes needs a pretrained network, and none is available. Leave it out.")
        return backbone

    name = AUTO if recipe is None else recipe.backbone or AUTO
    return Budget(options.minutes, name, opened, threads=options.threads)


def only_framing(backbone: Backbone | None) -> Framing | None:
    """The framing for a backbone that prescribes the size of its pictures; None for any other."""
    if not isinstance(backbone, OnnxFile):
        return None
    return Framing("photo", backbone.usual_side, backbone.usual_side, 3)


def fitted_to(backbone: Backbone, dataset: Dataset, recipe: AnyRecipe) -> tuple[Backbone, tuple[str, ...]]:
    """The backbone with what is found out on the training pictures, and what to tell the user about it."""
    if not isinstance(backbone, OnnxFile):
        return backbone, ()
    if isinstance(recipe, HeadRecipe) and recipe.backbone_normalization is None:
        backbone = backbone.normalized_by_trial(dataset["train"].images, dataset["train"].labels, quick_score)
    return backbone, (backbone.describe() + ".",)
