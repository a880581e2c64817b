"""Progress in a notebook: it is shown by default, any front end can draw it, and `verbose=False` turns it off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imagewise.display.notebook import SHOWN, NotebookOutput, in_notebook

CELLS = {
    "train": "import imagewise; imagewise.train('digits', recipe='perceptron', epochs=2, engine='numpy', report=False)",
    "silent": (
        "imagewise.train('digits', recipe='perceptron', epochs=1, engine='numpy', report=False, verbose=False);"
    ),
    "rates": "imagewise.find_learning_rate('digits', recipe='perceptron', engine='numpy')",
    "read": "data = imagewise.load_data('pets')",
}


def test_a_notebook_shows_progress_and_results_without_widgets(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pets(tmp_path / "pets")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS.values()])
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}
    assert "epoch 2/2" in drawn(shown["train"])
    assert "<progress" not in drawn(shown["train"]), "the bar is gone at the end"
    assert "Run(" in shown["train"][-1].data["text/plain"]
    assert shown["silent"] == []
    assert "RateSearch(" in drawn(shown["rates"])
    assert "reading 20 pictures" in drawn(shown["read"])
    assert not [each for outputs in shown.values() for each in outputs if each.output_type == "stream"]


def drawn(outputs: list[Any]) -> str:
    return "".join(text for each in outputs for text in each.get("data", {}).values())


def pets(folder: Path) -> None:
    import numpy as np
    from PIL import Image

    for number in range(20):
        (folder / "cd"[number % 2]).mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "cd"[number % 2] / f"{number}.png")


class Display:
    """Stands for IPython's `display`, and for the handle that it gives."""

    def __init__(self) -> None:
        self.drawn: list[dict[str, str]] = []

    def __call__(self, data: dict[str, str], *, raw: bool, display_id: bool) -> Display:
        assert raw
        assert display_id
        self.drawn.append(data)
        return self

    def update(self, data: dict[str, str], *, raw: bool) -> None:
        self.drawn[-1] = data


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Display:
    pytest.importorskip("IPython")
    shown = Display()
    monkeypatch.setattr("IPython.display.display", shown)
    return shown


def test_names_are_escaped(display: Display) -> None:
    output = NotebookOutput()
    output.line("data    <script>alert(1)</script>")
    output.bar("epoch <b>1</b>", 1, 2)
    assert "<script>" not in display.drawn[0]["text/html"]
    assert "<b>" not in display.drawn[0]["text/html"]
    assert "&lt;script&gt;" in display.drawn[0]["text/html"]


@pytest.mark.parametrize(("total", "bars"), [(10, 1), (None, 0), (0, 0)])
def test_a_bar_needs_a_total(display: Display, total: float | None, bars: int) -> None:
    output = NotebookOutput()
    output.bar("0.5 MB", 5, total)
    assert display.drawn[0]["text/html"].count("<progress") == bars
    assert "0.5 MB" in display.drawn[0]["text/html"]
    output.close()
    assert display.drawn == [{"text/plain": "", "text/html": ""}]


def test_a_run_of_a_thousand_epochs_stays_small(display: Display) -> None:
    output = NotebookOutput()
    for number in range(1000):
        output.line(f"epoch {number}")
    assert len(display.drawn) == 1
    lines = display.drawn[0]["text/plain"].splitlines()
    assert len(lines) == SHOWN + 1
    assert lines[-1] == "epoch 999"


def test_this_process_is_no_notebook() -> None:
    assert not in_notebook()
