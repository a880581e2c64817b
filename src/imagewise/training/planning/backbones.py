"""The pretrained network of a run: the one that is named, or the best one that can be had."""

from __future__ import annotations

from imagewise.backbones.opening import AUTO, open_preferred, open_pretrained
from imagewise.backbones.pretrained import Pretrained
from imagewise.display.notices import Note
from imagewise.training.planning.plan import AnyRecipe, Options


def backbone_of(recipe: AnyRecipe, options: Options) -> tuple[Pretrained | None, tuple[str, ...]]:
    """The backbone that a recipe names, and what to tell the user about the choice.

    None where the recipe leaves the choice open and no weights can be had. A backbone that is named is never replaced.

    Raises:
        ImagewiseError: the backbone that is named cannot be had.
    """
    assert recipe.backbone is not None, "a recipe that starts from random weights has no backbone"
    if recipe.backbone != AUTO:
        return open_pretrained(recipe.backbone, offline=options.offline, progress=options.download_progress), ()
    opened = open_preferred(offline=options.offline, progress=options.download_progress)
    if opened.backbone is None:
        reason = f"no pretrained network is available ({'; '.join(opened.reasons)})"
        return None, (f"{reason}: training a network from random weights, which is less accurate.",)
    if opened.reasons:
        better = "The pretrained network of first choice is not available"
        return opened.backbone, (f"{better} ({'; '.join(opened.reasons)}): using {opened.backbone.entry.title}.",)
    return opened.backbone, ()
