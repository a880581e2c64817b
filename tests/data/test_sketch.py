from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from imagewise.data.sketch import SIZE, share_seen, sketch


def pictures(start: int, stop: int) -> NDArray[np.uint8]:
    """Numbered pictures: each number gives a picture of its own, always the same."""
    numbers = np.arange(start, stop, dtype="<u8")
    return np.ascontiguousarray(numbers).view(np.uint8).reshape(-1, 4, 2, 1)


@given(trained=st.integers(1, SIZE), seen=st.integers(0, 40), new=st.integers(0, 40))
def test_up_to_its_size_the_share_is_exact(trained: int, seen: int, new: int) -> None:
    seen = min(seen, trained)
    if seen + new == 0:
        new = 1
    asked = np.concatenate([pictures(0, seen), pictures(10_000, 10_000 + new)])
    assert share_seen(asked, sketch(pictures(0, trained))) == seen / (seen + new)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_above_its_size_the_share_is_estimated(share: float) -> None:
    trained_on = sketch(pictures(0, 20_000))
    seen = int(share * 8_000)
    asked = np.concatenate([pictures(0, seen), pictures(50_000, 58_000 - seen)])
    # about 8,000 * 512 / 20,000 = 205 of the pictures fall below the sketch's limit
    assert share_seen(asked, trained_on) == pytest.approx(share, abs=0.15 if 0 < share < 1 else 0)


def test_it_stays_small_and_forgets_order_and_copies() -> None:
    images = pictures(0, 2_000)
    made = sketch(images)
    assert len(made) == SIZE
    assert made == sorted(set(made))
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in made)
    assert sketch(np.concatenate([images[::-1], images])) == made
    assert len(sketch(np.concatenate([pictures(0, 5)] * 3))) == 5


def test_it_depends_on_pixels_not_on_how_they_lie_in_memory() -> None:
    images = pictures(0, 20)
    strided = np.asfortranarray(images.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
    assert sketch(strided) == sketch(images)
    changed = images.copy()
    changed[3, 0, 0, 0] ^= 1
    assert len(set(sketch(changed)) & set(sketch(images))) == 19


def test_nothing_asked_or_nothing_known_is_nothing_seen() -> None:
    assert share_seen(pictures(0, 3), []) == 0
    assert share_seen(pictures(0, 0), sketch(pictures(0, 3))) == 0
