"""The pictures of a run: framed as the user says, else as the recipe says, else as fits the pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from imagewise.data.auto_framing import FROM_SCRATCH, PRETRAINED, SideLimit
from imagewise.data.catalog import named_sets
from imagewise.data.corrections.applying import apply_corrections
from imagewise.data.corrections.table import read_corrections
from imagewise.data.dataset import Dataset
from imagewise.data.groups.grouping import Grouping
from imagewise.data.loading import open_data
from imagewise.errors import DataError
from imagewise.framing.framing import Framing
from imagewise.training.planning.plan import AnyRecipe, Data, Options
from imagewise.training.run_folder import RunFolder


def load(
    data: Data | None,
    options: Options,
    recipe: AnyRecipe | None,
    *,
    for_backbone: bool,
    usual: Framing | None = None,
    limit: SideLimit | None = None,
) -> Dataset:
    """The data, with at least two classes and two training pictures.

    Args:
        for_backbone: whether photographs are for a pretrained network, which sees larger ones, in colour.
        limit: bounds the side of photographs for a pretrained network.
        usual: the framing where neither the user nor the recipe names one; None to choose it from the pictures.

    Raises:
        DataError: it cannot be used.
    """
    corrections = None if options.audit is None else read_corrections(options.audit)  # before the data is read
    if not isinstance(data, Dataset):
        named = Framing.parse(recipe.framing) if recipe is not None and recipe.framing else None
        data = open_data(
            data,
            framing=options.framing or named or usual,
            offline=options.offline,
            strict=options.strict,
            columns=options.columns,
            progress=options.download_progress,
            grouping=Grouping(options.group_by, options.near_copies),
            photo_sizes=replace(PRETRAINED, limit=limit) if for_backbone else FROM_SCRATCH,
        )
    if corrections is not None:
        data = apply_corrections(data, corrections)
    if "train" not in data or len(data["train"]) < 2 or len(data.class_names) < 2:
        raise DataError(f"{data.name}: training needs at least two classes and two training pictures.")
    return data


def load_again(data: Data | None, options: Options, recipe: AnyRecipe, folder: RunFolder) -> Dataset:
    """The data of a run that goes on; where it has moved, the error says how to name the new place."""
    if isinstance(data, str) and Path(data).is_absolute() and not Path(data).exists():
        raise DataError(
            f"{data}: the data of {folder.path} is no longer there. If it has moved, name the new place: "
            f"imagewise train DATA --resume {folder.path}"
        )
    return load(data, options, recipe, for_backbone=recipe.backbone is not None)


def source_of(data: Data | None, dataset: Dataset) -> str | None:
    """What run.json calls the data, so that a resumed run finds it."""
    if data is None:
        return dataset.name  # the default, or the set that replaced it
    if not isinstance(data, str | Path):
        return None
    if isinstance(data, str) and data in named_sets():
        return data  # whatever else here may be called so
    return str(Path(data).resolve()) if Path(data).exists() else str(data)
