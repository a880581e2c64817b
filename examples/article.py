"""The article of 2018, step by step, on today's TensorFlow: `make article`. Its figures are beside yours.

The article: Python: Image Recognition With Neural Networks Using TensorFlow. docs/article.md says more on each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import imagewise
from imagewise.data.loading import open_data
from imagewise.display.formatting import percent
from imagewise.display.notices import print_notices
from imagewise.display.progress import DownloadDisplay
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.history import EpochRecord

COSTS = (
    175.6992, 39.1834, 24.8411, 17.4307, 12.6881, 9.4607, 7.1431, 5.2480, 3.8150, 2.8557, 2.1296, 1.6305, 1.2104,
    1.0198, 0.8265,
)  # fmt: skip
ACCURACY, SAMPLES, SHAPE = 0.9475, 55_000, (784,)
SHADES = " .:-=+*#%@"


class Session(imagewise.TrainingCallbacks):
    """Prints the loss of each epoch beside the article's."""

    def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
        """Print the line of the epoch that has ended."""
        print(epoch_line(history[-1].epoch, history[-1].cost), flush=True)


@dataclass(frozen=True)
class Article:
    """The article's program; `epochs` and `engine` are for trying out, `out` is the run's folder."""

    epochs: int = len(COSTS)
    engine: str = "tensorflow"
    out: Path | None = None
    offline: bool = False

    def run(self) -> imagewise.Run:
        """All steps, printed as they are done."""
        data = self.data()
        self.parameters()
        print("\nThe session (TensorFlow starts, which takes some seconds)\n", flush=True)
        print(f"  {'':24}{'the article':>14}{'here':>14}")
        run = imagewise.train(
            data, recipe="article", engine=self.engine, epochs=self.epochs, out=self.out, callbacks=Session()
        )
        print_test(run)
        return run

    def data(self) -> imagewise.Dataset:
        """Load and show the pictures."""
        with DownloadDisplay() as display:
            data = open_data(None, offline=self.offline, progress=display)
        print_notices(data.notices, data.skipped)
        train = data["train"]
        if len(train) != SAMPLES:
            print("The article used all of MNIST, so its figures are not comparable with those below.")
        print("\nGetting to know the data\n")
        print(f"  {'':24}{'the article':>14}{'here':>14}")
        print(row("training pictures", f"{SAMPLES:,}", f"{len(train):,}"))
        print(row("numbers in a picture", f"{SHAPE[0]:,}", f"{train.images[7].size:,}"))
        print(row("classes", "10", str(len(data.class_names))))
        print(f"\n  Picture 7 of train, a {data.class_names[train.labels[7]]}:\n")
        print(drawn(train.images[7]))
        return data

    def parameters(self) -> None:
        """Show the recipe."""
        recipe = imagewise.load_recipe("article")
        assert isinstance(recipe, imagewise.Recipe)
        print("\nParameters and network\n")
        print(f"  {'':24}{'the article':>14}{'here':>14}")
        print(row("learning_rate", "0.001", f"{recipe.optimizer.learning_rate:g}"))
        print(row("nb_epochs", "15", str(self.epochs)))
        print(row("batch_size", "100", str(recipe.batch_size)))
        hidden = recipe.architecture.params["hidden"]
        print(row("n_hidden_1, n_hidden_2", "256, 256", ", ".join(map(str, hidden))))
        print(row("weights and biases", "N(0, 1)", "N(0, 1)" if recipe.initialization == "normal" else "others"))


def print_test(run: imagewise.Run) -> None:
    """Print the accuracy on the test pictures."""
    assert run.test is not None
    metrics = run.test.metrics
    print("\nTesting\n")
    print(f"  {'':24}{'the article':>14}{'here':>14}")
    print(row("Accuracy", f"{ACCURACY:.4f}", f"{metrics.accuracy:.4f}"))
    low, high = (percent(bound, metrics.count) for bound in metrics.accuracy_interval)
    print(f"\n  {metrics.count:,} pictures leave some doubt: it is between {low} and {high} (95% interval).")
    print("  Weights are drawn at random, so another seed gives other figures: docs/article.md has five.")
    print(f"\nThe report  {(run.folder / 'report.html').resolve().as_uri()}")
    print("Read on     docs/article.md, which trains the same network further")


def row(name: str, theirs: str, ours: str) -> str:
    """A line of a table: the name, the article's figure, ours."""
    return f"  {name:24}{theirs:>14}{ours:>14}"


def epoch_line(epoch: int, cost: float) -> str:
    """The loss of an epoch beside the article's, which has 15."""
    theirs = f"{COSTS[epoch - 1]:.4f}" if epoch <= len(COSTS) else "-"
    return row(f"Epoch: {epoch} cost=", theirs, f"{cost:.4f}")


def drawn(image: NDArray[np.uint8]) -> str:
    """A picture (H, W, 1) uint8 as lines of characters, two a pixel, since they are twice as high as wide."""
    levels = image[..., 0].astype(int) * (len(SHADES) - 1) // 255
    lines = ("".join(2 * SHADES[level] for level in line).rstrip() for line in levels)
    return "\n".join(f"  {line}".rstrip() for line in lines)


if __name__ == "__main__":
    Article().run()
