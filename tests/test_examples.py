"""The demo and the article's program: their pieces quickly, the whole of each in `make prove`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from examples import article, demo
from examples.demo import Demo, matches, next_steps, verdict

import imagewise
from imagewise.data.loading import load_data
from imagewise.evaluation.evaluate import Evaluation
from imagewise.evaluation.metrics import measure

ROOT = Path(__file__).parent.parent


def scored(right: int, count: int) -> Evaluation:
    """An evaluation with so many of its pictures right."""
    labels = np.arange(count, dtype=np.int64) % 2
    predicted = np.where(np.arange(count) < right, labels, 1 - labels)
    probabilities = np.eye(2, dtype=np.float32)[predicted]
    metrics = measure(probabilities, labels, ("a", "b"))
    return Evaluation("model", "data", "test", metrics, load_data("digits")["test"], probabilities)


@pytest.mark.parametrize(
    ("text", "right"),
    [(demo.ON_SHEET, 22), ("3141592\n6535 8979\n3238462", 22), ("3141593\n65358979\n323", 14), ("", 0)],
)
def test_the_digits_of_the_sheet_are_counted(text: str, right: int) -> None:
    assert matches(text) == (right, 22)


def test_the_built_in_model_reads_the_sheet_that_ships(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Demo(tmp_path).read_sheet()
    printed = capsys.readouterr().out
    assert "3 1 4 1 5 9 2" in printed
    assert "22 of 22 are right" in printed
    assert (tmp_path / "sheet-with-boxes.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("others", "loss"), [((500, 1000), True), ((900, 1000), True), ((978, 1000), False), ((1000, 1000), False)]
)
def test_the_verdict_follows_the_figures(others: tuple[int, int], loss: bool) -> None:
    text = verdict(scored(980, 1000), scored(*others), scored(975, 1000))
    assert "98.0% on its own test" in text
    assert ("That is why" in text) is loss
    assert ("97.5%" in text) is loss
    assert "pictures like those it will meet" in text


def test_the_end_names_commands_that_can_be_pasted(tmp_path: Path) -> None:
    run = imagewise.train("digits", recipe="perceptron", engine="numpy", epochs=1, out=tmp_path / "run", report=False)
    text = next_steps(run)
    assert f"imagewise serve --model {tmp_path / 'run' / 'model.onnx'}" in text
    assert "http://127.0.0.1:8000" in text
    assert "imagewise train FOLDER" in text


@pytest.mark.parametrize(("value", "character"), [(0, "  "), (128, "=="), (255, "@@")])
def test_a_picture_is_drawn_with_two_characters_a_pixel(value: int, character: str) -> None:
    image = np.zeros((3, 4, 1), dtype=np.uint8)
    image[1, 2] = value
    lines = article.drawn(image).split("\n")
    assert lines[1].ljust(10)[6:8] == character
    assert (lines[0], len(lines)) == ("", 3)


@pytest.mark.parametrize(("epoch", "theirs"), [(1, "175.6992"), (15, "0.8265"), (16, "-")])
def test_each_loss_stands_beside_the_article_s(epoch: int, theirs: str) -> None:
    assert article.epoch_line(epoch, 1.5).split() == ["Epoch:", str(epoch), "cost=", theirs, "1.5000"]


def test_the_article_runs_offline_on_the_sample_and_says_that_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("IMAGEWISE_DATA", raising=False)
    article.Article(epochs=1, engine="numpy", out=tmp_path / "run", offline=True).run()
    printed = capsys.readouterr()
    assert "mnist-sample" in printed.err
    assert "not comparable" in printed.out
    words = [line.split() for line in printed.out.splitlines()]
    assert ["training", "pictures", "55,000", "5,000"] in words
    assert ["batch_size", "100", "100"] in words
    assert any(line[:2] == ["Accuracy", "0.9475"] for line in words)


def test_the_figures_of_the_article_are_those_of_the_documents() -> None:
    text = (ROOT / "docs" / "article.md").read_text("utf-8")
    for epoch, cost in enumerate(article.COSTS, 1):
        assert f"| {epoch} | {cost:.2f} |" in text
    assert f"**{100 * article.ACCURACY:.2f}**" in text


@pytest.mark.prove
def test_the_demo_runs_without_a_network(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "IMAGEWISE_DATA"}
    code = "from examples.demo import Demo; Demo(offline=True).run()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])},
    )
    assert done.returncode == 0, done.stderr
    assert "mnist-sample" in done.stderr.splitlines()[0]
    assert "on other people's pens" in done.stdout
    assert list(tmp_path.glob("runs/*/report.html"))


@pytest.mark.prove
@pytest.mark.real_data
def test_the_article_comes_near_the_article(tmp_path: Path) -> None:
    if not os.environ.get("IMAGEWISE_DATA"):
        pytest.skip("IMAGEWISE_DATA is not set: no MNIST on this machine")
    pytest.importorskip("tensorflow")
    script = ROOT / "examples" / "article.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    words = [line.split() for line in done.stdout.splitlines()]
    (accuracy,) = (float(line[-1]) for line in words if line[:2] == ["Accuracy", "0.9475"])
    assert abs(accuracy - article.ACCURACY) < 0.01
    losses = [line for line in words if line[:1] == ["Epoch:"]]
    assert len(losses) == len(article.COSTS)
