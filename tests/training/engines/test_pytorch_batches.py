"""What goes into a training step: each picture once an epoch, in an order of its own, changed as the recipe says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from contract import a_network, random_images
from engine_runs import LINEAR, Watch, fit
from imagewise.data.dataset import Dataset, Split
from imagewise.framing.framing import FramingKind
from imagewise.networks.layers import Flatten
from imagewise.training.engines.pytorch.augmentation import augmentation_for
from imagewise.training.engines.pytorch.batches import Batches
from imagewise.training.engines.pytorch.engine import PyTorchEngine
from imagewise.training.engines.sampling import epoch_batches, part_of_batch
from imagewise.training.recipe import Augment

CPU = torch.device("cpu")


@given(
    count=st.integers(1, 400), batch_size=st.integers(1, 120), seed=st.integers(0, 2**63 - 1), epoch=st.integers(1, 99)
)
def test_each_picture_comes_once_an_epoch_in_batches_of_nearly_the_same_size(
    count: int, batch_size: int, seed: int, epoch: int
) -> None:
    order, seeds = epoch_batches(count, batch_size, seed, epoch)
    assert sorted(np.concatenate(order).tolist()) == list(range(count))
    sizes = [len(batch) for batch in order]
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    assert len(order) == -(-count // batch_size)
    assert len(seeds) == len(set(seeds)) == len(order)


def test_each_epoch_and_each_seed_has_an_order_of_its_own() -> None:
    orders = {
        (seed, epoch): tuple(np.concatenate(epoch_batches(50, 8, seed, epoch)[0]).tolist())
        for seed in range(3)
        for epoch in range(1, 4)
    }
    assert len(set(orders.values())) == 9
    seeds = [seed for key in orders for seed in epoch_batches(50, 8, *key)[1]]
    assert len(set(seeds)) == len(seeds)


def test_the_engine_takes_another_order_each_epoch(tiny_dataset: Dataset) -> None:
    # at a rate too small to change a float32, only the order can make the first batch's cost another
    still = LINEAR | {"optimizer": {"name": "sgd", "learning_rate": 1e-30}, "epochs": 3}
    watch = Watch()
    fit(PyTorchEngine("cpu"), still, tiny_dataset, watch)
    first = [cost for _, batch, _, cost, _ in watch.batches if batch == 1]
    assert len(set(first)) == 3


def test_pictures_are_gathered_with_their_labels() -> None:
    network = a_network(Flatten(), shape=(5, 4, 3))
    images, labels = random_images(network, 6), np.arange(6, dtype=np.int64) % 3
    batches = Batches(Split(images, labels), network, CPU)
    x, y = batches.take(np.array([4, 0, 4]), None, torch.Generator())
    wanted = (images[[4, 0, 4]] / 255 - np.array(network.mean)) / np.array(network.std)
    np.testing.assert_allclose(x.numpy(), wanted.transpose(0, 3, 1, 2), atol=1e-5)
    assert y.tolist() == [1, 0, 1]
    whole = (images / 255 - np.array(network.mean)) / np.array(network.std)
    np.testing.assert_allclose(batches.all().numpy(), whole.transpose(0, 3, 1, 2), atol=1e-5)


@given(count=st.integers(1, 50), world_size=st.integers(1, 5))
def test_the_parts_of_a_batch_make_the_batch_whatever_the_number_of_workers(count: int, world_size: int) -> None:
    batch = np.random.default_rng(count).permutation(count)
    parts = [part_of_batch(batch, rank, world_size) for rank in range(world_size)]
    assert np.array_equal(np.concatenate(parts), batch)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def changed(pixels: Tensor, kind: FramingKind, seed: int = 0, **values: Any) -> Tensor:
    height, width = pixels.shape[2:]
    augmentation = augmentation_for(Augment(**values), kind, height, width, CPU)
    assert augmentation is not None
    return augmentation(pixels, torch.Generator().manual_seed(seed))


def noise(count: int, height: int = 9, width: int = 7, channels: int = 1) -> Tensor:
    return 255 * torch.rand((count, channels, height, width), generator=torch.Generator().manual_seed(0))


def test_a_recipe_without_augmentation_changes_nothing() -> None:
    assert augmentation_for(Augment(), "photo", 9, 7, CPU) is None


def test_flipping_mirrors_about_half_of_the_pictures_left_to_right() -> None:
    pixels = noise(200)
    found = changed(pixels, "photo", flip=True)
    mirrored = [bool((one == other.flip(2)).all()) for one, other in zip(found, pixels, strict=True)]
    assert all(
        torch.equal(one, other.flip(2) if turned else other)
        for one, other, turned in zip(found, pixels, mirrored, strict=True)
    )
    assert 70 < sum(mirrored) < 130


@pytest.mark.parametrize("values", [{"rotate": 40.0}, {"scale": 0.4}, {"shear": 30.0}, {"rotate": 20.0, "shear": 20.0}])
def test_turning_scaling_and_shearing_keep_the_middle(values: dict[str, Any]) -> None:
    pixels = noise(20)
    found = changed(pixels, "photo", **values)
    torch.testing.assert_close(found[..., 4, 3], pixels[..., 4, 3], rtol=1e-3, atol=1e-2)
    assert not torch.allclose(found, pixels, atol=1)


def test_moving_by_whole_pixels_moves_by_whole_pixels() -> None:
    pixels = torch.zeros((300, 1, 11, 11))
    pixels[:, :, 5, 5] = 255
    found = changed(pixels, "ink", translate=0.2)
    rows = (found.sum((1, 3)) * torch.arange(11)).sum(1) / found.sum((1, 2, 3))
    columns = (found.sum((1, 2)) * torch.arange(11)).sum(1) / found.sum((1, 2, 3))
    for middle in (rows, columns):  # uniform within 0.2 of the side: 2.2 pixels
        assert float((middle - 5).abs().max()) <= 2.2 + 1e-3
        assert float((middle - 5).abs().max()) > 2
        assert abs(float(middle.mean()) - 5) < 0.3
    assert found.sum((1, 2, 3)).tolist() == pytest.approx([255.0] * 300, rel=1e-3)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_comes_in_from_outside_is_ground_for_ink_and_picture_for_photos(channels: int) -> None:
    white = torch.full((30, channels, 8, 8), 200.0)
    moves: dict[str, Any] = {"rotate": 30.0, "translate": 0.3, "scale": 0.3}
    photo, ink = changed(white, "photo", **moves), changed(white, "ink", **moves)
    torch.testing.assert_close(photo, white)
    assert float(ink.min()) == 0
    assert float(ink.max()) <= 200.01


@pytest.mark.parametrize("kind", ["photo", "ink"])
def test_changes_are_drawn_for_each_picture_and_decided_by_the_generator(kind: FramingKind) -> None:
    pixels = noise(1).repeat(12, 1, 1, 1)
    values: dict[str, Any] = {"rotate": 20.0, "translate": 0.1, "scale": 0.1, "shear": 5.0, "flip": True}
    found = changed(pixels, kind, seed=1, **values)
    assert found.shape == pixels.shape
    assert torch.equal(found, changed(pixels, kind, seed=1, **values))
    assert not torch.equal(found, changed(pixels, kind, seed=2, **values))
    assert len({picture.numpy().tobytes() for picture in found}) == 12


def test_a_resolution_below_1_samples_the_same_view_with_fewer_pixels() -> None:
    plane = torch.arange(20, dtype=torch.float32)[:, None].expand(1, 1, 20, 20).contiguous()
    found = changed(plane, "photo", resolution=0.8)
    assert found.shape == (1, 1, 16, 16)
    wanted = (torch.arange(16) + 0.5) / 0.8 - 0.5  # the same places of the picture, between its pixels
    torch.testing.assert_close(found[0, 0, :, 8], wanted)
    assert changed(noise(3, 10, 7), "photo", resolution=0.5, rotate=10.0).shape == (3, 1, 5, 4)


def _displacements(augment: Augment, side: int = 28, count: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    """How far, in pixels, each inner output pixel looks away from its own place: x and y, (N, side/2, side/2)."""
    places = torch.arange(side, dtype=torch.float32)
    middle = slice(side // 4, side - side // 4)
    moved = []
    for plane in (places.expand(side, side), places[:, None].expand(side, side)):
        augmentation = augmentation_for(augment, "ink", side, side, torch.device("cpu"))
        assert augmentation is not None
        pictures = plane.expand(count, 1, side, side).contiguous()
        changed = augmentation(pictures, torch.Generator().manual_seed(7))
        moved.append((changed - pictures)[:, 0, middle, middle])
    return moved[0], moved[1]


def test_elastic_moves_pixels_by_its_standard_deviation_and_neighbours_alike() -> None:
    for width in (0.1, 0.2):
        x, y = _displacements(Augment(elastic=0.03, elastic_width=width))
        for moved in (x, y):
            assert float(moved.std()) == pytest.approx(0.03 * 28, rel=0.12)
            assert abs(float(moved.mean())) < 0.1
            neighbours = torch.corrcoef(torch.stack([moved[:, :, 1:].flatten(), moved[:, :, :-1].flatten()]))[0, 1]
            assert float(neighbours) > 0.9
        assert abs(float(torch.corrcoef(torch.stack([x.flatten(), y.flatten()]))[0, 1])) < 0.1


def test_stretch_makes_a_picture_wider_and_lower_or_narrower_and_higher() -> None:
    x, y = _displacements(Augment(stretch=0.2))
    wider = x[:, 7, -1] - x[:, 7, 0]  # how much further apart the same distance looks
    higher = y[:, -1, 7] - y[:, 0, 7]
    assert float(torch.corrcoef(torch.stack([wider, higher]))[0, 1]) < -0.95
    assert float(wider.abs().max()) > 1
