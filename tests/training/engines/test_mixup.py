"""mixup and CutMix: what a mixed picture is made of, and what its labels count."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from imagewise.errors import RecipeError
from imagewise.training.engines.pytorch.mixup import Mixed, mixing_for
from imagewise.training.recipe import Augment
from imagewise.training.recipes.files import load_recipe

COUNT, HEIGHT, WIDTH = 400, 20, 24


def mixed(seed: int = 0, mixup: float = 0.0, cutmix: float = 0.0) -> tuple[Tensor, Mixed]:
    """Pictures that are all their own number."""
    mixing = mixing_for(Augment(mixup=mixup, cutmix=cutmix))
    assert mixing is not None
    numbers = torch.arange(COUNT)
    pictures = numbers.float()[:, None, None, None].expand(COUNT, 3, HEIGHT, WIDTH).contiguous()
    return mixing(pictures, numbers, torch.Generator().manual_seed(seed))


def share_of_the_other(pictures: Tensor) -> Tensor:
    """(N, C, H, W): how much each pixel is the picture before it, read from its value."""
    numbers, before = torch.arange(COUNT).float(), torch.arange(COUNT).roll(1).float()
    places = (slice(None), None, None, None)
    return (pictures - numbers[places]) / (before - numbers)[places]


def test_a_recipe_that_mixes_nothing_has_no_mixing() -> None:
    assert mixing_for(Augment(flip=True)) is None


def test_mixup_lays_the_picture_before_over_the_whole_of_the_named_share_of_pictures() -> None:
    pictures, labels = mixed(mixup=0.6)
    share = share_of_the_other(pictures)
    torch.testing.assert_close(share, labels.share[:, None, None, None].expand_as(share), rtol=0, atol=1e-3)
    assert labels.labels.tolist() == [COUNT - 1, *range(COUNT - 1)]
    assert 0.5 < float((labels.share > 0).float().mean()) < 0.7
    assert float(labels.share.max()) <= 0.5
    assert float(labels.share[labels.share > 0].mean()) == pytest.approx(0.25, abs=0.03)


def test_cutmix_puts_one_rectangle_of_the_other_and_counts_its_area() -> None:
    pictures, labels = mixed(cutmix=0.7)
    share = share_of_the_other(pictures)
    assert torch.equal(share[:, 0], share[:, 2])
    other = share[:, 0] > 0.5
    torch.testing.assert_close(share[:, 0], other.float(), rtol=0, atol=1e-3)
    torch.testing.assert_close(other.float().mean((1, 2)), labels.share, rtol=0, atol=1e-4)
    rows, columns = other.any(2), other.any(1)
    assert torch.equal(other, rows[:, :, None] & columns[:, None, :])
    for line in (rows, columns):  # one piece: from there on and back once at most
        assert int((line[:, 1:] & ~line[:, :-1]).sum(1).max()) <= 1
    assert 0.55 < float((labels.share > 0).float().mean()) < 0.8
    assert 0.4 < float(labels.share.max()) <= 0.56  # half the area, and what whole pixels add


def test_both_ways_share_the_pictures_and_none_is_mixed_twice() -> None:
    pictures, labels = mixed(mixup=0.5, cutmix=0.5)
    whole = (share_of_the_other(pictures)[:, 0] - labels.share[:, None, None]).abs().amax((1, 2)) < 1e-3
    assert 0.4 < float(whole.float().mean()) < 0.6
    assert float((labels.share > 0).float().mean()) > 0.95


def test_the_generator_decides_and_a_picture_alone_stays_itself() -> None:
    assert torch.equal(mixed(1, mixup=0.5)[0], mixed(1, mixup=0.5)[0])
    assert not torch.equal(mixed(1, mixup=0.5)[0], mixed(2, mixup=0.5)[0])
    mixing = mixing_for(Augment(mixup=1.0))
    assert mixing is not None
    alone = torch.rand((1, 1, 4, 4), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mixing(alone, torch.tensor([1]), torch.Generator())[0], alone)


def test_shares_above_the_whole_are_refused() -> None:
    with pytest.raises(RecipeError, match="together they are at most 1"):
        load_recipe("photo").override({"augment.mixup": 0.6, "augment.cutmix": 0.6})
