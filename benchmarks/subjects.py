"""What is trained side by side: our recipes, those that this version has, and the peers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import IMAGEWISE, module

from imagewise.training.recipes.files import bundled_recipes

PART = "training"


@dataclass(frozen=True)
class Subject:
    """One of them.

    Attributes:
        title: as the table names it.
        data: `mnist`, or a set in the folder that IMAGEWISE_DATA names.
        options: what its command adds.
        quick: how often `--quick` runs it.
        runs: how often the full benchmark does.
        stops: it can stop at a test accuracy (peers only: ours score test once).
    """

    name: str
    title: str
    options: tuple[str, ...]
    quick: int
    runs: int
    peer: str | None = None
    data: str = "mnist"

    def command(self, data: Path | str, out: Path, seed: int, epochs: int | None, until: float | None) -> list[str]:
        """The process to run."""
        limit = ["--epochs", str(epochs)] if epochs else []
        if self.peer is None:
            command = [IMAGEWISE, "train", str(data), *self.options, *limit, "--seed", str(seed)]
            return [*command, "--out", str(out / "run"), "--no-report", "--json"]
        stop = ["--until", str(until)] if until else []
        return module(
            f"peers.{self.peer}",
            *("--data", str(data), "--out", str(out), "--seed", str(seed)),
            *self.options,
            *limit,
            *stop,
        )


def recipe_subjects() -> list[Subject]:
    """Ours, in the order of the table; a recipe that this version does not have is left out."""
    on_numpy = ("--engine", "numpy")
    wanted = [
        Subject("perceptron-98", "`perceptron-98` on NumPy", ("--recipe", "perceptron-98", *on_numpy), 3, 10),
        Subject("quick", "`quick`", ("--recipe", "quick"), 3, 10),
        Subject("good", "`good`", ("--recipe", "good"), 0, 10),
        Subject("perceptron", "`perceptron`", ("--recipe", "perceptron"), 0, 5),
        Subject("perceptron-numpy", "`perceptron` on NumPy", ("--recipe", "perceptron", *on_numpy), 0, 5),
        Subject("convnet", "`convnet`", ("--recipe", "convnet"), 0, 1),
        Subject("photo", "`photo` on photographs of flowers", ("--recipe", "photo"), 0, 1, data="flowers"),
    ]
    known = bundled_recipes()
    return [subject for subject in wanted if subject.options[1] in known]


def peer_subjects() -> list[Subject]:
    """Everything that a user would pick instead."""
    dense = "Keras `Dense` 256-256 on "
    return [
        # the shorter one first: within ten minutes there is not always time for both
        Subject("keras-convnet", "the Keras convnet example", (), 1, 3, peer="keras_convnet"),
        Subject("pytorch-example", "the PyTorch example", (), 1, 3, peer="pytorch_example"),
        Subject(
            "fastai-architecture", "fast.ai's `simple_cnn` (as architecture)", (), 0, 3, peer="fastai_architecture"
        ),
        Subject(
            *("tinygrad-architecture", "tinygrad's `beautiful_mnist` (as architecture)", (), 0, 3),
            peer="tinygrad_architecture",
        ),
        Subject("article", "the article's program (`tf.compat.v1`)", (), 0, 3, peer="article_tf1"),
        Subject("keras-dense", f"{dense}TensorFlow", ("--backend", "tensorflow"), 0, 3, peer="keras_dense"),
        Subject("keras-dense-jax", f"{dense}JAX", ("--backend", "jax"), 0, 3, peer="keras_dense"),
        Subject("sklearn-mlp", "scikit-learn `MLPClassifier((256, 256))`", (), 0, 1, peer="sklearn_mlp"),
    ]


def subjects() -> list[Subject]:
    """All, ours first."""
    return [*recipe_subjects(), *peer_subjects()]
