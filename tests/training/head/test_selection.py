from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from feature_sets import pictures
from imagewise.data.task import SingleLabel
from imagewise.errors import RecipeError, TrainingError
from imagewise.training.head.choice import selection
from imagewise.training.head.choice.folds import stratified_folds
from imagewise.training.head.choice.selection import HeadChoice, choose_by_folds, choose_by_validation
from imagewise.training.head.logistic import fit_logistic

STRENGTHS = (1000.0, 100.0, 10.0, 1.0)
PLAIN = ("plain",)


def by_folds(x: NDArray[np.float32], y: NDArray[np.int64], classes: int = 4, **more: Any) -> HeadChoice:
    return choose_by_folds([[x]], y, classes, PLAIN, STRENGTHS, **more)


def loss(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    return float(SingleLabel().losses(logits, labels).mean())


def test_validation_chooses_the_strength_with_the_smallest_loss() -> None:
    x, y = pictures(900)
    choice = choose_by_validation([[x[:300]]], y[:300], (x[300:600], y[300:600]), 4, PLAIN, STRENGTHS)
    heads = {strength: fit_logistic(x[:300], y[:300], 4, strength) for strength in STRENGTHS}
    losses = {strength: loss(head.logits(x[300:600]), y[300:600]) for strength, head in heads.items()}
    assert choice.strength == min(losses, key=losses.__getitem__)
    assert {each.strength: each.loss for each in choice.tried} == pytest.approx(
        {each.strength: losses[each.strength] for each in choice.tried}, rel=0.01
    )
    expected = heads[choice.strength].logits(x[600:]) / choice.temperature
    np.testing.assert_allclose(choice.head.logits(x[600:]), expected, atol=0.02)
    assert (choice.chosen_by, choice.views, len(choice.rows)) == ("validation", PLAIN, 300)


def test_folds_hold_out_what_scikit_learn_holds_out() -> None:
    x, y = pictures(400)
    choice = by_folds(x, y)
    scaled = (x - x.mean(axis=0)) / np.sqrt(x.astype(np.float64).var(axis=0).mean())
    expected = cross_val_predict(
        LogisticRegression(C=1 / choice.strength, tol=1e-8, max_iter=5000),
        scaled,
        y,
        cv=PredefinedSplit(stratified_folds(y, 5, 0)),
        method="decision_function",
    )
    expected -= expected.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(choice.logits * choice.temperature, expected, atol=0.1)
    assert choice.rows.tolist() == list(range(400))
    assert choice.accuracy == pytest.approx((expected.argmax(axis=1) == y).mean(), abs=0.01)


def test_the_last_fit_is_on_all_pictures() -> None:
    x, y = pictures()
    choice = by_folds(x, y)
    expected = fit_logistic(x, y, 4, choice.strength)
    np.testing.assert_allclose(choice.head.weight * choice.temperature, expected.weight, atol=1e-3)


def test_calibration_makes_the_loss_of_held_out_pictures_smaller() -> None:
    x, y = pictures(400, apart=0.4)
    choice = by_folds(x, y)
    assert loss(choice.logits, y) <= loss((choice.logits * choice.temperature).astype(np.float32), y) + 1e-4


def test_few_pictures_are_dealt_out_several_times_and_each_is_answered_once() -> None:
    x, y = pictures(40)
    choice = by_folds(x, y)
    assert (choice.repeats, choice.rows.tolist()) == (selection.REPEATS, list(range(40)))
    assert choice.logits.shape == (40, 4)
    assert choice.accuracy is not None
    assert choice.accuracy * 40 * selection.REPEATS == pytest.approx(round(choice.accuracy * 160))


@pytest.mark.parametrize(("enough", "used"), [(1, 1), (80, 1), (81, 2), (1000, 5)])
def test_of_many_pictures_only_as_many_are_held_out_as_are_enough(
    enough: int, used: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "ENOUGH", enough)
    x, y = pictures(400)
    choice = by_folds(x, y)
    assert choice.rows.tolist() == np.flatnonzero(stratified_folds(y, 5, 0) < used).tolist()


def test_parts_are_taken_as_one_set() -> None:
    x, y = pictures(400)
    whole = by_folds(x, y)
    parts = choose_by_folds([[x[:250], x[250:]]], y, 4, PLAIN, STRENGTHS)
    np.testing.assert_allclose(parts.logits, whole.logits, atol=1e-3)
    np.testing.assert_allclose(parts.head.weight, whole.head.weight, atol=1e-4)


def test_views_that_help_are_taken_and_views_that_harm_are_not() -> None:
    x, y = pictures(320, 40, apart=0.3)
    rng = np.random.default_rng(0)
    harmful = (rng.permutation(x) + rng.standard_normal(x.shape)).astype(np.float32)
    names = ("plain", "other")
    assert choose_by_folds([[x], [harmful]], y, 4, names, STRENGTHS).views == ("plain",)
    noise = 3 * rng.standard_normal((2, *x.shape)).astype(np.float32)  # the second view averages it
    both = choose_by_folds([[x + noise[0]], [x + noise[1]]], y, 4, names, STRENGTHS)
    assert both.views == names
    assert {each.views for each in both.tried} == {("plain",), names}


def test_more_views_are_not_more_pictures() -> None:
    x, y = pictures(320)
    twice = choose_by_folds([[x], [x]], y, 4, ("plain", "again"), STRENGTHS)
    once = by_folds(x, y)
    assert twice.strength == once.strength
    losses = {each.views: each.loss for each in twice.tried if each.strength == once.strength}
    assert losses["plain", "again"] == pytest.approx(losses[PLAIN], rel=1e-3)


def test_groups_are_never_on_both_sides() -> None:
    x, y = pictures(100, 300, apart=0.0)  # nothing to be learnt but copies
    groups = np.arange(100) % 50
    x, y = x[groups], y[groups]
    alone, together = by_folds(x, y), by_folds(x, y, groups=groups)
    assert alone.accuracy is not None
    assert together.accuracy is not None
    assert alone.accuracy > 0.7
    assert together.accuracy < 0.5
    assert (alone.units, together.units) == (None, 50)


def test_class_weights_raise_the_recall_of_a_rare_class() -> None:
    x, y = pictures(1200, classes=2, apart=0.15)
    kept = (y == 0) | (np.arange(1200) % 12 == 1)
    x, y = x[kept], y[kept]
    plain = by_folds(x, y, 2)
    weighted = by_folds(x, y, 2, class_weights=np.array([1, 6], np.float32))
    recall = [(choice.logits.argmax(axis=1) == 1)[y == 1].mean() for choice in (plain, weighted)]
    assert recall[1] > recall[0] + 0.1


def test_a_seed_repeats_the_choice_to_the_last_bit() -> None:
    x, y = pictures(60)
    first, second = by_folds(x, y), by_folds(x, y)
    assert np.array_equal(first.head.weight, second.head.weight)
    assert not np.array_equal(first.logits, by_folds(x, y, seed=9).logits)


def test_strengths_far_beyond_the_best_are_not_tried() -> None:
    x, y = pictures(200, 100, apart=0.2)
    weaker = tuple(10.0**power for power in range(4, -9, -1))
    choice = choose_by_folds([[x]], y, 4, PLAIN, weaker)
    assert len(choice.tried) < len(weaker)
    assert choice.strength != choice.tried[-1].strength


@pytest.mark.parametrize("count", [2, 3, 10])
def test_a_handful_of_pictures_gives_a_head(count: int) -> None:
    x, y = pictures(count, 50, 2)
    choice = by_folds(x, y, 2)
    assert np.isfinite(choice.head.weight).all()
    assert np.isfinite(choice.temperature)


def test_a_class_of_one_picture_does_not_spoil_the_temperature() -> None:
    x, y = pictures(300, classes=3)
    without = by_folds(x, y, 3)
    with_one = by_folds(np.concatenate([x, x[:1]]), np.concatenate([y, [3]]), 4)
    assert with_one.strength == without.strength
    assert with_one.temperature == pytest.approx(without.temperature, rel=0.2)
    assert with_one.rows.tolist() == list(range(300))


def test_classes_of_two_pictures_are_held_out_in_halves() -> None:
    x, y = pictures(12, 50, 6, apart=3.0)
    choice = by_folds(x, y, 6)
    assert (choice.folds, choice.repeats, len(choice.rows)) == (2, 4, 12)
    assert choice.accuracy is not None
    assert choice.accuracy > 0.7


def test_one_group_of_all_pictures_leaves_the_strength_in_the_middle() -> None:
    x, y = pictures(30)
    choice = by_folds(x, y, groups=np.zeros(30, np.int64))
    assert (choice.accuracy, choice.temperature, len(choice.rows), choice.tried) == (None, 1.0, 0, ())
    assert choice.strength in STRENGTHS


def test_what_a_fit_refuses_is_refused() -> None:
    x, y = pictures(60)
    with pytest.raises(RecipeError, match="above 0"):
        choose_by_folds([[x]], y, 4, PLAIN, [1.0, 0.0])
    x[3, 4] = np.nan
    with pytest.raises(TrainingError, match="not finite"):
        by_folds(x, y)
