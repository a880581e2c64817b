import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, top_k_accuracy_score

from imagewise.evaluation.metrics import CALIBRATION_BINS, calibration_error, measure, top_k_accuracy, wilson_interval

NAMES = ("ant", "bee", "cat", "dog")


def random_predictions(seed: int, count: int = 200, classes: int = 4) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    probabilities = rng.dirichlet(np.ones(classes), count)
    probabilities[np.arange(count), labels] += rng.random(count)
    return (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32), labels


def one_hot(predicted: list[int]) -> NDArray[np.float32]:
    return np.eye(len(NAMES), dtype=np.float32)[predicted]


pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@given(pairs)
def test_confusion_and_class_metrics_equal_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = (list(values) for values in zip(*pairs, strict=True))
    metrics = measure(one_hot(predicted), np.array(labels, dtype=np.int64), NAMES)
    np.testing.assert_array_equal(metrics.confusion, confusion_matrix(labels, predicted, labels=range(4)))
    expected = precision_recall_fscore_support(labels, predicted, labels=range(4), zero_division=0)
    found = [(each.precision, each.recall, each.f1, each.count) for each in metrics.classes.values()]
    np.testing.assert_allclose(found, np.transpose(expected), atol=1e-12)
    assert list(metrics.classes) == list(NAMES)


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_top_k_accuracy_equals_that_of_scikit_learn(seed: int, k: int) -> None:
    probabilities, labels = random_predictions(seed)
    assert top_k_accuracy(probabilities, labels, k) == pytest.approx(
        top_k_accuracy_score(labels, probabilities, k=k, labels=range(4))
    )


def test_more_guesses_than_classes_are_always_right() -> None:
    assert top_k_accuracy(np.array([[0.4, 0.6], [0.9, 0.1]], dtype=np.float32), np.array([0, 1]), 3) == 1.0


@given(st.integers(1, 20_000).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_wilson_interval_equals_that_of_scipy(right_of: tuple[int, int]) -> None:
    expected = binomtest(*right_of).proportion_ci(method="wilson")
    assert wilson_interval(*right_of) == pytest.approx((expected.low, expected.high), abs=1e-7)


@given(st.integers(1, 1000))
def test_wilson_interval_stays_within_0_and_1_at_both_ends(count: int) -> None:
    low, high = wilson_interval(0, count)
    assert pytest.approx(low, abs=1e-12) == 0.0
    assert 0 <= low < high < 1
    low, high = wilson_interval(count, count)
    assert high == pytest.approx(1.0)
    assert 0 < low < high <= 1


def slow_calibration_error(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    total = 0.0
    for k in range(CALIBRATION_BINS):
        low, high = k / CALIBRATION_BINS, (k + 1) / CALIBRATION_BINS
        members = [i for i, c in enumerate(confidence) if low < c <= high or (c == 0 and k == 0)]
        if members:
            accuracy = sum(bool(right[i]) for i in members) / len(members)
            mean = sum(float(confidence[i]) for i in members) / len(members)
            total += len(members) / len(confidence) * abs(accuracy - mean)
    return total


@pytest.mark.parametrize("seed", range(5))
def test_calibration_error_equals_a_plain_loop_over_the_bins(seed: int) -> None:
    probabilities, labels = random_predictions(seed, count=500)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    assert calibration_error(confidence, right) == pytest.approx(slow_calibration_error(confidence, right), abs=1e-6)


def test_calibration_error_is_0_for_the_sure_and_right_and_1_for_the_sure_and_wrong() -> None:
    sure = np.ones(7, dtype=np.float32)
    assert calibration_error(sure, np.ones(7, dtype=np.bool_)) == 0
    assert calibration_error(sure, np.zeros(7, dtype=np.bool_)) == 1


def test_a_class_that_is_absent_and_never_guessed_has_zeros_and_no_warning() -> None:
    metrics = measure(one_hot([0, 1, 1]), np.array([0, 1, 0]), NAMES)
    absent = metrics.classes["dog"]
    assert (absent.precision, absent.recall, absent.f1, absent.count) == (0, 0, 0, 0)
    assert metrics.accuracy == pytest.approx(2 / 3)


def test_metrics_as_plain_values_have_the_shape_of_evaluate_json() -> None:
    values = measure(*random_predictions(1), NAMES).as_dict()
    assert set(values) == {
        "count", "accuracy", "accuracy_interval", "top3_accuracy", "calibration_error", "classes", "confusion",
    }  # fmt: skip
    assert set(values["classes"]["ant"]) == {"precision", "recall", "f1", "count"}
    low, high = values["accuracy_interval"]
    assert low < values["accuracy"] < high
    assert sum(map(sum, values["confusion"])) == values["count"]


@pytest.mark.parametrize(("classes", "carried"), [(100, True), (101, False)])
def test_a_confusion_matrix_of_more_than_100_classes_is_left_out_of_plain_values(classes: int, carried: bool) -> None:
    names = [str(number) for number in range(classes)]
    assert ("confusion" in measure(np.eye(classes, dtype=np.float32), np.arange(classes), names).as_dict()) == carried
