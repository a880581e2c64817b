"""The notebook of the article runs from first cell to last."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parent.parent / "examples" / "article.ipynb"


@pytest.mark.real_data
def test_the_article_notebook_runs_with_one_epoch(tmp_path: Path) -> None:
    if not os.environ.get("IMAGEWISE_DATA"):
        pytest.skip("IMAGEWISE_DATA is not set: no MNIST on this machine")
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    parameters = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert [cell.source.split("#")[0].strip() for cell in parameters] == ["EPOCHS = 15"]
    parameters[0].source = "EPOCHS = 1"
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "label 0" in printed, "the article's picture 7 is raw index 5007"
    assert "Epoch: 1 cost=" in printed
    assert "Prediction(label='7'" in printed
