"""Training where PyTorch is not installed: by NumPy where that can, else refused with what to install."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import imagewise
from command_line import run
from imagewise.data.dataset import Dataset
from imagewise.errors import EngineError


@pytest.fixture
def without_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.mark.usefixtures("without_pytorch")
class TestWithoutPyTorch:
    @pytest.mark.parametrize("recipe", ["perceptron", "perceptron-98", "article"])
    def test_a_perceptron_is_trained_by_numpy_which_is_said(self, recipe: str, tmp_path: Path) -> None:
        result = run("train", "digits", "--recipe", recipe, "--epochs", 1, "--out", tmp_path / "run")
        assert result.exit_code == 0, result.stderr
        assert "PyTorch is not installed" in result.stderr
        assert "pip install" in result.stderr
        assert ", numpy" in result.stderr
        assert imagewise.load_model(tmp_path / "run" / "model.onnx").card.recipe.name == recipe

    def test_ink_without_a_recipe_is_trained_as_a_perceptron(self, tmp_path: Path) -> None:
        result = run("train", "digits", "--epochs", 1, "--out", tmp_path / "run")
        assert result.exit_code == 0, result.stderr
        assert "recipe  perceptron" in result.stderr

    def test_photographs_without_a_recipe_are_refused(self, tiny_dataset: Dataset, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match=r"recipe photo needs PyTorch(.|\n)*pip install .*\[train\]"):
            imagewise.train(tiny_dataset, out=tmp_path / "run")
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize("recipe", ["convnet", "quick", "perceptron-99"])
    def test_a_recipe_that_numpy_cannot_train_is_refused(self, recipe: str, tmp_path: Path) -> None:
        result = run("train", "digits", "--recipe", recipe, "--out", tmp_path / "run")
        assert result.exit_code == 2
        assert f"recipe {recipe} needs PyTorch" in result.stderr
        assert "pip install" in result.stderr
        assert "--recipe perceptron" in result.stderr
        assert not (tmp_path / "run").exists()

    def test_an_engine_named_by_hand_is_never_swapped(self, tmp_path: Path) -> None:
        result = run("train", "digits", "--recipe", "perceptron", "--engine", "pytorch", "--out", tmp_path / "run")
        assert result.exit_code == 2
        assert "needs torch" in result.stderr


def test_with_pytorch_nothing_is_said_of_it(tmp_path: Path) -> None:
    result = run("train", "digits", "--recipe", "perceptron", "--epochs", 1, "--out", tmp_path / "run")
    assert ", pytorch" in result.stderr
    assert "not installed" not in result.stderr
