from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from imagewise.data.task import log_softmax
from imagewise.evaluation.metrics import calibration_error
from imagewise.training.head.choice.calibration import COLDEST, HOTTEST, cooled, fit_temperature
from imagewise.training.head.logistic import Head


def answers(
    count: int, temperature: float, classes: int = 4, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits, and labels that are drawn with the probabilities of logits / temperature."""
    rng = np.random.default_rng(seed)
    logits = (4 * rng.standard_normal((count, classes))).astype(np.float32)
    noise = rng.gumbel(size=logits.shape)
    return logits, (logits / temperature + noise).argmax(axis=1)


def smoothed_loss(logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float, doubt: float) -> float:
    logs = log_softmax((logits / temperature).astype(np.float32)).astype(np.float64)
    of_class = logs[np.arange(len(labels)), labels]
    others = (logs.sum(axis=1) - of_class) / (logs.shape[1] - 1)
    return float(-((1 - doubt) * of_class + doubt * others).sum())


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("count", [12, 300])
def test_it_is_the_minimum_that_scipy_finds(temperature: float, count: int) -> None:
    logits, labels = answers(count, temperature)
    found = minimize_scalar(
        lambda log: smoothed_loss(logits, labels, float(np.exp(log)), 1 / (count + 2)), bounds=(-3, 3), method="bounded"
    )
    assert fit_temperature(logits, labels) == pytest.approx(float(np.exp(found.x)), rel=0.01)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_it_is_the_temperature_that_labels_were_drawn_with(temperature: float) -> None:
    assert fit_temperature(*answers(20_000, temperature)) == pytest.approx(temperature, rel=0.05)


def test_a_head_that_is_too_sure_is_calibrated_afterwards() -> None:
    logits, labels = answers(5_000, 3.0)
    unseen, truth = answers(5_000, 3.0, seed=1)

    def error(values: NDArray[np.float32]) -> float:
        probabilities = np.exp(log_softmax(values))
        return calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)

    assert error(unseen) > 0.1
    assert error((unseen / fit_temperature(logits, labels)).astype(np.float32)) < 0.02


def test_few_pictures_that_are_all_right_ask_for_no_certainty() -> None:
    logits = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]
    labels = np.array([0, 1, 2, 0, 1, 2])
    temperature = fit_temperature(logits, labels)
    probabilities = np.exp(log_softmax((logits / temperature).astype(np.float32)))
    assert probabilities.max() == pytest.approx(1 - 1 / 8, abs=1e-3)
    repeated = fit_temperature(np.tile(logits, (4, 1)), np.tile(labels, 4), 6)
    assert repeated == pytest.approx(temperature, rel=1e-3)


def test_pictures_that_are_all_wrong_give_the_highest_temperature() -> None:
    assert fit_temperature(np.eye(3, dtype=np.float32), np.array([1, 2, 0])) == pytest.approx(HOTTEST, rel=1e-3)


def test_it_keeps_within_its_bounds_for_huge_and_for_tiny_logits() -> None:
    logits, labels = answers(300, 1.0)
    assert fit_temperature(logits * np.float32(1e6), labels) == pytest.approx(HOTTEST, rel=1e-3)
    assert fit_temperature(logits * np.float32(1e-6), labels) == pytest.approx(COLDEST, rel=1e-3)


@pytest.mark.parametrize(("count", "classes"), [(0, 3), (5, 1)])
def test_without_pictures_or_with_one_class_nothing_changes(count: int, classes: int) -> None:
    assert fit_temperature(np.ones((count, classes), np.float32), np.zeros(count, np.int64)) == 1.0


def test_the_temperature_goes_into_weight_and_bias() -> None:
    rng = np.random.default_rng(0)
    head = Head(rng.standard_normal((3, 8)).astype(np.float32), np.array([1, 2, 3], np.float32))
    x = rng.standard_normal((5, 8)).astype(np.float32)
    np.testing.assert_allclose(cooled(head, 2.5).logits(x), head.logits(x) / 2.5, rtol=1e-5, atol=1e-6)
