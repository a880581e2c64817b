"""Quick Draw's drawings as strokes: files of `.ndjson`, a class a file, and Kaggle's `.csv`."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagewise.data.dataset import SplitRule
from imagewise.data.loading import load_data
from imagewise.data.sources.quick_draw import drawings
from imagewise.data.sources.quick_draw.strokes import draw
from imagewise.errors import DataError

Strokes = list[list[list[int]]]


def doodle(seed: int, strokes: int = 3) -> Strokes:
    """Strokes of random points, x and y in 0..255."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (2, 5)).tolist() for _ in range(strokes)]


def line(word: str, strokes: Any) -> str:
    about = {"word": word, "countrycode": "DE", "recognized": True, "key_id": "5"}
    return json.dumps({**about, "drawing": strokes}) + "\n"


def save(folder: Path, *words: str, count: int = 20, name: str = "{}.ndjson") -> Path:
    folder.mkdir(exist_ok=True)
    for place, word in enumerate(words):
        text = "".join(line(word, doodle(1000 * place + number)) for number in range(count))
        (folder / name.format(word)).write_text(text)
    return folder


@pytest.mark.parametrize("name", ["{}.ndjson", "full_simplified_{}.ndjson", "part of {}.NDJSON"])
@pytest.mark.parametrize("words", [("ant", "bee"), ("The Eiffel Tower", "cat", "dog"), ("été", 'a "b"', "c", "d")])
def test_each_file_is_a_class_called_by_its_word(tmp_path: Path, name: str, words: tuple[str, ...]) -> None:
    data = load_data(save(tmp_path / "doodles", *words, name=name))
    assert (data.name, set(data.class_names), data.shape) == ("doodles", set(words), (28, 28, 1))
    assert (len(data["all"]), data.split_rule, data.skipped) == (20 * len(words), SplitRule.CONTENT, ())
    assert data.framing.kind == "photo"


def test_the_pictures_are_those_of_the_strokes_and_called_by_file_and_line(tmp_path: Path) -> None:
    everything = load_data(save(tmp_path / "doodles", "ant", "bee"))["all"]
    assert everything.names is not None
    for image, label, name in zip(everything.images, everything.labels, everything.names, strict=True):
        file, _, number = name.partition(":")
        assert file == ("ant.ndjson", "bee.ndjson")[label]
        strokes = doodle(1000 * int(label) + int(number) - 1)
        assert np.array_equal(image[..., 0], draw([np.array(s, dtype=float).T for s in strokes]))


@pytest.mark.parametrize(("framing", "size"), [("photo:64:grey", 64), ("photo:32", 32), ("ink", 28)])
def test_other_framings_draw_finer(tmp_path: Path, framing: str, size: int) -> None:
    data = load_data(save(tmp_path / "doodles", "ant", "bee"), framing=framing)
    assert data.shape[:2] == (size, size)
    assert data["train"].images.max() > 200


def test_white_strokes_on_black_are_in_the_centre_and_have_soft_edges() -> None:
    picture = draw([np.array([[10, 3], [60, 3], [60, 53]], dtype=float)])
    rows, columns = (np.flatnonzero(picture.max(axis=axis)) for axis in (1, 0))
    assert abs(rows[0] + rows[-1] - 27) <= 1
    assert abs(columns[0] + columns[-1] - 27) <= 1
    assert (picture.max(), picture[0, 0]) == (255, 0)
    assert np.any((picture > 0) & (picture < 255))


@pytest.mark.parametrize("side", [28, 64, 112])
@pytest.mark.parametrize(("scale", "move"), [(1, 0), (1, 300), (4.5, -700), (20, 0.5)])
def test_raw_drawings_are_brought_to_the_size_of_simplified_ones(side: int, scale: float, move: float) -> None:
    simplified = [np.array([[0, 0], [255, 100], [20, 200]], dtype=float), np.array([[7, 9]], dtype=float)]
    raw = draw([stroke * scale + move for stroke in simplified], side)
    assert np.abs(raw.astype(int) - draw(simplified, side)).mean() < 1


@pytest.mark.parametrize("stroke", [[[0, 0]], [[255, 255]], [[9, 9], [9, 9]]])
def test_a_single_point_is_a_dot_in_the_centre(stroke: list[list[int]]) -> None:
    picture = draw([np.array(stroke, dtype=float)])
    assert 1 <= np.count_nonzero(picture) <= 9
    assert picture[13:15, 13:15].min() > 0


@pytest.mark.parametrize(
    "bad",
    [
        "no json\n",
        '{"word": "ant"}\n',
        line("ant", []),
        line("ant", [[[1, 2], [3]]]),
        line("ant", [[[1, 2]]]),
        line("ant", [[["a"], ["b"]]]),
        line("ant", [[[float("nan")], [1]]]),
        line("ant", [[[10**400], [1]]]),
        line("ant", [[[1e300, -1e300], [1, 1]]]),
        line("ant", {"x": 1}),
        line("ant", None),
        "[" * 100_000 + "\n",
        line("ant", doodle(0))[:40] + "\n",
    ],
)
def test_a_bad_line_is_skipped_by_file_and_line_and_refused_when_strict(tmp_path: Path, bad: str) -> None:
    folder = save(tmp_path / "doodles", "ant", "bee")
    lines = (folder / "ant.ndjson").read_text().splitlines(keepends=True)
    (folder / "ant.ndjson").write_text("".join([*lines[:4], bad, "\n", *lines[4:]]))
    data = load_data(folder)
    assert [name for name, _ in data.skipped] == ["ant.ndjson:5"]
    assert (len(data["all"]), set(data.class_names)) == (40, {"ant", "bee"})
    with pytest.raises(DataError, match=r"ant\.ndjson:5: "):
        load_data(folder, strict=True)


@pytest.mark.parametrize("count", [11, 12, 30])
def test_no_more_than_some_drawings_of_each_file_are_taken_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(drawings, "MOST_OF_A_FILE", 10)
    folder = save(tmp_path / "doodles", "ant", "bee", count=count)
    save(folder, "cat", count=10)
    data = load_data(folder)
    assert len(data["all"]) == 30
    assert any("first 10 drawings of each of 2 files" in notice for notice in data.notices)


def test_many_files_share_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "MOST", 20)
    data = load_data(save(tmp_path / "doodles", "a", "b", "c", "d"))
    assert len(data["all"]) == 20


def test_as_many_as_the_bound_need_no_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "MOST_OF_A_FILE", 20)
    assert not any("first" in notice for notice in load_data(save(tmp_path / "doodles", "a", "b")).notices)


@pytest.mark.parametrize("whole", [True, False])
def test_drawings_of_one_class_ask_for_the_files_of_others(tmp_path: Path, whole: bool) -> None:
    folder = save(tmp_path / "doodles", "ant")
    with pytest.raises(DataError, match=r"ant\.ndjson: .*one class only, 'ant'\. Put the files of other classes"):
        load_data(folder if whole else folder / "ant.ndjson")


def test_one_file_may_hold_several_words(tmp_path: Path) -> None:
    text = "".join(line("ant" if number % 2 else "bee", doodle(number)) for number in range(40))
    (tmp_path / "mixed.ndjson").write_text(text)
    assert load_data(tmp_path / "mixed.ndjson").class_names == ("ant", "bee")
    assert load_data(tmp_path).class_names == ("ant", "bee")


@pytest.mark.parametrize(
    "header",
    [
        ("countrycode", "drawing", "key_id", "recognized", "timestamp", "word"),
        ("word", "drawing"),
        ("drawing", "word", "x"),
    ],
)
def test_kaggles_tables_of_strokes_are_read_too(tmp_path: Path, header: tuple[str, ...]) -> None:
    for place, word in enumerate(("ant", "bee, big")):
        with (tmp_path / f"{word}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, header, restval="1")
            writer.writeheader()
            writer.writerows({"word": word, "drawing": json.dumps(doodle(1000 * place + n))} for n in range(20))
    with (tmp_path / "ant.csv").open("a") as file:
        file.write("broken\n")
    data = load_data(tmp_path)
    assert (data.class_names, len(data["all"])) == (("ant", "bee, big"), 40)
    assert [name for name, _ in data.skipped] == ["ant.csv:22"]


@pytest.mark.parametrize("name", ["labels.ndjson", "metadata.ndjson", "my.ndjson"])
def test_other_ndjson_is_a_table_like_jsonl(tmp_path: Path, draw: Any, name: str) -> None:
    files = [draw(tmp_path / "imgs" / f"{number}.png", seed=number) for number in range(20)]
    rows = [{"file": f"imgs/{file.name}", "label": "cat" if n % 2 else "dog"} for n, file in enumerate(files)]
    (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert load_data(tmp_path).class_names == load_data(tmp_path / name).class_names == ("cat", "dog")
