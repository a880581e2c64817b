"""Corruptions: deterministic, as the papers have them, for any ink and size, and scored."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from imagewise.errors import ModelError
from imagewise.evaluation.corruptions import blur, geometry, noise, strokes, weather
from imagewise.evaluation.corruptions.catalog import DRAWINGS, PHOTOGRAPHS, Kind, corrupt, kind_of
from imagewise.evaluation.corruptions.corruption import Corruption, Strength
from imagewise.evaluation.evaluate import evaluate
from imagewise.evaluation.robustness import CorruptionScore, Robustness
from imagewise.framing.framing import Framing

EVERY: list[tuple[Kind, Corruption]] = [
    *(("drawings", corruption) for corruption in DRAWINGS),
    *(("photographs", corruption) for corruption in PHOTOGRAPHS),
]
WEAKEST, STRONGEST = Strength(1, 1.0), Strength(5, 1.0)


def strokes_of(count: int, side: int = 28) -> NDArray[np.uint8]:
    """Light crosses on black."""
    images = np.zeros((count, side, side, 1), dtype=np.uint8)
    images[:, side // 4 : -side // 4, side // 2 - 1 : side // 2 + 1] = 250
    images[:, side // 2 - 1 : side // 2 + 1, side // 4 : -side // 4] = 250
    return images


def photographs(count: int, side: int = 40) -> NDArray[np.uint8]:
    """Colour gradients with a rectangle."""
    y, x = np.mgrid[:side, :side] * (200 // side)
    images = np.repeat(np.stack([x, y, 200 - x], axis=2)[None], count, axis=0).astype(np.uint8)
    images[:, side // 3 : side // 2, side // 4 : side // 2] = (230, 40, 90)
    return images


def images_for(kind: Kind, count: int) -> NDArray[np.uint8]:
    return strokes_of(count) if kind == "drawings" else photographs(count)


@pytest.mark.parametrize(("kind", "corruption"), EVERY, ids=[f"{kind} {each.name}" for kind, each in EVERY])
def test_a_corruption_changes_each_picture_and_is_the_same_again_for_the_same_seed(
    kind: Kind, corruption: Corruption
) -> None:
    images = images_for(kind, 3)
    severity = corruption.severities[-1]
    found = corrupt(images, corruption, severity, kind, seed=1)
    assert found.shape == images.shape
    assert found.dtype == np.uint8
    assert all(np.any(one != other) for one, other in zip(found, images, strict=True))
    assert np.array_equal(found, corrupt(images, corruption, severity, kind, seed=1))
    assert np.array_equal(images, images_for(kind, 3))  # the pictures that came in are left alone


@pytest.mark.parametrize("name", ["shot noise", "glass blur", "motion blur", "fog", "spatter", "zigzag", "dotted line"])
def test_another_seed_corrupts_otherwise(name: str) -> None:
    corruption = next(each for each in DRAWINGS if each.name == name)
    one, other = (corrupt(strokes_of(3), corruption, corruption.severities[0], "drawings", seed) for seed in (1, 2))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    "corruption", [each for each in PHOTOGRAPHS if each.name not in ("elastic", "frost")], ids=lambda each: each.name
)
def test_the_highest_severity_changes_a_photograph_more_than_the_lowest(corruption: Corruption) -> None:
    images = photographs(1, 80)
    changes = [
        np.abs(corrupt(images, corruption, severity, "photographs").astype(float) - images).mean()
        for severity in (1, 5)
    ]
    assert changes[0] < changes[1]


def test_frost_leaves_less_of_the_picture_at_the_highest_severity() -> None:
    images, frost = photographs(4, 80), next(each for each in PHOTOGRAPHS if each.name == "frost")
    found = [corrupt(images, frost, severity, "photographs") for severity in (1, 5)]
    alike = [np.corrcoef(each.ravel(), images.ravel())[0, 1] for each in found]
    assert alike[1] < alike[0] < 1


def test_fifteen_of_each_paper_with_their_names() -> None:
    assert len({each.name for each in DRAWINGS}) == len({each.name for each in PHOTOGRAPHS}) == 15
    assert {each.name for each in DRAWINGS} & {each.name for each in PHOTOGRAPHS} == {
        "shot noise", "impulse noise", "glass blur", "motion blur", "brightness", "fog",
    }  # fmt: skip
    assert all(len(each.severities) == 1 for each in DRAWINGS)
    assert all(each.severities == (1, 2, 3, 4, 5) for each in PHOTOGRAPHS)


@pytest.mark.parametrize("corruption", DRAWINGS, ids=lambda each: each.name)
def test_dark_ink_on_white_is_corrupted_as_light_ink_on_black(corruption: Corruption) -> None:
    images, severity = strokes_of(2), corruption.severities[0]
    light = corrupt(images, corruption, severity, "drawings").astype(int)
    dark = 255 - corrupt(255 - images, corruption, severity, "drawings").astype(int)
    assert np.abs(light - dark).max() <= 1  # rounding


def test_noise_has_the_strength_of_the_paper() -> None:
    grey, chance = np.full((1, 100, 100, 3), 0.5, dtype=np.float32), np.random.default_rng(0)
    assert (noise.gaussian_noise(grey, WEAKEST, chance) - grey).std() == pytest.approx(0.08, rel=0.02)
    shot = noise.shot_noise(grey, STRONGEST, chance)
    assert shot.mean() == pytest.approx(0.5, abs=0.01)
    assert shot.std() == pytest.approx(np.sqrt(0.5 / 3), rel=0.02)
    impulses = noise.impulse_noise(grey, STRONGEST, chance)
    assert [(impulses == level).mean() for level in (0, 1)] == pytest.approx([0.135, 0.135], abs=0.01)


def test_geometry_keeps_the_middle_and_moves_by_the_papers_amounts() -> None:
    chance = np.random.default_rng(0)
    dot = np.zeros((1, 29, 29, 1), dtype=np.float32)
    dot[0, 14, 14] = 1
    for move in (geometry.shear, geometry.rotate, geometry.scale):
        moved = move(dot, Strength(3, 1.0), chance)
        assert moved[0, 14, 14, 0] == moved.max()
    places = np.argwhere(geometry.translate(np.repeat(dot, 20, axis=0), Strength(3, 1.0), chance) == 1)
    assert {(int(y), int(x)) for _, y, x, _ in places} == {(11, 11), (11, 17), (17, 11), (17, 17)}
    square = np.zeros((1, 40, 40, 1), dtype=np.float32)
    square[:, 10:30, 10:30] = 1
    smaller = geometry.scale(square, STRONGEST, chance)
    assert smaller.sum() == pytest.approx(square.sum() / 4, rel=0.02)


def test_motion_blur_draws_a_dot_out_to_one_side_along_its_direction() -> None:
    dot = np.zeros((1, 41, 41, 1), dtype=np.float32)
    dot[0, 20, 20] = 1
    streak = blur.streaks(dot, 10, 3, np.array([0.0]))[0, :, :, 0]
    assert streak.sum() == pytest.approx(1, abs=1e-5)
    assert np.count_nonzero(streak[20]) == np.count_nonzero(streak) == 21
    assert streak[20, 20] == streak.max()
    assert streak[20, 21:].sum() == 0
    weights = np.exp(-(np.arange(21) ** 2) / 18)
    assert streak[20, 20::-1] == pytest.approx(weights / weights.sum(), abs=1e-6)


def test_glass_blur_moves_pixels_and_keeps_their_sum() -> None:
    images = strokes_of(2).astype(np.float32) / np.float32(255)
    found = blur.glass_blur(images, Strength(3, 1.0), np.random.default_rng(0))
    assert found.sum() == pytest.approx(images.sum(), rel=1e-3)


def test_brightness_adds_to_the_value_and_keeps_the_hue() -> None:
    picture = np.array([[[[0.6, 0.3, 0.15], [0, 0, 0]]]], dtype=np.float32)
    found = weather.brightness(picture, Strength(2, 1.0), np.random.default_rng(0))
    assert found == pytest.approx(np.array([[[[0.8, 0.4, 0.2], [0.2, 0.2, 0.2]]]]), abs=1e-6)


def test_edges_are_found_where_a_square_begins_and_pictures_do_not_touch_each_other() -> None:
    square = np.zeros((1, 28, 28, 1), dtype=np.float32)
    square[:, 8:20, 8:20] = 1
    edges = strokes.canny_edges(square, WEAKEST, np.random.default_rng(0))[0, :, :, 0]
    assert edges[8:20, 7:9].any(axis=1).all()
    assert not edges[11:17, 11:17].any()
    assert not edges[:5].any()
    with_empty = np.concatenate([np.zeros_like(square), square, np.zeros_like(square)])
    found = strokes.canny_edges(with_empty, WEAKEST, np.random.default_rng(0))[..., 0]
    assert np.array_equal(found[1], edges)
    assert not found[[0, 2]].any()


def test_a_stripe_is_a_quarter_on_each_side() -> None:
    found = corrupt(strokes_of(1), next(c for c in DRAWINGS if c.name == "stripe"), 1, "drawings")[0, 0, :, 0]
    assert found.tolist() == [255] * 7 + [0] * 14 + [255] * 7


def test_ink_and_small_grey_pictures_are_drawings_and_others_photographs() -> None:
    texts = ["ink", "ink:64", "photo:28:grey", "photo:64:grey", "photo:28", "letterbox:224"]
    found = [kind_of(Framing.parse(text)) for text in texts]
    assert found == ["drawings"] * 3 + ["photographs"] * 3


def test_the_worst_corruption_and_the_mean_come_from_the_scores() -> None:
    image = np.zeros((1, 2, 2, 1), dtype=np.uint8)
    scores = (
        CorruptionScore("fog", (1, 2), (0.9, 0.5), image),
        CorruptionScore("snow", (1, 2), (0.6, 0.2), image),
    )
    found = Robustness("photographs", 10, 0, 1.0, scores, image)
    assert found.worst.name == "snow"
    assert found.mean == pytest.approx(0.55)
    assert found.as_dict()["corruptions"]["fog"] == {"accuracy": pytest.approx(0.7), "severities": {"1": 0.9, "2": 0.5}}


def test_without_scipy_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagewise.evaluation.robustness.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"SciPy.*robustness"):
        evaluate("no-such-model.onnx", "digits", corrupted=True)
