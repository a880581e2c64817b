"""report.html: how good a model is, in numbers, pictures and words. One file that needs no network."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from string import Template

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.advice import advise
from imagewise.curves import accuracy_curves, cost_curves
from imagewise.dataset import Split
from imagewise.history import EpochRecord
from imagewise.metrics import Metrics
from imagewise.report_tables import (
    classes_section,
    confusion_section,
    epochs_table,
    escape,
    isolate,
    percent,
    section,
)

SMALLEST_PICTURE = 84  # px: what is smaller is drawn larger by whole factors, so that its pixels stay square
LARGEST_PICTURE = 132


@dataclass(frozen=True, eq=False)
class Mistake:
    """A picture that was recognised wrongly.

    Attributes:
        image: (H, W, C) uint8, as the network saw it.
        name: what to call it: its file, or its number.
        true: class it belongs to.
        predicted: class it was taken for.
        probability: of `predicted`, fraction.
    """

    image: NDArray[np.uint8]
    name: str
    true: str
    predicted: str
    probability: float


@dataclass(frozen=True, eq=False)
class Report:
    """All that the page tells.

    Attributes:
        title: first line and title of the page.
        facts: of the run, in this order ("Device": "cpu").
        class_names: in the model's order.
        history: of the training; empty for a report of `evaluate`.
        best_epoch: whose weights the model has; None where none was chosen.
        scored: which pictures `metrics` and `mistakes` are of: "test", "validation", "train" or "all".
        metrics: of those.
        validation_accuracy: fraction; None where there is none.
        mistakes: as from `worst_mistakes`.
        recipe: TOML text; None where it is not known.
        notices: what the reader has to be told first.
    """

    title: str
    facts: Mapping[str, str]
    class_names: tuple[str, ...]
    history: Sequence[EpochRecord]
    best_epoch: int | None
    scored: str
    metrics: Metrics
    validation_accuracy: float | None
    mistakes: Sequence[Mistake]
    recipe: str | None
    notices: Sequence[str]


def worst_mistakes(
    split: Split, probabilities: NDArray[np.float32], class_names: Sequence[str], limit: int = 36
) -> list[Mistake]:
    """The pictures recognised wrongly, those first where the wrong class was the most probable.

    Args:
        split: N pictures with their labels.
        probabilities: (N, classes).
        class_names: one a column.
        limit: how many at most.
    """
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != split.labels)
    sure = probabilities[wrong, predicted[wrong]]
    worst = wrong[np.argsort(-sure, kind="stable")[:limit]]
    return [
        Mistake(
            image=split.images[i],
            name=f"picture {i}" if split.names is None else split.names[i],
            true=class_names[split.labels[i]],
            predicted=class_names[predicted[i]],
            probability=float(probabilities[i, predicted[i]]),
        )
        for i in worst
    ]


def render(report: Report) -> str:
    """The whole HTML page: styles, curves and pictures within it, all text escaped."""
    template = (resources.files("imagewise") / "report.html").read_text("utf-8")
    return Template(template).substitute(
        title=escape(report.title),
        notices=_notices(report.notices),
        headline=_headline(report),
        training=_training(report),
        confusion=confusion_section(report.metrics),
        classes=classes_section(report.metrics),
        mistakes=_mistakes(report),
        advice=_advice(report),
        recipe=section("Recipe", f"<pre><code>{escape(report.recipe)}</code></pre>") if report.recipe else "",
    )


def _notices(notices: Sequence[str]) -> str:
    if not notices:
        return ""
    items = "\n".join(f"<li>{escape(notice)}</li>" for notice in notices)
    return f'<ul class="notices" aria-label="Notices">\n{items}\n</ul>'


def _headline(report: Report) -> str:
    metrics, count = report.metrics, report.metrics.count
    right = int(np.trace(metrics.confusion))
    low, high = (percent(bound, count) for bound in metrics.accuracy_interval)
    which = "" if report.scored == "all" else f"{escape(report.scored)} "
    off = f"{100 * metrics.calibration_error:.1f} points"
    stats = [("Calibration error", off, "mean gap between its probabilities and how often it is right")]
    if len(report.class_names) > 3:
        top3 = percent(metrics.top3_accuracy, count)
        stats.insert(0, ("Top 3", top3, "have the right class among its three best guesses"))
    if report.validation_accuracy is not None and report.scored != "validation":
        validated = f"{report.validation_accuracy:.2%}"
        stats.append(("Validation", validated, "right on the pictures that choices were made by"))
    lines = [
        f'<p class="lead"><strong>{percent(metrics.accuracy, count)}</strong> of {count:,} {which}'
        f"picture{'' if count == 1 else 's'} recognised</p>",
        f"<p>{right:,} right, {count - right:,} wrong. Of other pictures of the same kind, expect between "
        f"{low} and {high} to be recognised (95% interval).</p>",
    ]
    if report.scored == "validation" and report.best_epoch is not None:
        lines.append("<p>These same pictures chose the best epoch: with new ones it will do a little worse.</p>")
    rows = (f"<div><dt>{name}</dt><dd>{value}</dd><dd>{words}</dd></div>" for name, value, words in stats)
    lines.append(f'<dl class="stats">{"".join(rows)}</dl>')
    if report.facts:
        facts = (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in report.facts.items())
        lines.append(f'<dl class="facts">{"".join(facts)}</dl>')
    return "\n".join(lines)


def _training(report: Report) -> str:
    history, best = report.history, report.best_epoch
    if not history:
        return ""
    validated = any(record.validation_accuracy is not None for record in history)
    legend = ['<li><span style="border-top: 2px dashed var(--train)"></span>train</li>']
    if validated:
        legend.append('<li><span style="border-top: 2px solid var(--validation)"></span>validation</li>')
    words = (
        "Where the curves part, and validation gets worse while train goes on getting better, the network "
        "learns its pictures by heart (over-fitting). Where both are still getting better at the end, it could "
        "learn on; where both stay poor, the network or the recipe is too weak (under-fitting)."
    )
    return section(
        "How it learnt",
        f'<p class="muted">{words}</p>' if validated else "",
        f'<ul class="legend">{"".join(legend)}</ul>',
        f'<div class="charts"><figure><h3>Accuracy</h3>{accuracy_curves(history, best)}</figure>',
        f"<figure><h3>Cost</h3>{cost_curves(history, best)}</figure></div>",
        f"<details><summary>The numbers of each epoch</summary>{epochs_table(history, best)}</details>",
    )


def _mistakes(report: Report) -> str:
    if not report.mistakes:
        return ""
    wrong = report.metrics.count - int(np.trace(report.metrics.confusion))
    shown = len(report.mistakes)
    many = f"All {wrong:,}" if shown == wrong else f"The worst {shown} of {wrong:,}"
    return section(
        "The worst mistakes",
        f'<p class="muted">{many if wrong > 1 else "The only one"}, the surest first. Look at these: among the '
        "surest are the pictures whose label is wrong, if there are such.</p>",
        '<div class="mistakes">',
        *map(_mistake, report.mistakes),
        "</div>",
    )


def _mistake(mistake: Mistake) -> str:
    label = escape(f"{mistake.name}: {mistake.true}, taken for {mistake.predicted}")
    return (
        f'<figure><img {_picture(mistake.image)} alt="{label}">'
        f"<figcaption><b>{isolate(mistake.true)}</b> taken for <b>{isolate(mistake.predicted)}</b>"
        f'<span class="muted">{percent(mistake.probability, 100)} sure</span>'
        f'<span class="muted">{isolate(mistake.name)}</span></figcaption></figure>'
    )


def _picture(image: NDArray[np.uint8]) -> str:
    """Attributes of an `<img>`: the data, and the size in CSS pixels."""
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    side = max(picture.size)
    if side > LARGEST_PICTURE:  # twice the size on the page, for screens with two dots a pixel
        picture.thumbnail((2 * LARGEST_PICTURE, 2 * LARGEST_PICTURE))
        factor = LARGEST_PICTURE / max(picture.size)
    else:
        factor = -(-SMALLEST_PICTURE // side)
    small = side < SMALLEST_PICTURE
    file = io.BytesIO()
    picture.save(file, "PNG" if small else "JPEG", quality=88)
    data = base64.b64encode(file.getvalue()).decode()
    width, height = (max(1, round(length * factor)) for length in picture.size)
    return (
        f'src="data:image/{"png" if small else "jpeg"};base64,{data}" width="{width}" height="{height}"'
        f"{' class=pixels' if small else ''}"
    )


def _advice(report: Report) -> str:
    given = advise(
        report.metrics,
        report.scored,
        report.validation_accuracy,
        report.history,
        report.best_epoch,
        report.recipe,
    )
    items = []
    for each in given:
        options = f"<br><code>{escape(each.options)}</code>" if each.options else ""
        items.append(f"<li><b>{escape(each.title)}.</b> {escape(each.reason)}{options}</li>")
    if not items:
        return section("What to try next", "<p>Nothing stands out in these numbers.</p>")
    return section("What to try next", f'<ol class="advice">{"".join(items)}</ol>')
