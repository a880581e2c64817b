"""The task of a model, held to PyTorch's functions."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from imagewise.data.task import SingleLabel

TASK = SingleLabel()


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_losses_are_pytorchs_cross_entropy_of_large_logits_too(scale: float) -> None:
    rng = np.random.default_rng(0)
    logits, labels = (scale * rng.normal(size=(50, 7))).astype(np.float32), rng.integers(0, 7, 50)
    wanted = F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels), reduction="none").numpy()
    np.testing.assert_allclose(TASK.losses(logits, labels), wanted, rtol=1e-5, atol=1e-5)
    assert TASK.losses(logits, labels).dtype == np.float32


def test_of_equal_logits_the_first_class_is_predicted() -> None:
    logits = np.zeros((2, 3), np.float32)
    assert TASK.correct(logits, np.array([0, 1])).tolist() == [True, False]
    assert TASK.ranking(np.array([0.2, 0.4, 0.4], np.float32)).tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array([0, 1]), "3 int64 labels"),
        (np.array([0, 1, 2], np.int32), "int32"),
        (np.array([[0], [1], [2]]), r"\(3, 1\)"),
        (np.array([0, 1, 3]), r"outside 0\.\.2"),
        (np.array([0, -1, 2]), r"outside 0\.\.2"),
    ],
)
def test_wrong_labels_are_described(labels: np.ndarray, words: str) -> None:
    assert re.search(words, TASK.label_problem(labels, 3, 3) or "")


def test_right_labels_have_no_problem() -> None:
    assert TASK.label_problem(np.array([2, 0, 1]), 3, 3) is None
    assert TASK.label_problem(np.zeros(0, np.int64), 0, 3) is None
