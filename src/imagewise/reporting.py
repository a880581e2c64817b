"""From a run or an evaluation to its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagewise.evaluation import Evaluation
from imagewise.report import Report, render, worst_mistakes

if TYPE_CHECKING:
    from imagewise.training import Run


def report_of_run(run: Run) -> str:
    """The HTML page of a training run: scored on test, else on validation, else on train."""
    scored, notices = run.scored, run.scored.notices
    if scored.split == "train":
        notices += ("No picture was kept back to test on, so these are the ones that it learnt from: expect less.",)
    card = run.model.card
    facts = {
        "Data": card.data["name"],
        "Splits": card.data["split_rule"],
        "Recipe": run.recipe.name,
        "Epochs": f"{len(run.history)} run, the model is from epoch {run.best_epoch}",
        "Device": run.device,
        "Training time": f"{run.train_seconds:.1f} s",
        "Made with": ", ".join(f"{name} {value}" for name, value in card.versions.items()),
        "Model file": str(run.folder / "model.onnx"),
    }
    return render(
        Report(
            title=f"{card.data['name']}: {run.recipe.name}",
            facts=facts,
            class_names=run.model.class_names,
            history=run.history,
            best_epoch=run.best_epoch or None,
            scored=scored.split,
            metrics=scored.metrics,
            validation_accuracy=run.validation.metrics.accuracy if run.validation else None,
            mistakes=worst_mistakes(scored.pictures, scored.probabilities, run.model.class_names),
            recipe=run.recipe.to_toml(),
            notices=notices,
        )
    )


def report_of_evaluation(evaluation: Evaluation) -> str:
    """The HTML page of `imagewise evaluate --report`."""
    names = tuple(evaluation.metrics.classes)
    return render(
        Report(
            title=f"{evaluation.model} on {evaluation.data}",
            facts={"Model": evaluation.model, "Data": evaluation.data, "Split": evaluation.split},
            class_names=names,
            history=(),
            best_epoch=None,
            scored=evaluation.split,
            metrics=evaluation.metrics,
            validation_accuracy=None,
            mistakes=worst_mistakes(evaluation.pictures, evaluation.probabilities, names),
            recipe=None,
            notices=evaluation.notices,
        )
    )
