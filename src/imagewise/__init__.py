"""imagewise: image recognition that anyone can train, trust and ship.

>>> import imagewise
>>> imagewise.load_data("digits").class_names
('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagewise.dataset import Dataset, Split
    from imagewise.errors import ImagewiseError
    from imagewise.evaluation import Evaluation, evaluate
    from imagewise.model import Model, Prediction, load_model
    from imagewise.picture import Framing
    from imagewise.rate_finder import RateSearch, find_learning_rate
    from imagewise.recipe import Recipe, load_recipe
    from imagewise.sources import load_data
    from imagewise.training import Run, TrainingCallbacks, train

__all__ = [
    "Dataset",
    "Evaluation",
    "Framing",
    "ImagewiseError",
    "Model",
    "Prediction",
    "RateSearch",
    "Recipe",
    "Run",
    "Split",
    "TrainingCallbacks",
    "evaluate",
    "find_learning_rate",
    "load_data",
    "load_model",
    "load_recipe",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562), so that importing imagewise costs nothing."""
    homes = {
        "dataset": ("Dataset", "Split"),
        "errors": ("ImagewiseError",),
        "evaluation": ("Evaluation", "evaluate"),
        "model": ("Model", "Prediction", "load_model"),
        "picture": ("Framing",),
        "rate_finder": ("RateSearch", "find_learning_rate"),
        "recipe": ("Recipe", "load_recipe"),
        "sources": ("load_data",),
        "training": ("Run", "TrainingCallbacks", "train"),
    }
    if name == "__version__":
        from importlib.metadata import version

        return version("imagewise")
    for module, names in homes.items():
        if name in names:
            return getattr(import_module(f"imagewise.{module}"), name)
    raise AttributeError(f"module 'imagewise' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
