"""imagewise: image recognition that anyone can train, trust and ship.

>>> import imagewise
>>> imagewise.load_data("digits").class_names
('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagewise.auditing.audit import audit
    from imagewise.auditing.findings import Audit
    from imagewise.backbones.listing import pretrained_backbones
    from imagewise.data.dataset import Dataset, Split
    from imagewise.data.loading import load_data
    from imagewise.data.named_sets import data_sets
    from imagewise.errors import ImagewiseError, ImagewiseWarning
    from imagewise.evaluation.evaluate import Evaluation, evaluate
    from imagewise.framing.framing import Framing
    from imagewise.model.model import Model, load_model
    from imagewise.model.predicting import predict
    from imagewise.model.prediction import Prediction
    from imagewise.training.engines.base import StopTraining
    from imagewise.training.lr_finder import RateSearch, find_learning_rate
    from imagewise.training.recipe import Recipe
    from imagewise.training.recipes.files import load_recipe, recipes
    from imagewise.training.reports.callbacks import TrainingCallbacks
    from imagewise.training.result import Run
    from imagewise.training.run import train

__all__ = [
    "Audit",
    "Dataset",
    "Evaluation",
    "Framing",
    "ImagewiseError",
    "ImagewiseWarning",
    "Model",
    "Prediction",
    "RateSearch",
    "Recipe",
    "Run",
    "Split",
    "StopTraining",
    "TrainingCallbacks",
    "audit",
    "data_sets",
    "evaluate",
    "find_learning_rate",
    "load_data",
    "load_model",
    "load_recipe",
    "predict",
    "pretrained_backbones",
    "recipes",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562), so that importing imagewise costs nothing."""
    homes = {
        "auditing.audit": ("audit",),
        "auditing.findings": ("Audit",),
        "backbones.listing": ("pretrained_backbones",),
        "data.dataset": ("Dataset", "Split"),
        "errors": ("ImagewiseError", "ImagewiseWarning"),
        "evaluation.evaluate": ("Evaluation", "evaluate"),
        "model.model": ("Model", "load_model"),
        "model.predicting": ("predict",),
        "model.prediction": ("Prediction",),
        "framing.framing": ("Framing",),
        "training.lr_finder": ("RateSearch", "find_learning_rate"),
        "training.recipe": ("Recipe",),
        "training.recipes.files": ("load_recipe", "recipes"),
        "data.loading": ("load_data",),
        "data.named_sets": ("data_sets",),
        "training.result": ("Run",),
        "training.run": ("train",),
        "training.reports.callbacks": ("TrainingCallbacks",),
        "training.engines.base": ("StopTraining",),
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
