"""`imagewise predict` for a person: which model answers, what is no digit, folders, CSV and sorting by class."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import imagewise
from command_line import refused, run
from contract import a_network, random_weights, write_model
from imagewise.framing.decoding import read_picture
from imagewise.framing.digit_likeness import digit_doubt
from imagewise.framing.ink import frame_ink
from imagewise.networks.layers import Dense, Flatten

REAL = Path(os.environ.get("IMAGEWISE_DATA", ""))
NETWORK = a_network(Flatten(), Dense(3), shape=(12, 10, 1))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Six pictures of digits in two folders, two of them of one name, and a damaged one."""
    folder = tmp_path / "pictures"
    images = imagewise.load_data("digits")["test"].images
    for number in range(6):
        path = folder / "ab"[number % 2] / f"{number // 2}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[number, ..., 0]).save(path)
    (folder / "a" / "damaged.png").write_bytes(b"\x89PNG and no more")
    return folder


def a_model(folder: Path, names: tuple[str, ...]) -> Path:
    return write_model(folder / "model.onnx", NETWORK, random_weights(NETWORK), class_names=names)


# ---- which model, and whether it is the right one


def test_the_built_in_model_is_named_on_stderr_and_in_json(pictures: Path) -> None:
    for style in ([], ["--csv"], ["--json"]):
        result = run("predict", pictures / "a" / "0.png", *style)
        assert result.stderr.split() == ["model", "built-in", "digits"]
        assert "built-in" not in result.stdout or style == ["--json"]
    assert json.loads(result.stdout)[0]["model"] == "built-in digits"


def test_a_model_whose_path_was_typed_is_not_named_again(tmp_path: Path, pictures: Path) -> None:
    model = a_model(tmp_path, ("x", "y", "z"))
    result = run("predict", pictures / "a" / "0.png", "--model", model, "--json")
    assert result.stderr == ""
    assert json.loads(result.stdout)[0]["model"] == str(model)


def blank() -> Image.Image:
    return Image.new("L", (120, 90), 250)


def gradient() -> Image.Image:
    return Image.fromarray(np.tile(np.linspace(20, 240, 160, dtype=np.uint8), (120, 1)))


def vignette() -> Image.Image:
    y, x = np.mgrid[-1:1:200j, -1:1:200j]
    return Image.fromarray((255 * np.exp(-(x**2 + y**2))).astype(np.uint8))


def meadow() -> Image.Image:
    """A photograph, as far as colours and texture go: flowers of four colours on a green that changes."""
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 80, (240, 240, 3), dtype=np.uint8) + np.array([20, 90, 20], np.uint8))
    drawing = ImageDraw.Draw(picture)
    for number, (x, y) in enumerate(rng.integers(0, 230, (60, 2)).tolist()):
        colour = ("gold", "crimson", "white", "purple")[number % 4]
        drawing.ellipse((x, y, x + 24, y + 18), fill=colour)
    return picture


@pytest.mark.parametrize(
    ("make", "doubt"),
    [(blank, "no ink"), (gradient, "no ink"), (vignette, "no ink"), (meadow, "photograph")],
)
def test_what_is_no_digit_is_said_and_answered_all_the_same(make: object, doubt: str, tmp_path: Path) -> None:
    assert callable(make)
    make().save(path := tmp_path / "picture.png")
    result = run("predict", path)
    assert result.exit_code == 0
    assert str(path) in result.stdout
    (note,) = [line for line in result.stderr.splitlines() if line.startswith("note: ")]
    for word in (str(path), "digit", "--model"):
        assert word in note
    assert json.loads(run("predict", path, "--json").stdout)[0]["doubt"] == doubt
    assert "note: " in run("predict", path, "--segment").stderr


def test_another_model_is_not_doubted(tmp_path: Path) -> None:
    blank().save(path := tmp_path / "picture.png")
    result = run("predict", path, "--model", a_model(tmp_path, ("x", "y", "z")))
    assert (result.exit_code, result.stderr) == (0, "")


def test_many_doubts_are_counted_and_verbose_names_all(tmp_path: Path) -> None:
    for number in range(13):
        blank().save(tmp_path / f"{number}.png")
    notes = [line for line in run("predict", tmp_path).stderr.splitlines() if line.startswith("note: ")]
    assert len(notes) == 11
    assert "3 more pictures" in notes[-1]
    notes = [line for line in run("predict", tmp_path, "-v").stderr.splitlines() if line.startswith("note: ")]
    assert len(notes) == 13


def page_of_digits() -> Image.Image:
    digits = imagewise.load_data("digits")["test"].images[:24, ..., 0]
    page = Image.new("L", (6 * 60, 4 * 60), 255)
    for number, digit in enumerate(digits):
        page.paste(0, (60 * (number % 6) + 6, 60 * (number // 6) + 6), Image.fromarray(digit).resize((48, 48)))
    return page


def test_a_page_of_digits_is_said_to_be_one_and_how_to_read_it(tmp_path: Path) -> None:
    page_of_digits().save(path := tmp_path / "page.png")
    result = run("predict", path, "--json")
    assert json.loads(result.stdout)[0]["doubt"] == "several characters"
    (note,) = [line for line in result.stderr.splitlines() if line.startswith("note: ")]
    assert str(path) in note
    assert "--segment" in note


def test_a_page_of_many_digits_is_not_said_to_be_without_ink(tmp_path: Path) -> None:
    page = page_of_digits()
    page.save(tmp_path / "page.png")
    result = run("predict", tmp_path / "page.png", "--segment", "--json")
    assert json.loads(result.stdout)[0]["doubt"] is None
    assert "note: " not in result.stderr.replace("note: the model", "")


def doubt_of(picture: Image.Image) -> str | None:
    return digit_doubt(picture, bool(frame_ink(picture, 28, 28).any()))


@pytest.mark.parametrize("ground", ["white", "khaki", "lightblue"])
@pytest.mark.parametrize("pen", ["black", "navy", "red"])
def test_digits_of_any_pen_on_any_paper_are_not_doubted(ground: str, pen: str) -> None:
    digits = imagewise.load_data("digits")["test"].images[:5, ..., 0]
    for number, digit in enumerate(digits):
        mask = Image.fromarray(digit).resize((200, 200))
        page = Image.new("RGB", (300, 260), ground)
        page.paste(pen, (40 + number, 20), mask)
        light = np.linspace(0.6, 1, 300)[None, :, None]  # the shadow of a hand
        assert doubt_of(page) is None
        assert doubt_of(Image.fromarray((np.asarray(page) * light).astype(np.uint8))) is None


@pytest.mark.real_data
@pytest.mark.skipif(not (REAL / "ink-photos").is_dir(), reason="needs the real sets")
def test_photographed_digits_are_not_doubted_and_flowers_are() -> None:
    digits = sorted([*(REAL / "ink-photos").glob("*.png"), *(REAL / "strangers").glob("set*")])
    assert len(digits) > 100
    assert [path.name for path in digits if doubt_of(read_picture(path))] == []
    flowers = sorted((REAL / "flower-photos").glob("*/*.jpg"))[::40]
    doubts = [doubt_of(read_picture(path)) for path in flowers]
    assert doubts.count("photograph") >= 0.8 * len(flowers)


# ---- folders, patterns, addresses


def test_a_folder_ends_with_a_summary_on_stderr(pictures: Path) -> None:
    result = run("predict", pictures, "--csv")
    assert result.exit_code == 1
    labels = [row["label"] for row in csv.DictReader(io.StringIO(result.stdout)) if row["label"]]
    (summary,) = [line for line in result.stderr.splitlines() if line.startswith("summary")]
    assert "7 pictures" in summary
    assert "1 unreadable" in summary
    for label in set(labels):
        assert f" {label}: {labels.count(label)}" in summary
    assert "summary" not in run("predict", pictures / "a" / "0.png").stderr


@pytest.mark.parametrize("form", ["{}/*/?.png", "'{}/*/?.png'", '"{}/**/[0-9].png"'])
def test_a_pattern_that_the_shell_left_as_it_is_names_files(pictures: Path, form: str) -> None:
    answers = json.loads(run("predict", form.format(pictures), "--json").stdout)
    assert [answer["picture"] for answer in answers] == sorted(str(path) for path in pictures.glob("*/?.png"))


def test_a_file_whose_name_reads_as_a_pattern_is_that_file(pictures: Path) -> None:
    shutil.copy(pictures / "a" / "0.png", odd := pictures / "holiday [1].png")
    assert run("predict", odd).stdout.startswith(str(odd))


@pytest.mark.parametrize("name", ["nothing/*.png", "*.jpg", "a[0-9].png"])
def test_a_pattern_without_a_match_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused(run("predict", name), name, "no file matches")


@pytest.mark.parametrize("address", ["https://example.org/a.png", "http://x.y/z?size=2", "s3://bucket/a.jpg"])
def test_an_address_is_to_be_downloaded_first(address: str) -> None:
    refused(run("predict", address), address, "Download it")
    refused(run("show", address), address, "Download it")
    refused(run("train", address), address, "Download it")


# ---- CSV


def test_csv_has_a_column_for_each_class_after_the_first_four(tmp_path: Path, pictures: Path) -> None:
    names = ("rose", "label", "a, b")
    command = ["predict", pictures, "--model", a_model(tmp_path, names), "--csv", "--top", 1]
    rows = list(csv.DictReader(io.StringIO(run(*command).stdout)))
    classes = ["rose", "class label", "a, b"]
    assert list(rows[0]) == ["picture", "label", "probability", "error", *classes]
    for row in rows:
        if row["error"]:
            assert [row[name] for name in classes] == ["", "", ""]
        else:
            assert sum(float(row[name]) for name in classes) == pytest.approx(1, abs=1e-5)
            assert max(row[name] for name in classes) == row["probability"]


def test_csv_of_texts_has_four_columns(pictures: Path) -> None:
    result = run("predict", pictures / "a" / "0.png", "--segment", "--csv")
    assert result.stdout.splitlines()[0] == "picture,label,probability,error"


# ---- --sort-into


def test_pictures_are_copied_by_class_and_none_is_lost_or_moved(pictures: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in pictures.rglob("*.png")}
    result = run("predict", pictures, "--sort-into", tmp_path / "sorted", "--json")
    answers = [answer for answer in json.loads(result.stdout) if "label" in answer]
    copies = [path for path in (tmp_path / "sorted").rglob("*") if path.is_file()]
    assert len(copies) == len(answers) == 6
    for answer in answers:
        folder = tmp_path / "sorted" / answer["label"]
        assert Path(answer["picture"]).read_bytes() in [path.read_bytes() for path in folder.iterdir()]
    assert {path: path.read_bytes() for path in pictures.rglob("*.png")} == before
    assert "1 unreadable" in result.stderr.splitlines()[-1]


def test_sorting_again_overwrites_and_doubles_nothing(pictures: Path, tmp_path: Path) -> None:
    command = ["predict", pictures, "--sort-into", tmp_path / "sorted"]
    run(*command)
    first = next(path for path in (tmp_path / "sorted").rglob("*.png"))
    first.write_bytes(b"a person's own")
    before = {path: path.read_bytes() for path in (tmp_path / "sorted").rglob("*.png")}
    run(*command)
    after = {path: path.read_bytes() for path in (tmp_path / "sorted").rglob("*.png")}
    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 1


@pytest.mark.parametrize("names", [("../up", "a/b", "a:b"), (".", "..", "CON"), ("Rose", "rose", "rose ")])
def test_class_names_that_are_no_folder_names_stay_within_the_folder(
    names: tuple[str, ...], pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out" / "sorted"
    model = a_model(tmp_path, names)
    result = run("predict", pictures, "--model", model, "--sort-into", out)
    assert result.exit_code == 1, result.stderr
    assert [path.name for path in out.parent.iterdir()] == ["sorted"]
    assert len([path for path in out.glob("*/*") if path.is_file()]) == 6


def test_sorting_is_refused_where_it_would_feed_on_itself(pictures: Path) -> None:
    refused(run("predict", pictures, "--sort-into", pictures / "sorted"), "sorted", "--sort-into")
    refused(run("predict", pictures, "--sort-into", pictures), "--sort-into")
    refused(run("predict", pictures, "--segment", "--sort-into", "elsewhere"), "--segment")
