"""Connected components: held to SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from imagewise.framing.finding.components import find_components


@settings(max_examples=200, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 30), st.integers(1, 30))))
def test_components_are_those_that_scipy_finds(solid: NDArray[np.bool_]) -> None:
    found = find_components(solid)
    wanted, count = ndimage.label(solid, structure=np.ones((3, 3)))
    assert len(found.components) == count
    # the same parts, whatever their numbers
    pairs = set(zip(found.labels.ravel().tolist(), wanted.ravel().tolist(), strict=True))
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    assert ((found.labels > 0) == solid).all()


@settings(max_examples=50, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_boxes_and_areas_are_those_of_the_pixels(solid: NDArray[np.bool_]) -> None:
    found = find_components(solid)
    for component in found.components:
        rows, columns = np.nonzero(found.labels == component.number)
        assert component.area == len(rows)
        box = [component.top, component.bottom, component.left, component.right]
        assert box == [rows.min(), rows.max() + 1, columns.min(), columns.max() + 1]
        assert [component.height, component.width] == [np.ptp(rows) + 1, np.ptp(columns) + 1]


def test_a_long_spiral_is_one_component() -> None:
    solid = np.zeros((81, 81), dtype=np.bool_)
    for ring in range(0, 40, 2):  # rings, each broken at one place and joined to the next
        solid[ring, ring : 81 - ring] = solid[80 - ring, ring : 81 - ring] = True
        solid[ring : 81 - ring, ring] = solid[ring : 81 - ring, 80 - ring] = True
        solid[ring + 1, ring + 1] = True
    assert len(find_components(solid).components) == 1


@pytest.mark.parametrize("value", [False, True])
def test_a_picture_of_one_kind_has_none_or_one(value: bool) -> None:
    assert len(find_components(np.full((5, 7), value)).components) == int(value)
