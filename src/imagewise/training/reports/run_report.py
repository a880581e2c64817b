"""The report of a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagewise.data.dataset import split_text
from imagewise.evaluation.advice import advise
from imagewise.evaluation.calibration import is_miscalibrated
from imagewise.evaluation.report.curves import Curves
from imagewise.evaluation.report.mistakes import worst_mistakes
from imagewise.evaluation.report.report import Report, render
from imagewise.evaluation.significance import ERROR_RATE
from imagewise.training.history import best_validated
from imagewise.training.recipe import Recipe
from imagewise.training.reports.advice import TrainingSummary, advise_on_training
from imagewise.training.reports.head_report import advise_on_head, expectation_of, head_facts, strengths_of

if TYPE_CHECKING:
    from imagewise.training.result import Run


def report_of_run(run: Run) -> str:
    """The HTML page of a training run: scored on test, else on validation, else on train."""
    scored, notices = run.scored, (*run.notices, *run.scored.notices)
    cross_validated = scored.split == "train" and run.head is not None and run.head.expectation is not None
    if scored.split == "train" and not cross_validated:
        notices += ("No pictures were kept for testing. These are the training pictures: expect less of new ones.",)
    card = run.model.card
    metrics, validation = scored.metrics, run.validation.metrics if run.validation else None
    head, recipe = run.head, run.recipe if isinstance(run.recipe, Recipe) else None
    chosen = validation is not None and (recipe is None or recipe.keep == "best")
    choices = max(1, len(run.history) + (len(head.tried) if head else 0)) if chosen else 1
    error_rate = ERROR_RATE / choices if scored.split == "validation" else ERROR_RATE
    miscalibrated = is_miscalibrated(scored.probabilities, scored.pictures.labels, error_rate)
    trained_on = scored.split in run.recipe.fitted_splits and not cross_validated
    advice = advise(
        metrics,
        "all" if cross_validated else scored.split,
        trained_on=trained_on,
        miscalibrated=miscalibrated,
        validation=validation,
        choices=choices,
        label_smoothing=recipe.label_smoothing if recipe else None,
        calibrated=recipe is None,
        expected=(head.expectation.low, head.expectation.high) if head and head.expectation else None,
    )
    on_training = advise_on_training(_summary(run, recipe)) if recipe else []
    on_head = []
    if head and not recipe and not trained_on:
        on_head = advise_on_head(head, card, metrics.accuracy, metrics.count)
    return render(
        Report(
            title=f"{card.data.name}: {run.recipe.name}",
            notices=notices,
            scored=scored.split,
            metrics=metrics,
            trained_on=trained_on,
            miscalibrated=miscalibrated,
            validation=validation,
            chosen_by_validation=chosen,
            mistakes=worst_mistakes(scored.pictures, scored.probabilities, run.model.class_names),
            advice=[*on_training, *advice, *on_head],
            curves=_curves(run) if run.history else None,
            facts=_facts(run),
            recipe=run.recipe.to_toml(),
            skipped=run.skipped,
            cross_validated=cross_validated,
            strengths=strengths_of(head, run.counts) if head else None,
            expectation=expectation_of(head.expectation, run.counts) if head and head.expectation else None,
        )
    )


def _facts(run: Run) -> dict[str, str]:
    card = run.model.card
    kept = f"; the model has the weights of epoch {run.best_epoch}" if run.best_epoch else ""
    if run.head and run.head.kept:
        kept = "; the model has the head before them, since they were not better on validation"
    epochs = {} if run.head and not run.history else {"Epochs": f"{len(run.history)} trained{kept}"}
    return {
        "Data": card.data.name or "?",
        "Splits": split_text(card.data.split_rule or "?", card.data.groups),
        "Recipe": run.recipe.name,
        **(head_facts(run.head, card) if run.head else {}),
        **epochs,
        "Device": run.device,
        "Training time": run.time_text,
        "Made with": ", ".join(f"{name} {value}" for name, value in card.versions.items()),
        "Model file": str(run.folder / "model.onnx"),
    }


def _summary(run: Run, recipe: Recipe) -> TrainingSummary:
    metrics = run.scored.metrics
    return TrainingSummary(
        history=run.history,
        best_epoch=run.best_epoch or None,
        recipe=recipe,
        train_count=_fitted_count(run),
        validation_count=run.counts.get("validation", 0),
        guessing=metrics.most_frequent_class[1] / metrics.count,
    )


def _fitted_count(run: Run) -> int:
    return sum(run.counts.get(name, 0) for name in run.recipe.fitted_splits)


def _curves(run: Run) -> Curves:
    best = best_validated(run.history)
    return Curves(
        epochs=[record.epoch for record in run.history],
        train_loss=[record.cost for record in run.history],
        validation_loss=[record.validation_cost for record in run.history],
        train_accuracy=[record.accuracy for record in run.history],
        validation_accuracy=[record.validation_accuracy for record in run.history],
        learning_rates=[record.learning_rate for record in run.history],
        seconds=[record.seconds for record in run.history],
        best_epoch=best.epoch if best else None,
        train_count=_fitted_count(run),
        validation_count=run.counts.get("validation", 0),
    )
