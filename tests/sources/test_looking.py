from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imagewise.picture import Framing, frame
from imagewise.sources.looking import SAMPLE, choose_framing, evenly, framing_of_arrays, looks_like_ink


def drawing(seed: int, size: int = 120, ground: int = 255, ink: int = 20) -> Image.Image:
    """A zigzag of strokes."""
    points = np.random.default_rng(seed).uniform(0.2, 0.8, (5, 2)) * size
    picture = Image.new("L", (size, size), ground)
    ImageDraw.Draw(picture).line([(float(x), float(y)) for x, y in points], fill=ink, width=max(1, size // 16))
    return picture


def noise(seed: int, size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize(("ground", "ink"), [(255, 0), (0, 255), (180, 60)])
@pytest.mark.parametrize("size", [28, 120, 900])
def test_strokes_on_an_even_ground_are_ink(ground: int, ink: int, size: int) -> None:
    assert all(looks_like_ink(drawing(seed, size, ground, ink)) for seed in range(5))


def test_ink_with_alpha_is_ink() -> None:
    shape = drawing(1, ground=0, ink=255)
    assert looks_like_ink(Image.merge("LA", (Image.new("L", shape.size, 0), shape)))


def test_what_fills_its_frame_is_no_ink() -> None:
    disc = Image.new("RGB", (100, 100), "white")
    ImageDraw.Draw(disc).ellipse((20, 20, 80, 80), fill="navy")
    gradient = Image.linear_gradient("L")
    for picture in (disc, gradient, noise(0, (64, 64)), Image.new("L", (50, 50), 9)):
        assert not looks_like_ink(picture)


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((20, 20), 28), ((28, 50), 28), ((29, 29), 32), ((40, 33), 64), ((64, 64), 64), ((65, 70), 80), ((500, 300), 80)],
)
def test_the_size_is_the_next_of_three(size: tuple[int, int], wanted: int) -> None:
    framing, why = choose_framing([noise(seed, size) for seed in range(5)])
    assert framing == Framing("photo", wanted, wanted, 3)
    assert f"{wanted}x{wanted} colour" in why


def test_colourless_photos_get_one_channel_even_as_rgb() -> None:
    grey = [noise(seed, (40, 40), "L").convert("RGB") for seed in range(5)]
    assert choose_framing(grey)[0].channels == 1
    assert choose_framing([*grey, noise(9, (40, 40))])[0].channels == 3


def test_a_few_odd_ones_do_not_change_the_choice() -> None:
    pictures = [drawing(seed) for seed in range(18)] + [noise(seed, (90, 90)) for seed in range(2)]
    assert choose_framing(pictures)[0] == Framing("ink", 28, 28, 1)


def test_arrays_count_as_ink_only_where_ink_framing_leaves_them() -> None:
    ink = Framing("ink", 28, 28, 1)
    framed = np.stack([frame(drawing(seed), ink) for seed in range(20)])
    assert framing_of_arrays("x", framed, None)[0] == ink
    shifted = np.roll(framed, 4, axis=2)
    assert framing_of_arrays("x", shifted, None)[0] == Framing("photo", 28, 28, 1)


def test_the_sample_is_spread_evenly() -> None:
    assert evenly(3).tolist() == [0, 1, 2]
    assert len(evenly(10_000)) == SAMPLE
    assert evenly(10_000)[-1] == 9_999
    assert len(set(evenly(65).tolist())) == SAMPLE


@pytest.mark.real_data
def test_real_flowers_are_photos_and_real_ink_is_ink(real_data: Callable[[str], Path]) -> None:
    flowers = sorted(real_data("flowers").glob("*/*.jpg"))[::100]
    assert np.mean([looks_like_ink(Image.open(path)) for path in flowers]) < 0.4
    ink = sorted(real_data("ink-photos").glob("*.png"))
    assert all(looks_like_ink(Image.open(path)) for path in ink)
