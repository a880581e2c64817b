"""The measure of framing against true ink: nothing is missed where all is kept, and all where nothing is."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.framing_truth import measure
from benchmarks.handwriting.drawing import Drawn
from PIL import Image, ImageDraw


def drawn(true_side: int) -> Drawn:
    """A 7 on white, and as the truth its ink as far as `true_side` pixels from the left."""
    picture = Image.new("L", (600, 500), 255)
    ImageDraw.Draw(picture).line([(200, 100), (400, 100), (280, 400)], fill=0, width=24, joint="curve")
    true = np.asarray(picture) < 128
    true[:, true_side:] = False
    return Drawn(picture, 7, "7 plain", "mouse", "white", true)


def test_what_is_kept_whole_is_neither_missed_nor_other() -> None:
    missed, other = measure(drawn(600))
    assert missed < 0.01
    assert other < 0.01


def test_what_is_not_of_the_true_ink_is_other_ink() -> None:
    missed, other = measure(drawn(300))
    assert missed < 0.01
    assert 0.2 < other < 0.9


def test_what_is_not_kept_is_missed() -> None:
    blank = drawn(600)
    missed, other = measure(
        Drawn(Image.new("L", (600, 500), 255), blank.label, blank.way, blank.pen, blank.paper, blank.true_ink)
    )
    assert missed == pytest.approx(1)
    assert other == 0
