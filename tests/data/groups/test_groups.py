"""Groups and near-copies stay in one split, and a set without any is split as it was before there were groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

import imagewise
from imagewise.data.dataset import Dataset, SplitRule
from imagewise.data.groups.near_copies import near_clusters, signature
from imagewise.data.loading import load_data
from imagewise.errors import DataError


def scene(seed: int, size: tuple[int, int] = (96, 72)) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(2))


def sides(data: Dataset) -> dict[str, str]:
    return {name: split for split, part in data.splits.items() for name in part.names or ()}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    for label, first in (("glad", 0), ("sad", 1000)):
        (tmp_path / "faces" / label).mkdir(parents=True)
        for number in range(60):
            scene(first + number).save(tmp_path / "faces" / label / f"p{number % 15:02}_{number:02}.png")
    return tmp_path / "faces"


@pytest.mark.parametrize("pattern", [r"^[^_]+", r"^(p\d+)_", r"p(\d\d)_\d\d"])
def test_pictures_of_one_group_by_name_are_in_one_split(people: Path, pattern: str) -> None:
    data = load_data(people, group_by=pattern)
    found: dict[str, set[str]] = {}
    for name, split in sides(data).items():
        found.setdefault(name.split("/")[1][:3], set()).add(split)
    assert len(found) == 15
    assert all(len(splits) == 1 for splits in found.values())
    assert (data.split_rule, data.groups, data.group_by) == (SplitRule.GROUPS, 15, pattern)
    counts = {name: len(split) for name, split in data.splits.items()}
    assert counts["train"] >= 72
    assert counts["validation"] >= 8
    assert counts["test"] >= 8
    assert any("more than one class" in notice for notice in data.notices)


@pytest.mark.parametrize("pattern", ["nobody", r"\d{5}", "(p"])
def test_an_expression_that_makes_no_groups_is_refused(people: Path, pattern: str) -> None:
    with pytest.raises(DataError, match="--group-by"):
        load_data(people, group_by=pattern)


def test_a_column_of_a_table_names_groups(people: Path) -> None:
    rows = [f"{path.relative_to(people)},{path.parent.name},{path.name[:3]}" for path in sorted(people.rglob("*.png"))]
    (people / "labels.csv").write_text("file,label,group\n" + "\n".join(rows))
    data = load_data(people / "labels.csv")
    assert data.split_rule is SplitRule.GROUPS
    by_group: dict[str, set[str]] = {}
    for name, split in sides(data).items():
        by_group.setdefault(Path(name).name[:3], set()).add(split)
    assert all(len(splits) == 1 for splits in by_group.values())


@pytest.mark.parametrize("change", ["smaller", "compressed", "darker"])
def test_near_copies_are_in_one_split_and_said(people: Path, change: str) -> None:
    for number in range(12):
        original = scene(number)
        copy = people / "glad" / f"copy{number}.{'jpg' if change == 'compressed' else 'png'}"
        if change == "smaller":
            original.resize((60, 45)).save(copy)
        elif change == "compressed":
            original.save(copy, quality=40)
        else:
            original.point(lambda level: int(level * 0.85)).save(copy)
    data = load_data(people)
    found = sides(data)
    assert all(
        found[f"glad/copy{n}.{'jpg' if change == 'compressed' else 'png'}"] == found[f"glad/p{n:02}_{n:02}.png"]
        for n in range(12)
    )
    assert (data.split_rule, data.groups) == (SplitRule.NEAR_COPIES, 12)
    assert any("24 pictures" in notice and "near-copies" in notice for notice in data.notices)
    assert load_data(people, near_copies=False).split_rule is SplitRule.CONTENT


def test_a_set_without_groups_is_split_by_content_as_ever(people: Path) -> None:
    with_, without = load_data(people), load_data(people, near_copies=False)
    assert with_.split_rule is without.split_rule is SplitRule.CONTENT
    assert with_.fingerprint == without.fingerprint


@pytest.mark.parametrize("kind", ["plain", "dark", "ink"])
def test_plain_and_dark_pictures_and_drawings_are_not_lumped(kind: str) -> None:
    rng = np.random.default_rng(1)
    pictures: list[Image.Image] = []
    if kind == "ink":
        digits = imagewise.load_data("digits")["train"].images[:300, :, :, 0]
        pictures = [Image.fromarray(image) for image in digits]
    else:
        top = 250 if kind == "plain" else 12
        pictures = [Image.fromarray(rng.integers(top - 4, top, (40, 40, 3), dtype=np.uint8)) for _ in range(100)]
    assert near_clusters([np.stack([signature(picture) for picture in pictures])]) == []


def test_a_run_is_resumed_and_scored_by_the_split_it_was_made_with(people: Path, tmp_path: Path) -> None:
    scene(3).resize((48, 36)).save(people / "glad" / "copy.png")
    for number, group_by in enumerate((None, "^[^_]+")):
        folder = tmp_path / f"run{number}"
        run = imagewise.train(
            people,
            recipe="perceptron",
            engine="numpy",
            epochs=1,
            out=folder,
            report=False,
            framing=imagewise.Framing.parse("photo:8"),
            group_by=group_by,
            near_copies=group_by is not None,
        )
        again = imagewise.train(resume=folder, epochs=2, report=False)
        assert again.counts == run.counts
        evaluation = imagewise.evaluate(again.model, people)
        assert evaluation.split == "test"
        assert evaluation.metrics.count == run.counts["test"]
        assert ("by group" in evaluation.split_rule) == (group_by is not None)
