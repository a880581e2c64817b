"""Random changes to how ink was written and taken."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from imagewise.training.engines.pytorch.stroke_augment import PenChanges
from imagewise.training.recipe import Pen, Recipe
from imagewise.training.recipes.files import load_recipe

ALL = Pen(stroke=1.5, coarse=0.5, blur=1.0, fade=0.5, clutter=0.5, noise=0.2)


def bars(count: int = 64) -> Tensor:
    """An upright bar three pixels wide, in the middle."""
    pixels = torch.zeros(count, 1, 28, 28)
    pixels[:, :, 6:22, 13:16] = 255
    return pixels


def changed(pen: Pen, seed: int = 0) -> Tensor:
    return PenChanges(pen)(bars(), torch.Generator().manual_seed(seed))


def test_the_same_seed_gives_the_same_pictures_and_another_seed_others() -> None:
    assert torch.equal(changed(ALL), changed(ALL))
    assert not torch.equal(changed(ALL), changed(ALL, 1))


def test_levels_stay_levels_and_pictures_differ_from_each_other() -> None:
    made = changed(ALL)
    assert made.shape == (64, 1, 28, 28)
    assert made.min() >= 0
    assert made.max() <= 255
    assert len({tuple(picture.flatten().tolist()) for picture in made}) == 64


def test_strokes_become_wider_and_thinner_but_never_vanish() -> None:
    widths = changed(Pen(stroke=2.0))[:, 0, 14].sum(1) / 255  # across the bar, in pixels of full ink
    assert widths.min() < 2.5
    assert widths.max() > 6
    assert widths.min() >= 1


@pytest.mark.parametrize("name", ["coarse", "blur", "fade", "clutter", "noise"])
def test_each_change_does_something_and_only_where_it_is_asked_for(name: str) -> None:
    assert not torch.equal(changed(Pen(**{name: 0.9})), bars())
    assert torch.equal(changed(Pen()), bars())


def test_clutter_lies_near_the_edge_and_leaves_the_middle_alone() -> None:
    made = changed(Pen(clutter=1.0))
    assert torch.equal(made[:, :, 5:-5, 5:-5], bars()[:, :, 5:-5, 5:-5])
    assert (made != bars()).flatten(1).any(1).float().mean() > 0.9


def test_blur_keeps_the_amount_of_ink() -> None:
    assert changed(Pen(blur=1.0)).sum().item() == pytest.approx(bars().sum().item(), rel=1e-3)


def test_the_recipe_that_ships_uses_them() -> None:
    recipe = load_recipe("digits")
    assert isinstance(recipe, Recipe)
    assert recipe.augment.pen != Pen()
