"""Features of pictures: right in every view, computed once, and there again after an interruption."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fake_backbone import MeanAndMax, expected_features
from imagewise.backbones.computing import feature_cache
from imagewise.backbones.computing.feature_session import FeatureSession
from imagewise.backbones.computing.feature_writing import Writing
from imagewise.backbones.features import compute_features
from imagewise.backbones.views import FLIPPED, PLAIN, View, view, views
from imagewise.errors import ModelError, RecipeError
from imagewise.model.session import import_onnxruntime
from imagewise.paths import cache_dir

resource = pytest.importorskip("resource", reason="Windows has no limit on the size of files")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache_dir("features")


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of pictures that went through a network, in batches of at most 4."""
    seen: list[int] = []
    run, made = FeatureSession.run, FeatureSession.__init__

    def note(self: FeatureSession, pictures: np.ndarray) -> np.ndarray:
        seen.append(len(pictures))
        return run(self, pictures)

    def small(self: FeatureSession, *arguments: Any) -> None:
        made(self, *arguments)
        self.batch = 4

    monkeypatch.setattr(FeatureSession, "run", note)
    monkeypatch.setattr(FeatureSession, "__init__", small)
    return seen


def noise(count: int, side: int = 32, channels: int = 3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    # each picture has a range of levels of its own
    top = rng.integers(20, 256, (count, 1, 1, channels))
    return (rng.random((count, side, side, channels)) * top).astype(np.uint8)


# ---- values


@pytest.mark.parametrize("name", sorted(views()))
def test_features_are_those_of_the_view(name: str) -> None:
    images, chosen = noise(11, 48), view(name)
    (features,) = compute_features(MeanAndMax(), images, [chosen])
    np.testing.assert_allclose(features, expected_features(chosen.cut(images)), rtol=1e-5)
    assert features.dtype == np.float32


def test_views_come_in_the_order_that_was_asked_for() -> None:
    images = noise(5)
    asked = [view("centre"), PLAIN, view("top-left-flipped"), FLIPPED]
    for features, chosen in zip(compute_features(MeanAndMax(), images, asked), asked, strict=True):
        np.testing.assert_allclose(features, expected_features(chosen.cut(images)), rtol=1e-5)


def test_a_flipped_view_is_the_mirror_image_and_a_window_keeps_the_scale() -> None:
    pictures = noise(2, 224)
    np.testing.assert_array_equal(FLIPPED.cut(pictures), pictures[:, :, ::-1])
    np.testing.assert_array_equal(view("centre").cut(pictures), pictures[:, 16:208, 16:208])
    np.testing.assert_array_equal(view("top-right").cut(pictures), pictures[:, :192, 32:])
    np.testing.assert_array_equal(view("bottom-left-flipped").cut(pictures), pictures[:, 32:, 191::-1])


def test_windows_have_sides_that_networks_halve_evenly() -> None:
    assert [View("centre").side(side) for side in (8, 16, 96, 128, 160, 192, 224, 256, 288)] == [
        8, 16, 80, 112, 144, 160, 192, 224, 240
    ]  # fmt: skip
    assert PLAIN.side(225) == 225


def test_grey_pictures_have_three_equal_channels() -> None:
    images = noise(7, channels=1)
    (features,) = compute_features(MeanAndMax(), images)
    np.testing.assert_allclose(features, expected_features(np.repeat(images, 3, axis=3)), rtol=1e-5)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(threads: int, computed: list[int]) -> None:
    images = noise(50)
    (features,) = compute_features(MeanAndMax(), images, threads=threads)
    np.testing.assert_allclose(features, expected_features(images), rtol=1e-5)
    assert len(computed) == 13


def test_a_session_makes_what_bare_onnxruntime_makes() -> None:
    images, backbone = noise(9), MeanAndMax()
    bare = import_onnxruntime().InferenceSession(backbone.graph(32).SerializeToString())
    np.testing.assert_allclose(
        FeatureSession(backbone, 32).run(images), bare.run(None, {"pictures": images})[0], rtol=1e-6
    )


def test_batches_are_smaller_for_larger_pictures() -> None:
    assert [FeatureSession(MeanAndMax(), side).batch for side in (96, 224, 1024)] == [21, 4, 1]


def test_no_pictures_have_no_features() -> None:
    (features,) = compute_features(MeanAndMax(), noise(0))
    assert features.shape == (0, 6)


# ---- kept


def test_the_second_time_nothing_is_computed_and_the_features_are_mapped(computed: list[int]) -> None:
    images = noise(10)
    (first,) = compute_features(MeanAndMax(), images)
    computed.clear()
    backbone = MeanAndMax()
    (second,) = compute_features(backbone, images.copy())
    assert computed == []
    assert backbone.graphs == []
    assert isinstance(second, np.memmap)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    "again",
    [
        lambda images: compute_features(MeanAndMax("1" * 64), images),
        lambda images: compute_features(MeanAndMax(), images, [FLIPPED]),
        lambda images: compute_features(MeanAndMax(), images[:, :16, :16]),
        lambda images: compute_features(MeanAndMax(), images[..., :1]),
    ],
    ids=["backbone", "view", "side", "channels"],
)
def test_whatever_decides_features_has_its_own(again: Callable[[np.ndarray], object], computed: list[int]) -> None:
    images = noise(10)
    compute_features(MeanAndMax(), images)
    computed.clear()
    again(images)
    assert sum(computed) == 10


def test_a_set_that_grows_computes_the_new_pictures_only(computed: list[int]) -> None:
    images = noise(30)
    compute_features(MeanAndMax(), images[::2])
    compute_features(MeanAndMax(), images[:3])
    computed.clear()
    shuffled = images[np.random.default_rng(1).permutation(30)]
    (features,) = compute_features(MeanAndMax(), shuffled)
    assert sum(computed) == 14  # 15 of the first set, and the second picture of the other
    np.testing.assert_allclose(features, expected_features(shuffled), rtol=1e-5)


def test_a_part_of_a_set_computes_nothing_and_opens_no_network(computed: list[int]) -> None:
    images = noise(3000, 8)
    compute_features(MeanAndMax(), images)
    computed.clear()
    backbone = MeanAndMax()
    (features,) = compute_features(backbone, images[::-1][:2500])
    assert computed == []
    assert backbone.graphs == []
    np.testing.assert_allclose(features, expected_features(images[::-1][:2500]), rtol=1e-5)


class _Stop:
    """A progress that interrupts after some pictures, as Ctrl-C does."""

    def __init__(self, after: int) -> None:
        self._after = after

    def __call__(self, description: str, done: int, total: int | None, unit: str = "bytes", /) -> None:
        if done >= self._after:
            raise KeyboardInterrupt


def test_what_an_interrupted_run_has_computed_is_kept(computed: list[int]) -> None:
    images = noise(60)
    with pytest.raises(KeyboardInterrupt):
        compute_features(MeanAndMax(), images, [PLAIN, FLIPPED], threads=1, progress=_Stop(80))
    computed.clear()
    told: list[tuple[int, int | None]] = []
    plain, flipped = compute_features(
        MeanAndMax(), images, [PLAIN, FLIPPED], progress=lambda text, done, total, unit="": told.append((done, total))
    )
    assert sum(computed) == 40
    assert told[0] == (20, 60)
    assert told[-1] == (60, 60)
    np.testing.assert_allclose(plain, expected_features(images), rtol=1e-5)
    np.testing.assert_allclose(flipped, expected_features(images[:, :, ::-1]), rtol=1e-5)


@pytest.mark.parametrize("cut", [3, 24, 25 * 24, 70 * 24])
def test_a_file_that_ends_within_a_row_goes_on_behind_the_last_whole_one(cut: int, cache: Path) -> None:
    images = noise(60)
    with pytest.raises(KeyboardInterrupt):
        compute_features(MeanAndMax(), images, threads=1, progress=_Stop(40))
    (partial,) = cache.glob("*.partial")
    partial.write_bytes(partial.read_bytes()[:-cut])
    (features,) = compute_features(MeanAndMax(), images)
    np.testing.assert_allclose(features, expected_features(images), rtol=1e-5)


def test_rows_that_never_reached_the_disk_are_computed_again(cache: Path) -> None:
    images = noise(60)
    with pytest.raises(KeyboardInterrupt):
        compute_features(MeanAndMax(), images, threads=1, progress=_Stop(40))
    (partial,) = cache.glob("*.partial")
    whole = partial.read_bytes()
    partial.write_bytes(whole[: -10 * 24] + bytes(10 * 24))
    (features,) = compute_features(MeanAndMax(), images)
    np.testing.assert_allclose(features, expected_features(images), rtol=1e-5)


def test_a_damaged_file_is_written_again(cache: Path) -> None:
    images = noise(20)
    compute_features(MeanAndMax(), images)
    (whole,) = cache.glob("*.npy")
    whole.write_bytes(b"damaged")
    whole.with_suffix(".partial").write_bytes(bytes(5000))
    (features,) = compute_features(MeanAndMax(), images)
    np.testing.assert_allclose(features, expected_features(images), rtol=1e-5)
    assert not list(cache.glob("*.partial"))


def test_two_processes_at_one_set_write_the_same_file(cache: Path) -> None:
    rows = np.arange(1, 61, dtype=np.float32).reshape(10, 6)
    place = feature_cache.Place("kind", [bytes([n]) * 16 for n in range(10)], 6)
    one, other = Writing(place), Writing(place)
    one.append(rows[:7])
    other.append(rows[:2])
    third = Writing(place)
    assert third.done == 7
    other.append(rows[2:])
    np.testing.assert_array_equal(other.finish(), rows)
    one.append(rows[7:])
    third.append(rows[7:])
    np.testing.assert_array_equal(one.finish(), rows)
    np.testing.assert_array_equal(third.finish(), rows)
    assert [path.suffix for path in sorted(cache.iterdir())] == [".npy", ".pictures"]


def test_a_cache_that_is_cleared_meanwhile_loses_nothing(cache: Path) -> None:
    images = noise(60)

    def clear(description: str, done: int, total: int | None, unit: str = "bytes", /) -> None:
        if done == 40:
            feature_cache.clear()

    (features,) = compute_features(MeanAndMax(), images, threads=1, progress=clear)
    np.testing.assert_allclose(features, expected_features(images), rtol=1e-5)


# ---- without a cache


def test_features_are_in_memory_where_the_cache_cannot_be_written(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    images = noise(20)
    for features in compute_features(MeanAndMax(), images, [PLAIN, FLIPPED]):
        assert not isinstance(features, np.memmap)
    np.testing.assert_allclose(features, expected_features(images), rtol=1e-5)


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow above 1,500 bytes: the header, and 57 rows of 24."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_costs_no_picture_and_leaves_nothing_half_written(
    cache: Path, computed: list[int], small_files: None
) -> None:
    images = noise(80)
    (features,) = compute_features(MeanAndMax(), images)
    assert sum(computed) == 80
    np.testing.assert_allclose(features, expected_features(images), rtol=1e-5)
    assert not list(cache.glob("*.npy"))
    assert not list(cache.glob("*.partial"))


def test_what_was_used_longest_ago_makes_room(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = [noise(20, seed=seed) for seed in range(3)]
    monkeypatch.setattr(feature_cache, "MAX_BYTES", 2000)  # two sets of 128 + 480 bytes, and their digests
    for images in sets[:2]:
        compute_features(MeanAndMax(), images)
    for path in cache.iterdir():
        os.utime(path, (1000, 1000))
    first = feature_cache.picture_digests(sets[0])
    compute_features(MeanAndMax(), sets[0])
    assert len(list(cache.glob("*.npy"))) == 2
    compute_features(MeanAndMax(), sets[2])
    kind = feature_cache.kind_of(MeanAndMax().digest, "plain", 32, 32, 3)
    assert feature_cache.read_kept(feature_cache.Place(kind, first, 6)) is not None
    assert len(list(cache.glob("*.npy"))) == 2
    assert feature_cache.kept_bytes() <= 2000
    assert feature_cache.clear() > 0
    assert feature_cache.kept_bytes() == 0


def test_what_nobody_goes_on_with_is_removed(cache: Path) -> None:
    cache.mkdir(parents=True)
    for name, age in (("old.partial", 8), ("young.partial", 6)):
        (cache / name).write_bytes(b"x")
        os.utime(cache / name, (time.time() - age * 86400,) * 2)
    compute_features(MeanAndMax(), noise(3))
    assert [path.name for path in cache.glob("*.partial")] == ["young.partial"]


# ---- bad input


@pytest.mark.parametrize("shape", [(3, 32, 24, 3), (3, 32, 32, 4)])
def test_pictures_that_are_not_square_or_of_four_channels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"takes square pictures.*photo:224"):
        compute_features(MeanAndMax(), np.zeros(shape, dtype=np.uint8))


def test_features_that_are_not_finite_are_refused_and_not_kept(cache: Path) -> None:
    with pytest.raises(ModelError, match="not 6 finite numbers"):
        compute_features(MeanAndMax(factor=float("nan")), noise(5))
    assert not list(cache.glob("*.npy"))


def test_a_graph_that_does_not_fit_is_refused_by_name() -> None:
    session = FeatureSession(MeanAndMax(), 32)
    with pytest.raises(ModelError, match=r"mean and maximum: its graph does not run"):
        session.run(noise(2, 16))


def test_an_unknown_view_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RecipeError, match=r"no view is called 'fliped'.*flipped"):
        view("fliped")
