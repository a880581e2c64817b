"""report.html: how good a model is, in numbers, pictures and words. One file that needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imagewise.evaluation.advice import Advice, advise
from imagewise.evaluation.calibration import is_miscalibrated
from imagewise.evaluation.evaluate import Evaluation
from imagewise.evaluation.metrics import Metrics
from imagewise.evaluation.report import tables
from imagewise.evaluation.report.corrupted import corruption_rows
from imagewise.evaluation.report.curves import Curves, accuracy_chart, loss_chart
from imagewise.evaluation.report.environment import environment
from imagewise.evaluation.report.mistakes import Mistake, worst_mistakes
from imagewise.evaluation.report.strengths import Strengths, strength_charts
from imagewise.evaluation.robustness import Robustness
from imagewise.evaluation.verdict import judge


@dataclass(frozen=True)
class Expectation:
    """The accuracy to expect of new pictures, measured otherwise than on the scored pictures.

    Attributes:
        accuracy: fraction.
        interval: its 95% interval.
        count: number of pictures that it was measured on.
        method: how it was measured, in words: `5-fold cross-validation`.
    """

    accuracy: float
    interval: tuple[float, float]
    count: int
    method: str


@dataclass(frozen=True, eq=False)
class Report:
    """All content of the page.

    Attributes:
        title: title and first line of the page.
        notices: what the reader should know of the data and the run.
        scored: split of the pictures that `metrics` and `mistakes` are of: "test", "validation", "train" or "all".
        metrics: metrics of those pictures.
        trained_on: the model was trained on some of them.
        miscalibrated: its calibration error on them is larger than chance explains.
        validation: metrics on the validation split; None without one.
        chosen_by_validation: the model's epoch, or its regularisation, was chosen on the validation split.
        mistakes: as from `worst_mistakes`.
        advice: what to try next, the most important first.
        curves: the training epoch by epoch; None for a report of `evaluate`, and where there are no epochs.
        facts: about the run, in this order ("Device": "cpu").
        recipe: TOML text; None where it is unknown.
        skipped: pictures that could not be read: (path, reason).
        strengths: how a head was chosen; None where none was fitted.
        expectation: None where the scored pictures tell the accuracy best.
        cross_validated: each scored picture was predicted by heads that were not fitted on it.
        robustness: the score on corrupted pictures; None where it was not measured.
    """

    title: str
    notices: Sequence[str]
    scored: str
    metrics: Metrics
    trained_on: bool
    miscalibrated: bool
    validation: Metrics | None
    chosen_by_validation: bool
    mistakes: Sequence[Mistake]
    advice: Sequence[Advice]
    curves: Curves | None
    facts: Mapping[str, str]
    recipe: str | None
    skipped: Sequence[tuple[str, str]] = ()
    strengths: Strengths | None = None
    expectation: Expectation | None = None
    cross_validated: bool = False
    robustness: Robustness | None = None


def report_of_evaluation(evaluation: Evaluation) -> str:
    """The HTML page of `imagewise evaluate --report`."""
    metrics, trained_on = evaluation.metrics, evaluation.seen > 0
    miscalibrated = is_miscalibrated(evaluation.probabilities, evaluation.pictures.labels)
    report = Report(
        title=f"{evaluation.model} on {evaluation.data}",
        notices=evaluation.notices,
        scored=evaluation.split,
        metrics=metrics,
        trained_on=trained_on,
        miscalibrated=miscalibrated,
        validation=None,
        chosen_by_validation=False,
        mistakes=worst_mistakes(evaluation.pictures, evaluation.probabilities, tuple(metrics.classes)),
        advice=advise(metrics, evaluation.split, trained_on=trained_on, miscalibrated=miscalibrated),
        curves=None,
        facts={
            "Model": evaluation.model,
            "Data": evaluation.data,
            "Split": evaluation.split,
            "Splits": evaluation.split_rule,
        },
        recipe=None,
        skipped=evaluation.skipped,
        robustness=evaluation.robustness,
    )
    return render(report)


def render(report: Report) -> str:
    """The whole HTML page, with its styles, curves and pictures inside. All text is escaped."""
    metrics, curves = report.metrics, report.curves
    rows = tables.class_rows(metrics)
    page = (
        environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            metrics=metrics,
            verdict=judge(metrics, report.trained_on),
            charts=[accuracy_chart(curves), loss_chart(curves)] if curves else [],
            strength_charts=strength_charts(report.strengths) if report.strengths else [],
            confusions=tables.confusions(metrics),
            matrix=tables.matrix(metrics),
            rows=rows,
            lowest=tables.lowest_f1(rows),
            corruptions=corruption_rows(report.robustness) if report.robustness else [],
        )
    )
    # names of files may hold bytes that are no text (lone surrogates), which no file can be written with
    return page.encode("utf-8", "replace").decode()
