"""The one resize for ink: held to Pillow's box and bilinear filters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imagewise.framing.finding.resampling import resize_plane, weights


@pytest.mark.parametrize("size", [(20, 20), (7, 13), (60, 45), (1, 1)])
def test_reducing_averages_areas_as_pillow_does(size: tuple[int, int]) -> None:
    levels = np.random.default_rng(0).uniform(0, 255, (60, 45)).astype(np.float32)
    wanted = Image.fromarray(levels).resize((size[1], size[0]), Image.Resampling.BOX)
    if 60 % size[0] == 0 and 45 % size[1] == 0:  # elsewhere Pillow counts each pixel wholly or not at all
        np.testing.assert_allclose(resize_plane(levels, *size), np.asarray(wanted), rtol=1e-4)
    assert resize_plane(levels, *size).mean() == pytest.approx(levels.mean(), rel=1e-3)


def test_enlarging_draws_straight_lines_as_pillow_does() -> None:
    levels = np.random.default_rng(0).uniform(0, 255, (8, 8)).astype(np.float32)
    wanted = Image.fromarray(levels).resize((20, 20), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(resize_plane(levels, 20, 20), np.asarray(wanted), atol=0.01)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300))
def test_weights_are_shares(before: int, after: int) -> None:
    made = weights(before, after)
    assert made.shape == (after, before)
    assert made.min() >= 0
    np.testing.assert_allclose(made.sum(axis=1), 1, rtol=1e-5)


def test_a_size_that_stays_is_not_touched() -> None:
    levels = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert resize_plane(levels, 3, 4) is levels
