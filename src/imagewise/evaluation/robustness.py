"""How much of its accuracy a model keeps on corrupted pictures."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import Split
from imagewise.errors import ModelError
from imagewise.evaluation.corruptions.catalog import Kind, corrupt, corruptions_of, kind_of
from imagewise.fetch import Progress
from imagewise.installing import install_command
from imagewise.model.model import Model

MOST_PHOTOGRAPHS = 500  # each is corrupted and recognised 75 times
_EXAMPLES = 5  # pictures in a row of the report
_PAPERS: dict[Kind, str] = {"drawings": "MNIST-C, arXiv:1906.02337", "photographs": "ImageNet-C, arXiv:1903.12261"}


@dataclass(frozen=True, eq=False)
class CorruptionScore:
    """A model's accuracy on pictures with one corruption.

    Attributes:
        name: of the corruption.
        severities: 1 to 5; one, or all.
        accuracies: a fraction for each severity.
        examples: uint8 (5, H, W, C): five pictures with the only severity, or one picture with each of the five.
    """

    name: str
    severities: tuple[int, ...]
    accuracies: tuple[float, ...]
    examples: NDArray[np.uint8]

    @property
    def accuracy(self) -> float:
        """Mean over the severities, fraction."""
        return sum(self.accuracies) / len(self.accuracies)


@dataclass(frozen=True, eq=False)
class Robustness:
    """A model's accuracy on corrupted pictures.

    Attributes:
        kind: `drawings` (MNIST-C's corruptions) or `photographs` (ImageNet-C's).
        count: pictures that each corruption was applied to.
        seed: of the corruptions.
        clean: accuracy on the same pictures without corruption, fraction.
        scores: one for each corruption.
        originals: uint8 (5, H, W, C): the pictures of the examples without corruption.
    """

    kind: Kind
    count: int
    seed: int
    clean: float
    scores: tuple[CorruptionScore, ...]
    originals: NDArray[np.uint8]

    @property
    def mean(self) -> float:
        """Mean accuracy over the corruptions, fraction."""
        return sum(score.accuracy for score in self.scores) / len(self.scores)

    @property
    def worst(self) -> CorruptionScore:
        """The corruption with the lowest accuracy."""
        return min(self.scores, key=lambda score: score.accuracy)

    @property
    def paper(self) -> str:
        """Where the corruptions come from."""
        return _PAPERS[self.kind]

    def as_dict(self) -> dict[str, Any]:
        """Plain values in the shape of `evaluate --corrupted --json`."""
        return {
            "kind": self.kind,
            "paper": self.paper,
            "count": self.count,
            "seed": self.seed,
            "clean": self.clean,
            "mean": self.mean,
            "worst": self.worst.name,
            "corruptions": {
                score.name: {
                    "accuracy": score.accuracy,
                    "severities": dict(zip(map(str, score.severities), score.accuracies, strict=True)),
                }
                for score in self.scores
            },
        }


def require_scipy() -> None:
    """Refuse where SciPy is not installed. To be called before anything that takes long.

    Raises:
        ModelError: names the command that installs it.
    """
    if find_spec("scipy") is None:
        raise ModelError(
            "corrupting pictures needs SciPy, which is not installed. Install it with: " + install_command("robustness")
        )


def measure_robustness(model: Model, pictures: Split, *, seed: int = 0, progress: Progress | None = None) -> Robustness:
    """The model's accuracy on pictures with each of 15 corruptions.

    Args:
        model: recognises them; its framing says whether the pictures are drawings or photographs.
        pictures: N pictures in the model's shape, labels being the model's classes. Of photographs, at most
            `MOST_PHOTOGRAPHS` are taken, evenly spaced.
        seed: of the corruptions: the same pictures and seed give the same result.
        progress: told how many pictures are done.

    Raises:
        ModelError: SciPy is not installed.
    """
    require_scipy()
    kind = kind_of(model.framing)
    if kind == "photographs" and len(pictures) > MOST_PHOTOGRAPHS:
        pictures = pictures.take(np.arange(MOST_PHOTOGRAPHS) * len(pictures) // MOST_PHOTOGRAPHS)
    shown = np.arange(_EXAMPLES) * len(pictures) // _EXAMPLES
    corruptions = corruptions_of(kind)
    total = len(pictures) * sum(len(corruption.severities) for corruption in corruptions)
    done, scores = 0, []
    for corruption in corruptions:
        accuracies, examples = [], []
        for severity in corruption.severities:
            images = corrupt(pictures.images, corruption, severity, kind, seed)
            accuracies.append(_accuracy(model, images, pictures.labels))
            examples.append(images[shown] if len(corruption.severities) == 1 else images[:1])
            done += len(pictures)
            if progress is not None:
                progress("corrupted pictures", done, total, "pictures")
        scores.append(
            CorruptionScore(corruption.name, corruption.severities, tuple(accuracies), np.concatenate(examples))
        )
    originals = pictures.images[shown] if kind == "drawings" else pictures.images[:1]
    clean = _accuracy(model, pictures.images, pictures.labels)
    return Robustness(kind, len(pictures), seed, clean, tuple(scores), np.array(originals))


def _accuracy(model: Model, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    return float((model.predict_batch(images).argmax(axis=1) == labels).mean())
