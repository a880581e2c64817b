"""What people are shown: the network's input, and boxes on a page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from typer.testing import CliRunner

from imagewise.cli.app import app
from imagewise.model.visualize import ShownFolder, enlarged


@pytest.fixture
def page(tmp_path: Path) -> Path:
    picture = Image.new("L", (400, 200), 240)
    for left in (60, 240):
        points = [(left, 50), (left + 50, 50), (left + 25, 140)]
        ImageDraw.Draw(picture).line(points, fill=20, width=9, joint="curve")
    picture.save(tmp_path / "page.png")
    return tmp_path / "page.png"


def test_framed_pictures_are_enlarged_pixel_by_pixel_side_by_side() -> None:
    framed = np.arange(28 * 28, dtype=np.uint32).reshape(28, 28).astype(np.uint8)
    one, two = enlarged([framed]), enlarged([framed, framed])
    assert one.size == (300, 300)
    assert two.size == (600, 300)
    assert np.array_equal(np.asarray(one)[15:-10:10, 15:-10:10], framed)
    assert enlarged([np.zeros((64, 64, 3), np.uint8)]).mode == "RGB"


def test_pictures_of_the_same_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    folder = ShownFolder(tmp_path / "shown")
    for name in ("a/one.png", "b/one.jpg", "-"):
        folder.add(name, Image.new("L", (3, 3)))
    assert sorted(file.name for file in (tmp_path / "shown").iterdir()) == [
        "one-2.png",
        "one.png",
        "standard-input.png",
    ]


def test_predict_reads_a_page_and_draws_what_it_found(page: Path, tmp_path: Path) -> None:
    arguments = ["predict", str(page), "--segment", "--json"]
    shown = ["--boxes", str(tmp_path / "boxes"), "--show-input", str(tmp_path / "inputs")]
    result = CliRunner().invoke(app, arguments + shown)
    assert result.exit_code == 0, result.stderr
    (answer,) = json.loads(result.stdout)
    assert answer["text"] == "7 7"
    assert [set(character) for character in answer["characters"]] == [{"box", "label", "probability", "top"}] * 2
    with Image.open(tmp_path / "boxes" / "page.png") as boxes, Image.open(tmp_path / "inputs" / "page.png") as inputs:
        assert boxes.size == (400, 200)
        assert inputs.size == (600, 300)


def test_predict_without_a_model_uses_the_digits_that_ship_and_shows_their_input(page: Path, tmp_path: Path) -> None:
    with Image.open(page) as picture:
        picture.crop((0, 0, 180, 200)).save(tmp_path / "seven.png")
    arguments = ["predict", str(tmp_path / "seven.png"), "--show-input", str(tmp_path / "inputs")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    assert "  7  " in result.stdout
    assert (tmp_path / "inputs" / "seven.png").exists()


def test_boxes_without_segment_are_refused(page: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["predict", str(page), "--boxes", str(tmp_path)])
    assert result.exit_code == 2
    assert "needs --segment" in result.stderr
