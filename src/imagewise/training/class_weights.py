"""How much each class counts in the cost of training: so that rare classes are not drowned by frequent ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import Dataset
from imagewise.errors import RecipeError, did_you_mean
from imagewise.naming import same_letters
from imagewise.training.recipes.base import BaseRecipe


def class_weights(recipe: BaseRecipe, dataset: Dataset) -> NDArray[np.float32] | None:
    """The weight of each class as the recipe's `class_weights` says: (classes,) float32, above 0; None for `none`.

    `auto` is n / (k n_c), as scikit-learn's `balanced` has it: n pictures that training learns from, n_c of them of
    class c, k classes that have any. A class without one weighs 1, and so does a class that a table does not name.

    Raises:
        RecipeError: a weight for a class that the data does not have.
    """
    choice, names = recipe.class_weights, dataset.class_names
    if choice == "none":
        return None
    if choice == "auto":
        counts = sum(dataset.counts(name) for name in recipe.fitted_splits if name in dataset)
        return balanced(np.asarray(counts))
    choice = {same_letters(name): weight for name, weight in choice.items()}
    names = tuple(map(same_letters, names))
    unknown = [name for name in choice if name not in names]
    if unknown:
        hint = did_you_mean(unknown[0], names)
        raise RecipeError(
            f"recipe {recipe.name}: class_weights names {', '.join(map(repr, unknown))}, which {dataset.name} does not "
            f"have; its classes are {', '.join(names)}.{hint}"
        )
    return np.array([choice.get(name, 1.0) for name in names], dtype=np.float32)


def balanced(counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """n / (k n_c) of `counts` (classes,), 1 where there is nothing to count."""
    present = counts > 0
    weights = np.ones(len(counts))
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights.astype(np.float32)
