"""Advice on what to try next, read from a run's epochs and its recipe.

Each statement that generalises from the pictures is the result of a test, as in evaluation/advice.py. The training and
validation accuracies of one epoch are of different pictures, so that Fisher's exact test compares them; two accuracies
on the same pictures it compares too carefully, as they rise and fall together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, isnan

from imagewise.display.formatting import percent
from imagewise.evaluation.advice import Advice
from imagewise.evaluation.significance import ERROR_RATE, binomial_p_value, falling_p_value, fisher_p_value
from imagewise.training.history import EpochRecord
from imagewise.training.recipe import Recipe

FEWEST_EPOCHS = 5  # that a trend can be told from chance in
MOST_EPOCHS = 20  # that a trend is looked for in
LEARNED = 0.1  # of the way from guessing to all correct: less is next to nothing
FITTED = 0.9  # training accuracy


@dataclass(frozen=True)
class TrainingSummary:
    """A training run as far as advice needs it.

    Attributes:
        history: one record for each epoch.
        best_epoch: the epoch whose weights the model has; None if unknown.
        recipe: the recipe of the run.
        train_count: number of training pictures.
        validation_count: number of validation pictures; 0 without a validation split.
        guessing: accuracy of always predicting the most frequent class, fraction.
    """

    history: Sequence[EpochRecord]
    best_epoch: int | None
    recipe: Recipe
    train_count: int
    validation_count: int
    guessing: float


@dataclass(frozen=True)
class _Validated:
    """An epoch with its validation loss and accuracy, both known."""

    train: EpochRecord
    loss: float
    accuracy: float

    @property
    def epoch(self) -> int:
        return self.train.epoch


def advise_on_training(summary: TrainingSummary) -> list[Advice]:
    """Advice that the epochs support, the most important first; empty where nothing stands out."""
    if not summary.history:
        return []
    broken = _broken_down(summary)
    if broken:
        return [broken]
    validated = [
        _Validated(record, record.validation_cost, record.validation_accuracy)
        for record in summary.history
        if record.validation_cost is not None
        and isfinite(record.validation_cost)
        and record.validation_accuracy is not None
    ]
    if len(validated) < 2:
        return []
    improving = _still_improving(validated)
    return [
        *_overfitting(summary, validated),
        *_kept(summary, validated),
        *([improving] if improving else _underfitting(summary, validated[-1])),
    ]


def _broken_down(summary: TrainingSummary) -> Advice | None:
    history, count = summary.history, summary.train_count
    last = history[-1]
    infinite = next((r for r in history if not isfinite(r.cost)), None)
    if infinite:
        became = "NaN" if isnan(infinite.cost) else "infinite"
        return _smaller_steps(summary, f"The training loss became {became} in epoch {infinite.epoch}.")
    lowest = min(history, key=lambda r: r.cost)
    if last.cost > 1.2 * lowest.cost and last.accuracy < lowest.accuracy - 0.02:
        chance = fisher_p_value(_right(last.accuracy, count), count, _right(lowest.accuracy, count), count)
        if chance <= ERROR_RATE / len(history):
            return _smaller_steps(
                summary,
                f"The training loss was {lowest.cost:.3g} in epoch {lowest.epoch}, but {last.cost:.3g} at the end.",
            )
    best = max(r.accuracy for r in history)
    little = summary.guessing + LEARNED * (1 - summary.guessing)
    if len(history) > 1 and binomial_p_value(_right(best, count), count, little) <= ERROR_RATE:
        return _smaller_steps(
            summary,
            f"At best, {percent(best, count)} of the training pictures were recognised. Always predicting the most "
            f"frequent class recognises {summary.guessing:.0%}.",
        )
    return None


def _smaller_steps(summary: TrainingSummary, reason: str) -> Advice:
    rate = summary.recipe.optimizer.learning_rate
    return Advice(
        "breakdown", "Training broke down", f"{reason} Try a smaller learning rate:", f"--learning-rate {rate / 5:.1g}"
    )


def _overfitting(summary: TrainingSummary, validated: Sequence[_Validated]) -> Iterator[Advice]:
    last, lowest = validated[-1], min(validated, key=lambda r: r.loss)
    trained, count = summary.train_count, summary.validation_count
    gap = last.train.accuracy - last.accuracy
    chance = fisher_p_value(_right(last.accuracy, count), count, _right(last.train.accuracy, trained), trained)
    if chance > ERROR_RATE:
        return
    reason = ""
    if gap >= 0.03 or (gap >= 0.01 and 1 - last.accuracy >= 3 * (1 - last.train.accuracy)):
        reason = (
            f"In the last epoch it recognised {percent(last.train.accuracy, trained)} of the training pictures, but "
            f"only {percent(last.accuracy, count)} of the validation pictures. "
        )
    rising = last.epoch - lowest.epoch >= 2 and last.loss >= 1.1 * lowest.loss
    if rising and last.train.cost < lowest.train.cost:
        reason += (
            f"From epoch {lowest.epoch} on, the validation loss rose from {lowest.loss:.3g} to {last.loss:.3g} while "
            "the training loss kept falling. "
        )
    if reason:
        helps, options = _against_overfitting(summary.recipe)
        yield Advice(
            "overfitting", "The model is overfitting: it memorises the training pictures", reason + helps, options
        )


def _against_overfitting(recipe: Recipe) -> tuple[str, str | None]:
    """What helps and is not set yet, in words and as options."""
    unused = [
        f"--set augment.{name}={value}"
        for name, value, used in (("rotate", 10, recipe.augment.rotate), ("translate", 0.1, recipe.augment.translate))
        if not used
    ]
    if unused:
        return "More pictures help most. Small random rotations and shifts help, too:", " ".join(unused)
    decay = getattr(recipe.optimizer, "weight_decay", None)  # Adam has none
    if decay is not None:
        stronger = f"--set optimizer.weight_decay={max(0.01, 3 * decay):.2g}"
        return "More pictures help most. A stronger weight decay helps, too:", stronger
    return "More pictures help most. A smaller network helps, too.", None


def _kept(summary: TrainingSummary, validated: Sequence[_Validated]) -> Iterator[Advice]:
    last, best, count = validated[-1], max(validated, key=lambda r: r.accuracy), summary.validation_count
    recipe = summary.recipe
    if recipe.keep == "last" and best.accuracy - last.accuracy >= 0.005:
        chance = fisher_p_value(_right(last.accuracy, count), count, _right(best.accuracy, count), count)
        if chance <= ERROR_RATE / len(validated):
            yield Advice(
                "earlier-epoch",
                "An earlier epoch was better",
                f"The model has the weights of the last epoch, which recognised {percent(last.accuracy, count)} of the "
                f"validation pictures. Epoch {best.epoch} recognised {percent(best.accuracy, count)}. Keep the best "
                "epoch instead:",
                "--set keep=best",
            )
    after = last.epoch - (summary.best_epoch or last.epoch)
    if recipe.keep == "best" and not recipe.patience and after > 5:
        yield Advice(
            "no-improvement",
            f"The last {after} epochs brought no improvement",
            f"The model has the weights of epoch {summary.best_epoch} (keep = best). Patience stops a run that no "
            "longer improves:",
            "--set patience=5",
        )


def _still_improving(validated: Sequence[_Validated]) -> Advice | None:
    last, earlier = validated[-1], validated[-1 - max(1, len(validated) // 4)]
    best_so_far = last.loss <= min(r.loss for r in validated) and last.accuracy >= max(r.accuracy for r in validated)
    if not best_so_far or last.loss > 0.97 * earlier.loss:
        return None
    options = f"--epochs {2 * last.epoch}"
    if len(validated) < FEWEST_EPOCHS:
        return Advice(
            "few-epochs",
            "More epochs may help",
            f"The validation loss was lowest in the last epoch ({last.loss:.3g}), but {len(validated)} epochs are too "
            "few to tell a trend from chance. Train for longer:",
            options,
        )
    window = min(max(FEWEST_EPOCHS, len(validated) // 4), MOST_EPOCHS)
    if falling_p_value([r.loss for r in validated[-window:]]) > ERROR_RATE:
        return None
    return Advice(
        "improving",
        "It was still improving when training ended",
        f"The validation loss fell from {earlier.loss:.3g} in epoch {earlier.epoch} to {last.loss:.3g} in the last "
        f"one, epoch {last.epoch}. Train for longer:",
        options,
    )


def _underfitting(summary: TrainingSummary, last: _Validated) -> Iterator[Advice]:
    accuracy, count = last.train.accuracy, summary.train_count
    network = summary.recipe.network
    if network is None or network.name != "perceptron" or accuracy - last.accuracy >= 0.03:
        return
    if binomial_p_value(_right(accuracy, count), count, FITTED) <= ERROR_RATE:
        yield Advice(
            "underfitting",
            "The model does not fit its training pictures (underfitting)",
            f"In the last epoch it recognised only {percent(accuracy, count)} of them. A convolutional network sees "
            "shapes and can fit more:",
            "--recipe convnet",
        )


def _right(accuracy: float, count: int) -> int:
    return round(accuracy * count)
