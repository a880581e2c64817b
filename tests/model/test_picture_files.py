"""Recognising picture files: which ones, in what order, and what is said of those that cannot be read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from typer.testing import CliRunner, Result

import imagewise
from imagewise.cli.app import app
from imagewise.errors import PictureError
from imagewise.framing.finding import grey
from imagewise.model import picture_files
from imagewise.model.model import Model, load_model, shipped_model
from imagewise.model.picture_files import find_pictures, predict_files, read_files
from imagewise.model.prediction import Prediction

EMPTY = io.BytesIO()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    out = tmp_path_factory.mktemp("prediction") / "run"
    return imagewise.train("digits", recipe="perceptron", epochs=3, out=out, report=False).model


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """0.png to 9.png, each a picture of its digit."""
    folder = tmp_path_factory.mktemp("digits")
    split = imagewise.load_data("digits")["test"]
    for digit in range(10):
        image = split.images[np.flatnonzero(split.labels == digit)[0]]
        Image.fromarray(image[..., 0]).save(folder / f"{digit}.png")
    return folder


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "damaged.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return path


def predict(model: Model, *arguments: object, stdin: bytes = b"") -> Result:
    command = ["predict", *map(str, arguments), "--model", model.name]
    result = CliRunner().invoke(app, command, input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def found(paths: Sequence[Path | str]) -> list[str]:
    return [name for name, _ in find_pictures(map(str, paths), EMPTY)]


# ---- which pictures


def test_a_folder_gives_the_pictures_below_it_in_order_of_path(tmp_path: Path) -> None:
    touch(tmp_path, "b.PNG", "a/z.jpg", "a/y.webp", "c.txt", "labels.csv", "d/e/f.jpeg")
    assert found([tmp_path]) == [str(tmp_path / name) for name in ("a/y.webp", "a/z.jpg", "b.PNG", "d/e/f.jpeg")]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path / ".shown", "a.png", ".hidden.png", "._a.png", ".thumbnails/a.png", "b/.cache/a.png")
    assert found([tmp_path / ".shown"]) == [str(tmp_path / ".shown" / "a.png")]


def test_files_are_taken_as_named_whatever_they_are_called(tmp_path: Path) -> None:
    touch(tmp_path, ".hidden", "scan", "b.png")
    paths = [tmp_path / "scan", tmp_path / "missing.png", tmp_path, tmp_path / ".hidden", tmp_path / "scan"]
    names = ["scan", "missing.png", "b.png", ".hidden", "scan"]
    assert found(paths) == [str(tmp_path / name) for name in names]


def test_standard_input_is_read_in_its_place(tmp_path: Path) -> None:
    touch(tmp_path, "a", "b")
    names = [str(tmp_path / "a"), "-", str(tmp_path / "b")]
    pictures = list(find_pictures(names, io.BytesIO(b"bytes")))
    assert [name for name, _ in pictures] == names
    assert pictures[1] == ("-", b"bytes")


# ---- what is said of them


def test_answers_come_in_order_and_a_picture_that_cannot_be_read_has_an_error(
    model: Model, digits: Path, damaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_files, "BATCH", 2)  # so that there are several, and one of errors alone
    names = [digits / "3.png", damaged, damaged, damaged, digits / "7.png", digits / "0.png"]
    answers = list(predict_files(model, find_pictures(map(str, names), EMPTY), top=2))
    assert [name for name, _ in answers] == list(map(str, names))
    for path, (_, answer) in zip(names, answers, strict=True):
        if path == damaged:
            assert isinstance(answer, PictureError)
            assert str(damaged) in str(answer)
        else:
            assert answer == model.predict(path, top=2)


@pytest.mark.parametrize("during", ["open", "exif_transpose", "reduce_by"])
@pytest.mark.parametrize(
    "error", [ValueError("odd"), MemoryError(), RuntimeError("odd")], ids=lambda e: type(e).__name__
)
@pytest.mark.parametrize("segmented", [False, True])
def test_an_unexpected_error_of_one_picture_ends_no_other(
    model: Model,
    digits: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    during: str,
    error: Exception,
    segmented: bool,
) -> None:
    odd = tmp_path / "odd.png"
    Image.new("RGB", (31, 29)).save(odd)
    names = [digits / "3.png", odd, digits / "7.png"]
    where = {"open": Image, "exif_transpose": ImageOps, "reduce_by": grey}[during]
    intact = getattr(where, during)

    def break_down(picture: Any, *arguments: Any, **options: Any) -> Any:
        size = getattr(picture, "size", None), getattr(picture, "shape", ())[:2]
        if getattr(picture, "name", None) == str(odd) or size[0] == (31, 29) or size[1] == (29, 31):
            raise error
        return intact(picture, *arguments, **options)

    monkeypatch.setattr(where, during, break_down)
    recognise = read_files if segmented else predict_files
    answers = dict(recognise(model, find_pictures(map(str, names), EMPTY), top=1))
    assert list(answers) == list(map(str, names))
    failed = answers[str(odd)]
    assert isinstance(failed, PictureError)
    assert str(failed).startswith(f"{odd}: cannot be read (")
    assert not any(isinstance(answers[str(name)], PictureError) for name in names if name != odd)


def test_a_name_that_no_file_can_have_is_an_error_of_that_picture(model: Model, digits: Path) -> None:
    names = ["x" * 5000, str(digits / "7.png"), "a\0b.png"]
    answers = dict(predict_files(model, find_pictures(names, EMPTY), top=1))
    assert list(answers) == names
    assert [isinstance(answer, PictureError) for answer in answers.values()] == [True, False, True]


def test_answers_come_before_the_last_picture_is_looked_for(
    model: Model, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_files, "BATCH", 1)
    pictures = find_pictures([str(digits)], EMPTY)
    first = next(predict_files(model, pictures, top=1))
    assert isinstance(first[1], Prediction)
    assert len(list(pictures)) == 9


def test_no_pictures_give_no_answers(model: Model) -> None:
    assert list(predict_files(model, [], top=1)) == []


# ---- the command


def test_text_names_picture_class_probability_and_the_runners_up(model: Model, digits: Path) -> None:
    result = predict(model, digits / "0.png", digits / "6.png", "--top", 2)
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert result.stderr == ""
    for digit, line in zip("06", lines, strict=True):
        expected = model.predict(digits / f"{digit}.png", top=2)
        other, probability = expected.top[1]
        assert line == (
            f"{digits / digit}.png  {expected.label}  {expected.probability:.1%}  ({other} {probability:.1%})"
        )


def test_top_1_names_the_class_alone(model: Model, digits: Path) -> None:
    expected = model.predict(digits / "0.png")
    result = predict(model, digits / "0.png", "--top", 1)
    assert result.stdout == f"{digits / '0.png'}  {expected.label}  {expected.probability:.1%}\n"


def test_json_has_the_shape_of_the_design_with_an_error_for_what_cannot_be_read(
    model: Model, digits: Path, damaged: Path
) -> None:
    result = predict(model, damaged, digits / "5.png", "--json", "--top", 4)
    assert result.exit_code == 1
    bad, good = json.loads(result.stdout)
    assert set(bad) == {"picture", "error"}
    assert bad["picture"] == str(damaged)
    assert bad["error"] in result.stderr
    assert set(good) == {"picture", "label", "probability", "top", "model", "doubt"}
    assert good["model"] == model.name
    assert good["picture"] == str(digits / "5.png")
    assert isinstance(good["label"], str)
    assert len(good["top"]) == 4
    assert good["top"][0] == {"label": good["label"], "probability": good["probability"]}
    assert good["top"] == sorted(good["top"], key=lambda one: -one["probability"])
    assert all(0 <= one["probability"] <= 1 for one in good["top"])


def test_csv_has_a_row_a_picture_and_quotes_what_needs_it(model: Model, digits: Path, tmp_path: Path) -> None:
    odd = tmp_path / 'with, comma and "quotes".png'
    odd.write_bytes((digits / "1.png").read_bytes())
    missing = tmp_path / "missing.png"
    result = predict(model, odd, missing, "--csv")
    assert result.exit_code == 1
    first, second = csv.DictReader(io.StringIO(result.stdout))
    assert list(first) == ["picture", "label", "probability", "error", *model.class_names]
    assert float(first[first["label"]]) == float(first["probability"])
    assert first["picture"] == str(odd)
    assert first["label"] == model.predict(odd).label
    assert float(first["probability"]) == pytest.approx(model.predict(odd).probability, abs=1e-6)
    assert (second["picture"], second["label"], second["probability"]) == (str(missing), "", "")
    assert str(missing) in second["error"]


def test_nothing_but_unreadable_pictures_is_exit_2_and_json_still_lists_them(model: Model, damaged: Path) -> None:
    result = predict(model, damaged, "--json")
    assert result.exit_code == 2
    assert [entry["picture"] for entry in json.loads(result.stdout)] == [str(damaged)]
    assert result.stderr.startswith("imagewise: error: ")


def test_an_empty_folder_is_said_and_the_others_are_recognised(model: Model, digits: Path, tmp_path: Path) -> None:
    result = predict(model, tmp_path, digits / "2.png")
    assert result.exit_code == 1
    assert f"{tmp_path}: " in result.stderr
    assert result.stdout.startswith(f"{digits / '2.png'}  ")
    assert predict(model, tmp_path).exit_code == 2


def test_a_picture_is_recognised_from_standard_input_as_from_its_file(model: Model, digits: Path) -> None:
    content = (digits / "4.png").read_bytes()
    answer = json.loads(predict(model, "-", "--json", stdin=content).stdout)
    expected = model.predict(digits / "4.png").as_dict()
    assert answer == [{"picture": "-"} | expected | {"model": model.name, "doubt": None}]


@pytest.mark.parametrize("stdin", [b"", b"no picture"])
def test_what_is_wrong_with_standard_input_is_said(model: Model, stdin: bytes) -> None:
    result = predict(model, "-", stdin=stdin)
    assert result.exit_code == 2
    assert result.stderr.startswith("imagewise: error: standard input: ")
    assert result.stdout == ""


def test_without_a_model_the_built_in_digits_answer(digits: Path) -> None:
    model = load_model()
    assert [model.predict(digits / f"{digit}.png").label for digit in range(10)] == list("0123456789")
    assert model.class_names == tuple("0123456789")
    assert shipped_model().stat().st_size <= 1_500_000


def test_json_and_csv_exclude_each_other(model: Model, digits: Path) -> None:
    result = predict(model, digits, "--json", "--csv")
    assert result.exit_code == 2
    assert "--json and --csv" in result.stderr
