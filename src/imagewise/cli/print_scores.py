"""Evaluations on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagewise.cli.console import print_line, print_table
from imagewise.display.formatting import percent, points
from imagewise.model.summary import accuracy_text

if TYPE_CHECKING:
    from imagewise.evaluation.evaluate import Evaluation
    from imagewise.evaluation.metrics import Metrics
    from imagewise.evaluation.robustness import Robustness


def accuracy_line(metrics: Metrics) -> str:
    """`97.95% (95% interval 97.65% to 98.21%, 10,000 pictures)`."""
    return accuracy_text(metrics.accuracy, metrics.accuracy_interval, metrics.count)


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the scores of a model, then one row for each class."""
    metrics = evaluation.metrics
    print_line(f"{evaluation.model} on {evaluation.data}, split {evaluation.split}")
    print_line(f"accuracy           {accuracy_line(metrics)}")
    print_line(f"top-3 accuracy     {percent(metrics.top3_accuracy, metrics.count)}")
    print_line(f"calibration error  {points(metrics.calibration_error, metrics.count)}")
    if evaluation.split != "all":
        print_line(f"splits             {evaluation.split_rule}")
    print_line()
    rows: list[tuple[object, ...]] = [("class", "precision", "recall", "f1", "count")]
    predicted = metrics.confusion.sum(axis=0).tolist()
    for number, (name, values) in enumerate(metrics.classes.items()):
        of = (predicted[number] if values.count else 0, values.count, values.count)
        scores = zip((values.precision, values.recall, values.f1), of, strict=True)
        rows.append((name, *(percent(score, count) if count else "-" for score, count in scores), values.count))
    print_table(rows)
    if evaluation.robustness is not None:
        print_line()
        _print_robustness(evaluation.robustness)


def _print_robustness(robustness: Robustness) -> None:
    """Print the accuracy on corrupted pictures: one row for each corruption."""
    count, worst = robustness.count, robustness.worst
    print_line(f"corrupted pictures ({robustness.paper}), {count:,} of each")
    print_line(
        f"mean accuracy      {percent(robustness.mean, count)} (without corruption {percent(robustness.clean, count)})"
    )
    print_line(f"worst              {worst.name}, {percent(worst.accuracy, count)}")
    print_line()
    severities = robustness.scores[0].severities
    several = tuple(f"severity {severity}" for severity in severities) if len(severities) > 1 else ()
    rows: list[tuple[object, ...]] = [("corruption", "accuracy", *several)]
    for score in robustness.scores:
        each = score.accuracies if several else ()
        rows.append((score.name, *(percent(accuracy, count) for accuracy in (score.accuracy, *each))))
    print_table(rows)
