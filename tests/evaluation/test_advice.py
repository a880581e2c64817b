from dataclasses import replace

import numpy as np
import pytest

from imagewise.evaluation.advice import Advice, advise, weak_classes
from imagewise.evaluation.calibration import is_miscalibrated
from imagewise.evaluation.metrics import Metrics, measure
from reports import counted, metrics_of, scores


def kinds(given: list[Advice]) -> list[str]:
    return [each.kind for each in given]


def three_classes(missed: int, count: int = 1000) -> Metrics:
    labels = np.repeat(np.arange(3), count)
    predicted = labels.copy()
    predicted[:missed] = 2
    metrics = measure(np.eye(3, dtype=np.float32)[predicted], labels, ("cat", "dog", "owl"))
    return replace(metrics, calibration_error=0.0)


def test_a_sound_model_gets_no_advice() -> None:
    assert advise(metrics_of(0.9), "test", validation=metrics_of(0.91)) == []


def test_few_pictures_are_reported_as_uncertainty_with_the_number_that_would_do() -> None:
    (found,) = advise(metrics_of(0.9, 100), "test")
    assert found.kind == "few-pictures"
    assert "100" in found.title
    assert "83% and 94%" in found.reason
    assert "900" in found.reason
    assert advise(metrics_of(0.9, 100), "train", trained_on=True) == []


def test_test_pictures_that_are_harder_than_validation_are_reported_beyond_chance() -> None:
    (found,) = advise(metrics_of(0.9), "test", validation=metrics_of(0.95))
    assert found.kind == "harder-pictures"
    assert "90.00%" in found.reason
    assert "95.00%" in found.reason
    assert "harder-pictures" not in kinds(advise(counted(34, 87), "test", validation=counted(39, 77)))
    assert advise(metrics_of(0.9), "validation", validation=metrics_of(0.95)) == []
    assert advise(metrics_of(0.9), "test", validation=metrics_of(0.92)) == []


def test_the_more_epochs_validation_chose_from_the_larger_must_the_difference_be() -> None:
    test, validation = counted(150, 200), counted(175, 200)
    assert "harder-pictures" in kinds(advise(test, "test", validation=validation))
    assert "harder-pictures" not in kinds(advise(test, "test", validation=validation, choices=30))


def test_unreliable_confidence_is_answered_by_label_smoothing_or_by_less_of_it() -> None:
    poor = replace(metrics_of(0.9), calibration_error=0.08)
    (found,) = advise(poor, "test", miscalibrated=True)
    assert (found.kind, found.options) == ("confidence", "--set label_smoothing=0.1")
    assert "8.00 points" in found.reason
    (found,) = advise(poor, "test", miscalibrated=True, label_smoothing=0.2)
    assert found.options == "--set label_smoothing=0"
    assert advise(poor, "test", miscalibrated=False) == []
    assert advise(replace(poor, calibration_error=0.02), "test", miscalibrated=True) == []


@pytest.mark.parametrize("count", [40, 1000])
def test_confidence_far_above_accuracy_is_miscalibrated_and_equal_to_it_is_not(count: int) -> None:
    split, probabilities = scores(count=count, accuracy=0.8)
    assert not is_miscalibrated(probabilities, split.labels)
    sharp = np.where(probabilities > 0.5, np.float32(0.98), np.float32(0.005))
    assert is_miscalibrated(sharp, split.labels)
    assert not is_miscalibrated(sharp[:10], split.labels[:10], 0.00001)


def test_a_weak_class_is_named_with_the_class_that_it_is_mistaken_for() -> None:
    (found,) = advise(three_classes(300), "test")
    assert found.kind == "weak-classes"
    assert "cat" in found.reason
    assert "70.0%" in found.reason
    assert "owl" in found.reason
    assert "dog" not in found.reason


def test_one_mistake_makes_no_class_weak() -> None:
    assert weak_classes(three_classes(1, 16)) == []
    assert weak_classes(three_classes(10, 16)) == ["cat"]


def test_classes_that_differ_by_little_are_not_weak_however_many_pictures_show_it() -> None:
    labels = np.repeat(np.arange(2), 50_000)
    predicted = labels.copy()
    predicted[:5500] = 1
    predicted[-5000:] = 0
    assert weak_classes(measure(np.eye(2, dtype=np.float32)[predicted], labels, ("cat", "dog"))) == []
