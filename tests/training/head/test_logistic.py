from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from feature_sets import pictures
from imagewise.errors import RecipeError, TrainingError
from imagewise.training.head import rows
from imagewise.training.head.logistic import Head, LogisticProblem, fit_logistic


def reference(x: NDArray[np.float32], y: NDArray[np.int64], strength: float, weights: Any = None) -> Head:
    """scikit-learn's, of the same objective: features centred, in units of their common spread."""
    exact = x.astype(np.float64)
    mean = np.average(exact, axis=0, weights=weights)
    scale = np.sqrt(np.average((exact - mean) ** 2, axis=0, weights=weights).mean())
    model = LogisticRegression(C=1 / strength, tol=1e-10, max_iter=20_000)
    model.fit((exact - mean) / scale, y, sample_weight=weights)
    weight, bias = model.coef_ / scale, model.intercept_
    if len(bias) == 1:  # of two classes scikit-learn fits the difference, whose penalty is half of ours
        raise AssertionError("compare with three classes at least")
    return Head(weight.astype(np.float32), (bias - weight @ mean).astype(np.float32))


def check_equal(found: Head, expected: Head, x: NDArray[np.float32], tolerance: float = 1e-3) -> None:
    logits, wanted = found.logits(x), expected.logits(x)
    wanted = wanted - wanted.mean(axis=1, keepdims=True)  # a shift of all logits changes no probability
    assert np.abs(logits - wanted).max() <= tolerance * max(1.0, float(np.abs(wanted).max()))


def objective(head: Head, x: NDArray[np.float32], y: NDArray[np.int64], strength: float) -> float:
    logits = (x.astype(np.float64) @ head.weight.T + head.bias).astype(np.float64)
    losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(y)), y]
    return float(losses.sum() + strength / 2 * (head.weight.astype(np.float64) ** 2).sum() * spread(x) ** 2)


def spread(x: NDArray[np.float32]) -> float:
    return float(np.sqrt(x.astype(np.float64).var(axis=0).mean()))


@pytest.mark.parametrize("strength", [1000.0, 10.0, 0.1])
@pytest.mark.parametrize(("count", "features", "classes"), [(300, 20, 4), (60, 200, 3), (400, 30, 16)])
def test_it_equals_scikit_learn(strength: float, count: int, features: int, classes: int) -> None:
    x, y = pictures(count, features, classes)
    found, expected = LogisticProblem([x], y, classes).fit(strength, tolerance=1e-7), reference(x, y, strength)
    check_equal(found, expected, x, 2e-3)
    assert objective(found, x, y, strength) <= objective(expected, x, y, strength) * (1 + 1e-6)


def test_sample_weights_count_as_scikit_learns_do() -> None:
    x, y = pictures()
    weights = np.random.default_rng(1).uniform(0.1, 5, len(y))
    check_equal(fit_logistic(x, y, 4, 5.0, weights), reference(x, y, 5.0, weights), x)


def test_two_classes_equal_scikit_learn_at_half_the_strength() -> None:
    x, y = pictures(classes=2)
    mean, scale = x.astype(np.float64).mean(axis=0), np.sqrt(x.astype(np.float64).var(axis=0).mean())
    model = LogisticRegression(C=2 / 10, tol=1e-10, max_iter=20_000).fit((x - mean) / scale, y)
    logits = fit_logistic(x, y, 2, 10.0).logits(x)
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], model.decision_function((x - mean) / scale), atol=2e-3)


def test_a_whole_weight_is_so_many_copies_and_0_is_none() -> None:
    x, y = pictures()
    times = np.arange(len(y)) % 3
    weighted = fit_logistic(x, y, 4, 5.0, times.astype(np.float64))
    check_equal(weighted, fit_logistic(np.repeat(x, times, axis=0), np.repeat(y, times), 4, 5.0), x)


def test_it_is_the_same_to_the_last_bit_each_time() -> None:
    x, y = pictures()
    first, second = fit_logistic(x, y, 4, 5.0), fit_logistic(x, y, 4, 5.0)
    assert np.array_equal(first.weight, second.weight)
    assert np.array_equal(first.bias, second.bias)


def test_where_it_starts_does_not_matter() -> None:
    x, y = pictures()
    problem = LogisticProblem([x], y, 4)
    path = None
    for strength in (1000.0, 100.0, 10.0, 1.0):
        path = problem.fit(strength, path)
    assert path is not None
    check_equal(path, problem.fit(1.0), x)


def test_a_start_that_is_the_end_stays() -> None:
    x, y = pictures()
    found = fit_logistic(x, y, 4, 5.0)
    check_equal(fit_logistic(x, y, 4, 5.0, start=found), found, x, 1e-4)


def test_features_too_large_for_memory_give_the_same_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = pictures(1000)
    whole = fit_logistic(x, y, 4, 5.0)
    np.save(tmp_path / "x.npy", x)
    monkeypatch.setattr(rows, "IN_MEMORY", 1000)
    monkeypatch.setattr(rows, "BLOCK", 77 * x[:1].nbytes)
    check_equal(fit_logistic(np.load(tmp_path / "x.npy", mmap_mode="r"), y, 4, 5.0), whole, x, 1e-4)


def test_memory_is_bounded_when_features_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = pictures(4000, 500, 3)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    monkeypatch.setattr(rows, "IN_MEMORY", 1_000_000)
    monkeypatch.setattr(rows, "BLOCK", 100_000)
    tracemalloc.start()
    try:
        fit_logistic(mapped, y, 3, 100.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < x.nbytes / 2


def test_features_far_from_0_lose_nothing() -> None:
    x, y = pictures()
    moved = (x.astype(np.float64) * 50 + 1000).astype(np.float32)
    expected, found = fit_logistic(x, y, 4, 5.0).logits(x), fit_logistic(moved, y, 4, 5.0).logits(moved)
    np.testing.assert_allclose(found, expected, atol=5e-3)


def test_features_that_never_vary_get_no_weight() -> None:
    x, y = pictures()
    x[:, 3] = 2.5
    head = fit_logistic(x, y, 4, 5.0)
    assert np.abs(head.weight[:, 3]).max() < 1e-6
    assert np.isfinite(head.logits(x)).all()


def test_features_that_are_all_alike_give_the_shares_of_the_classes() -> None:
    labels = np.repeat(np.arange(3), (10, 20, 30))
    logits = fit_logistic(np.ones((60, 5), np.float32), labels, 3, 1.0).logits(np.ones((1, 5), np.float32))
    np.testing.assert_allclose(np.exp(logits - np.logaddexp.reduce(logits, axis=1)), [[1 / 6, 2 / 6, 3 / 6]], atol=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_class_without_pictures_is_never_predicted_and_changes_no_other(weighted: bool) -> None:
    x, y = pictures(classes=3)
    labels = np.where(y == 2, 3, y)  # of five classes 2 and 4 have none
    head = (
        fit_logistic(
            np.concatenate([x, x + 1]), np.concatenate([labels, labels * 0 + 4]), 5, 5.0, np.repeat([1, 0], 300)
        )
        if weighted
        else fit_logistic(x, labels, 5, 5.0)
    )
    logits = head.logits(x)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert probabilities[:, [2, 4]].max() < 1e-8
    np.testing.assert_allclose(logits[:, [0, 1, 3]], fit_logistic(x, y, 3, 5.0).logits(x), atol=1e-4)


def test_a_single_class_is_always_predicted() -> None:
    x, _ = pictures(10)
    assert (fit_logistic(x, np.ones(10, np.int64), 3, 1.0).logits(x).argmax(axis=1) == 1).all()


def test_ten_pictures_and_a_weak_penalty_end_in_finite_weights() -> None:
    x, y = pictures(10, 1280, 2)
    head = fit_logistic(x, y, 2, 1e-6)
    assert np.isfinite(head.weight).all()
    assert (head.logits(x).argmax(axis=1) == y).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(wrong: float) -> None:
    x, y = pictures()
    x[7, 3] = wrong
    with pytest.raises(TrainingError, match="not finite numbers"):
        fit_logistic(x, y, 4, 1.0)


@pytest.mark.parametrize("strength", [0.0, -1.0, float("nan")])
def test_a_strength_that_is_not_above_0_is_refused(strength: float) -> None:
    with pytest.raises(RecipeError, match="must be above 0"):
        fit_logistic(*pictures(), 4, strength)


def test_weights_that_are_all_0_are_refused() -> None:
    x, y = pictures()
    with pytest.raises(TrainingError, match="no picture counts"):
        fit_logistic(x, y, 4, 1.0, np.zeros(len(y)))


def test_features_in_parts_are_those_of_one_array(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = pictures()
    whole = fit_logistic(x, y, 4, 5.0)
    parts = [x[:100], x[100:101], x[101:]]
    check_equal(LogisticProblem(parts, y, 4).fit(5.0), whole, x, 1e-4)
    monkeypatch.setattr(rows, "IN_MEMORY", 1000)
    monkeypatch.setattr(rows, "BLOCK", 64 * x[:1].nbytes)
    check_equal(LogisticProblem(parts, y, 4).fit(5.0), whole, x, 1e-4)


def test_other_weights_leave_the_problem_as_it_was() -> None:
    x, y = pictures()
    problem = LogisticProblem([x], y, 4)
    before = problem.fit(5.0)
    other = problem.weighted((y < 2).astype(np.float64)).fit(5.0)
    assert set(other.logits(x).argmax(axis=1)) == {0, 1}
    assert np.array_equal(problem.fit(5.0).weight, before.weight)


@pytest.mark.parametrize("strength", [100.0, 0.1])
def test_few_pictures_are_fitted_in_their_own_span_with_the_same_result(
    strength: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = pictures(40, 300, 3)
    inside = LogisticProblem([x], y, 3).fit(strength, tolerance=1e-7)
    monkeypatch.setattr(rows, "NARROW", 0.0)
    outside = LogisticProblem([x], y, 3).fit(strength, tolerance=1e-7)
    check_equal(inside, outside, pictures(200, 300, 3)[0], 1e-3)


@pytest.mark.parametrize("count", [30, 400])
def test_features_of_earlier_depths_are_brought_to_half_the_spread_of_the_last_layers(count: int) -> None:
    x, y = pictures(count, 20, 3)
    x[:, 12:] *= 0.01
    scaled = x / np.repeat([np.sqrt(x[:, :12].var(axis=0).mean()), 2 * np.sqrt(x[:, 12:].var(axis=0).mean())], [12, 8])
    reference = LogisticRegression(C=1 / 10.0, max_iter=5000, tol=1e-8).fit(scaled, y)
    head = LogisticProblem([x], y, 3, depths=(12, 8)).fit(10.0)
    expected = reference.decision_function(scaled)
    np.testing.assert_allclose(
        head.logits(x) - head.logits(x).mean(axis=1, keepdims=True),
        expected - expected.mean(axis=1, keepdims=True),
        atol=2e-3,
    )
