import json
import sys

import numpy as np
import pytest

from imagewise.data.contact_sheet import contact_sheet, dataset_facts, terminal_sheet
from imagewise.data.dataset import Dataset, Split, SplitRule
from imagewise.framing.framing import Framing


def a_dataset(
    names: tuple[str, ...] = ("cat", "dog"), shape: tuple[int, int, int] = (28, 28, 1), per_class: int = 12
) -> Dataset:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(names), dtype=np.int64), per_class)
    images = rng.integers(0, 256, (len(labels), *shape), dtype=np.uint8)
    splits = {"train": Split(images, labels), "test": Split(images[:3], labels[:3])}
    return Dataset("pets", names, splits, Framing("photo", *shape), "by hand")  # type: ignore[arg-type]


def test_facts_count_each_class_of_each_split_and_measure_the_values() -> None:
    dataset = a_dataset()
    facts = dataset_facts(dataset)
    assert facts.counts == {"train": {"cat": 12, "dog": 12}, "test": {"cat": 3, "dog": 0}}
    every = dataset["all"].images
    assert (facts.minimum, facts.maximum) == (every.min(), every.max())
    assert facts.mean == pytest.approx(every.mean())
    assert json.loads(json.dumps(facts.as_dict()))["shape"] == [28, 28, 1]


@pytest.mark.parametrize(
    ("shape", "tile"),
    [((28, 28, 1), (56, 56)), ((8, 8, 1), (64, 64)), ((64, 48, 3), (48, 64)), ((300, 600, 3), (96, 48))],
)
def test_small_pictures_are_drawn_larger_by_whole_factors_and_large_ones_reduced(
    shape: tuple[int, int, int], tile: tuple[int, int]
) -> None:
    wide = contact_sheet(a_dataset(shape=shape), "train", per_class=12).width
    narrow = contact_sheet(a_dataset(shape=shape), "train", per_class=11).width
    assert wide - narrow - 6 == tile[0]


def test_a_sheet_shows_pixels_of_the_pictures_as_they_are() -> None:
    dataset = a_dataset()
    sheet = np.asarray(contact_sheet(dataset, "train", per_class=1))
    tile = np.repeat(np.repeat(dataset["train"].images[0, :, :, 0], 2, axis=0), 2, axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(sheet[:, 174 : 174 + 56, 0], (56, 56))
    assert any(np.array_equal(window, tile) for window in windows[:, 0])


def test_samples_are_spread_evenly_over_the_split() -> None:
    images = np.arange(100, dtype=np.uint8)[:, None, None, None] * np.ones((1, 28, 28, 1), dtype=np.uint8)
    dataset = Dataset(
        "a", ("x",), {"train": Split(images, np.zeros(100, np.int64))}, Framing("photo", 28, 28, 1), SplitRule.GIVEN
    )
    sheet = np.asarray(contact_sheet(dataset, "train", per_class=5))
    assert [int(sheet[100, 174 + 62 * k + 28, 0]) for k in range(5)] == [0, 20, 40, 60, 80]


@pytest.mark.parametrize("name", ["つくし", "ромашка", "😀", "שלום", "a\nb\x00", "x" * 300, ""])
def test_any_class_name_can_be_drawn(name: str) -> None:
    dataset = a_dataset((name, "other"))
    assert contact_sheet(dataset, "train").size == contact_sheet(a_dataset(), "train").size
    assert terminal_sheet(dataset, "train", 80).plain.encode()


@pytest.mark.parametrize("name", ["つくし", "ромашка", "rose"])
def test_class_names_are_drawn_without_matplotlib_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagewise.data.contact_sheet.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    dataset = a_dataset((name, "other"))
    assert contact_sheet(dataset, "train").size == contact_sheet(a_dataset(), "train").size


def test_the_first_font_that_has_all_characters_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no font has them, the class is drawn by its number: both rows then look alike."""

    def row(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return np.asarray(contact_sheet(a_dataset((name, "other")), "train"))[68:124, :174]

    with_font = row("ромашка")
    monkeypatch.setattr("imagewise.data.contact_sheet._other_fonts", lambda size: iter(()))
    assert np.array_equal(row("ромашка"), row("class 0"))
    assert not np.array_equal(with_font, row("class 0"))


def test_a_class_without_pictures_in_the_split_has_an_empty_row() -> None:
    assert contact_sheet(a_dataset(), "test").height == contact_sheet(a_dataset(), "train").height


def test_many_classes_are_capped_and_the_rest_counted() -> None:
    many = a_dataset(tuple(f"class {i}" for i in range(300)), (8, 8, 1), per_class=1)
    assert contact_sheet(many, "train").height < 3000


@pytest.mark.parametrize("columns", [1, 16, 40, 80, 200])
@pytest.mark.parametrize("shape", [(28, 28, 1), (1, 1, 3), (20, 100, 3), (100, 20, 1)])
def test_no_line_of_the_terminal_sheet_is_wider_than_the_terminal(shape: tuple[int, int, int], columns: int) -> None:
    dataset = a_dataset(("猫" * 20, "dog", "bird"), shape, per_class=1)
    lines = terminal_sheet(dataset, "train", columns).split("\n")
    assert max(line.cell_len for line in lines) <= columns


def test_the_terminal_sheet_draws_two_pixels_a_character_in_their_colours() -> None:
    images = np.zeros((1, 15, 15, 3), dtype=np.uint8)
    images[0, 0], images[0, 1:] = (255, 0, 0), (0, 0, 255)
    split = Split(images, np.zeros(1, np.int64))
    dataset = Dataset("a", ("x",), {"train": split}, Framing("photo", 15, 15, 3), SplitRule.GIVEN)
    sheet = terminal_sheet(dataset, "train", 15)
    assert "▀" in sheet.plain
    assert str(sheet.spans[0].style) == "rgb(255,0,0) on rgb(0,0,255)"
