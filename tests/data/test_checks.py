from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewise.data.checks import look_over
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.class_folders import load_class_folders
from imagewise.framing.framing import Framing

Draw = Callable[..., Path]


def pictures(**counts: int) -> list[tuple[str, str, str]]:
    return [(f"{label}/{n}", label, "train") for label, count in counts.items() for n in range(count)]


def test_a_sound_set_gives_no_notice() -> None:
    known = pictures(cat=40, dog=12)
    assert look_over(("cat", "dog"), known, range(len(known))) == []


@pytest.mark.parametrize(("largest", "told"), [(49, False), (50, True)])
def test_five_times_as_many_is_out_of_balance(largest: int, told: bool) -> None:
    known = pictures(cat=largest, dog=10)
    found = look_over(("cat", "dog"), known, range(len(known)))
    assert any(f"{largest} pictures of 'cat', 10 of 'dog'" in notice for notice in found) == told


def test_classes_of_a_few_pictures_are_named() -> None:
    known = pictures(cat=10, dog=9, emu=1)
    found = look_over(("cat", "dog", "emu"), known, range(len(known)))
    assert "classes with fewer than 10 pictures: 'dog' (9), 'emu' (1)." in found[0]


def test_classes_that_differ_in_letter_case_are_named() -> None:
    known = pictures(Cat=10, cat=10, dog=10)
    assert "'Cat' and 'cat' differ in letter case only" in look_over(("Cat", "cat", "dog"), known, range(30))[0]


def test_copies_are_told_by_what_is_wrong_with_them() -> None:
    known = [(str(n), "cat", "train") for n in range(20)]
    known[1], known[3] = ("1", "dog", "train"), ("3", "cat", "test")
    hashes = [0, 0, 2, 2, 4, 4, *range(6, 20)]
    contrary, across, same = look_over(("cat", "dog"), known, hashes)[-3:]
    assert "more than one class: 0 = 1." in contrary
    assert "more than one split: 2 = 3." in across
    assert "within one class and split: 4 = 5." in same


def test_a_copy_in_test_of_a_picture_in_train_is_told_of(tmp_path: Path, draw: Draw) -> None:
    for number in range(12):
        for label in ("cat", "dog"):
            draw(tmp_path / "train" / label / f"{number}.png", seed=number + 100 * (label == "dog"))
            draw(tmp_path / "test" / label / f"{number}.png", seed=number + 1000 + 100 * (label == "dog"))
    shutil.copy(tmp_path / "train" / "cat" / "5.png", tmp_path / "test" / "cat" / "twin.png")
    notices = load_class_folders(tmp_path, Reading()).notices
    assert any("in more than one split: " in n and "test/cat/twin.png" in n for n in notices)
    assert not any("copies" in n for n in load_class_folders(tmp_path, Reading(Framing("photo", 16, 16, 3))).notices)
