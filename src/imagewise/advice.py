"""What to try next, read from the numbers of a run. Where the numbers support nothing, nothing is said."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, isfinite, sqrt
from typing import Any

import numpy as np

from imagewise.history import EpochRecord
from imagewise.metrics import CALIBRATION_BINS, Metrics, wilson_interval


@dataclass(frozen=True)
class Advice:
    """One thing to try.

    Attributes:
        title: what the numbers say.
        reason: the numbers, and what would help.
        options: of `imagewise train`, ready to copy; None where no option helps.
    """

    title: str
    reason: str
    options: str | None = None


def advise(
    metrics: Metrics,
    scored: str,
    validation_accuracy: float | None = None,
    history: Sequence[EpochRecord] = (),
    best_epoch: int | None = None,
    recipe: str | None = None,
) -> list[Advice]:
    """What the numbers of a run support, the most important first; empty where nothing stands out.

    Args:
        metrics: of the pictures that were scored.
        scored: which those were ("test").
        validation_accuracy: of the model that was kept, fraction.
        history: of the training; empty where it is not known.
        best_epoch: whose weights the model has.
        recipe: TOML text; without it, options that may be set already are not advised.
    """
    settings = tomllib.loads(recipe) if recipe else {}
    return [
        *_about_training(history, best_epoch, settings, metrics),
        *_about_scores(metrics, scored, validation_accuracy, settings),
    ]


def _about_training(
    history: Sequence[EpochRecord], best_epoch: int | None, settings: Mapping[str, Any], metrics: Metrics
) -> Iterator[Advice]:
    if not history:
        return
    broken = _broken_down(history, settings, metrics)
    if broken:
        yield broken
        return
    validated = [
        _Validated(record, record.validation_cost, record.validation_accuracy)
        for record in history
        if record.validation_cost is not None
        and isfinite(record.validation_cost)
        and record.validation_accuracy is not None
    ]
    if len(validated) < 2:
        return
    yield from _over_fitting(validated, settings)
    yield from _kept(validated, best_epoch, settings)
    improving = _still_improving(validated)
    if improving:
        yield improving
    elif settings.get("network", {}).get("name") == "perceptron":
        yield from _under_fitting(validated)


@dataclass(frozen=True)
class _Validated:
    """An epoch with what validation said of it."""

    train: EpochRecord
    cost: float
    accuracy: float

    @property
    def epoch(self) -> int:
        return self.train.epoch


def _broken_down(history: Sequence[EpochRecord], settings: Mapping[str, Any], metrics: Metrics) -> Advice | None:
    last = history[-1]
    lowest = min((r for r in history if isfinite(r.cost)), key=lambda r: r.cost, default=None)
    guess = metrics.confusion.sum(axis=1).max() / metrics.count
    if not isfinite(last.cost):
        reason = f"The cost of training was no number any more at epoch {last.epoch}."
    elif lowest and last.cost > 1.2 * lowest.cost and last.accuracy < lowest.accuracy - 0.02:
        low = f"{lowest.cost:.3g} at epoch {lowest.epoch}"
        reason = f"The cost of training was {low}, and {last.cost:.3g} at the end."
    elif len(history) > 1 and max(r.accuracy for r in history) < 1.1 * guess < 1:
        reason = f"Always guessing the most frequent class would be right as often ({guess:.0%})."
    else:
        return None
    rate = settings.get("optimizer", {}).get("learning_rate") or max(r.learning_rate for r in history)
    return Advice("Training broke down", f"{reason} Take smaller steps.", f"--learning-rate {rate / 5:.1g}")


def _over_fitting(history: Sequence[_Validated], settings: Mapping[str, Any]) -> Iterator[Advice]:
    last, lowest = history[-1], min(history, key=lambda r: r.cost)
    gap = last.train.accuracy - last.accuracy
    by_heart = gap >= 0.03 or (gap >= 0.01 and 1 - last.accuracy >= 3 * (1 - last.train.accuracy))
    rising = last.epoch - lowest.epoch >= 2 and last.cost >= 1.1 * lowest.cost
    reason = ""
    if by_heart:
        reason = (
            f"At the end it was right on {last.train.accuracy:.1%} of the training pictures, but on "
            f"{last.accuracy:.1%} of the validation pictures. "
        )
    if rising and last.train.cost < lowest.train.cost:
        reason += (
            f"From epoch {lowest.epoch} on, the cost of validation rose from {lowest.cost:.3g} to "
            f"{last.cost:.3g}, while that of training went on falling. "
        )
    if not reason:
        return
    augment = settings.get("augment", {})
    unused = [f"--set augment.{key}={value}" for key, value in (("rotate", 10), ("translate", 0.1))]
    unused = [option for option in unused if not augment.get(option.split(".")[1].split("=")[0])]
    optimizer = settings.get("optimizer", {})
    if not unused and "weight_decay" in optimizer:
        unused = [f"--set optimizer.weight_decay={max(0.01, 3 * optimizer['weight_decay']):.2g}"]
    helps = "More pictures help most; " + (
        "so do pictures that are turned and moved a little each time:"
        if "augment" in "".join(unused)
        else "so do smaller weights:"
        if unused
        else "so does a smaller network."
    )
    yield Advice("It learns the training pictures by heart (over-fitting)", reason + helps, " ".join(unused) or None)


def _kept(history: Sequence[_Validated], best_epoch: int | None, settings: Mapping[str, Any]) -> Iterator[Advice]:
    last, best = history[-1], max(history, key=lambda r: r.accuracy)
    if settings.get("keep") == "last" and best.accuracy - last.accuracy >= 0.005:
        yield Advice(
            "An earlier epoch was better",
            f"The model is that of the last epoch ({last.accuracy:.1%} on validation); epoch {best.epoch} "
            f"had {best.accuracy:.1%}.",
            "--set keep=best",
        )
    after = last.epoch - (best_epoch or last.epoch)
    if settings.get("keep") == "best" and not settings.get("patience") and after > 5:
        yield Advice(
            f"The last {after} epochs brought nothing",
            f"The model is that of epoch {best_epoch} (keep = best). Patience ends a run that no longer improves:",
            "--set patience=5",
        )


def _still_improving(history: Sequence[_Validated]) -> Advice | None:
    last, earlier = history[-1], history[-1 - max(1, len(history) // 4)]
    at_its_best = last.cost <= min(r.cost for r in history) and last.accuracy >= max(r.accuracy for r in history)
    if not at_its_best or last.cost > 0.97 * earlier.cost:
        return None
    return Advice(
        "It was still improving at the end",
        f"The cost of validation fell from {earlier.cost:.3g} at epoch {earlier.epoch} to {last.cost:.3g} at "
        f"the last, epoch {last.epoch}. Give it more time:",
        f"--epochs {2 * last.epoch}",
    )


def _under_fitting(history: Sequence[_Validated]) -> Iterator[Advice]:
    last = history[-1]
    if last.train.accuracy < 0.9 and last.train.accuracy - last.accuracy < 0.03:
        yield Advice(
            "It does not even fit the training pictures (under-fitting)",
            f"At the end it was right on {last.train.accuracy:.1%} of them. A network that sees shapes fits more:",
            "--recipe convnet",
        )


def _about_scores(
    metrics: Metrics, scored: str, validation_accuracy: float | None, settings: Mapping[str, Any]
) -> Iterator[Advice]:
    low, high = metrics.accuracy_interval
    drop = (validation_accuracy or 0) - metrics.accuracy
    if scored != "validation" and drop >= 0.03 and (validation_accuracy or 0) > high:
        yield Advice(
            f"The {scored} pictures are harder than those of validation",
            f"{metrics.accuracy:.1%} against {validation_accuracy:.1%}: more than chance explains. See "
            "whether they come from another place or time, and train on pictures of that kind too.",
        )
    yield from _weak_classes(metrics)
    # Guo's error is above 0 for a perfectly calibrated model too: about this much, by chance alone
    chance = 0.5 * sqrt(CALIBRATION_BINS / metrics.count)
    if metrics.calibration_error >= max(0.03, chance):
        smoothing = settings.get("label_smoothing")
        reason = f"They are off by {100 * metrics.calibration_error:.1f} points on average. "
        if smoothing:
            reason += f"label_smoothing = {smoothing} itself keeps them away from 100%; try without:"
        else:
            reason += "Where it is too sure of itself, as networks mostly are, smoother labels help:"
        options = "--set label_smoothing=0" if smoothing else "--set label_smoothing=0.1"
        yield Advice("Do not take its probabilities at their word", reason, options)
    if high - low > 0.04:
        share = min(max(metrics.accuracy, 0.05), 0.95)
        needed = ceil(1.96**2 * share * (1 - share) / 0.02**2 / 100) * 100
        yield Advice(
            f"{metrics.count:,} pictures leave the accuracy uncertain",
            f"It may be anything from {low:.0%} to {high:.0%}. With about {needed:,} pictures it would be "
            "known to within 2 points.",
        )


def _weak_classes(metrics: Metrics) -> Iterator[Advice]:
    """Recall below the accuracy by more than chance explains (3 deviations, since many are compared)."""
    names = list(metrics.classes)
    weak = [
        (each.recall, name)
        for name, each in metrics.classes.items()
        if each.count and metrics.accuracy - wilson_interval(round(each.recall * each.count), each.count, 3)[1] > 0
    ]
    if not weak:
        return
    described = []
    for recall, name in sorted(weak)[:3]:
        wrong = metrics.confusion[names.index(name)].copy()
        wrong[names.index(name)] = 0
        described.append(f"“{name}” ({recall:.1%} found, mostly taken for “{names[int(np.argmax(wrong))]}”)")
    more = f", and {len(weak) - 3} more" if len(weak) > 3 else ""
    yield Advice(
        "Some classes are weaker than the rest" if len(weak) > 1 else "One class is weaker than the rest",
        f"{', '.join(described)}{more}; all together {metrics.accuracy:.1%}. Look at their mistakes above "
        "for wrong labels, and add pictures of them.",
    )
