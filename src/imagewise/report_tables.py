"""The tables of the report, and the few pieces of HTML that all of its parts are made of."""

from __future__ import annotations

import html
from collections.abc import Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from imagewise.history import EpochRecord
from imagewise.metrics import ClassMetrics, Metrics

MATRIX_UP_TO = 30  # classes; a larger table cannot be taken in
LIST_UP_TO = 30
NOTHING = "\N{EN DASH}"


def escape(text: str) -> str:
    """Any text, as HTML that shows it."""
    # names of files may hold bytes that are no text (lone surrogates), which no page can be written with
    return html.escape(text.encode("utf-8", "replace").decode())


def isolate(name: str) -> str:
    """A name within a sentence; a right-to-left one leaves the sentence in order."""
    return f"<bdi>{escape(name)}</bdi>"


def section(title: str, *body: str) -> str:
    """A part of the page under its heading. Arguments are HTML."""
    return f"<section>\n<h2>{title}</h2>\n" + "\n".join(body) + "\n</section>"


def percent(share: float, count: int) -> str:
    """With as many digits as `count` pictures support; 100% only where it is all of them."""
    digits = 2 if count >= 5000 else 1 if count >= 100 else 0
    text = f"{100 * share:.{digits}f}%"
    if share < 1 and text.startswith("100"):
        return f"over {100 - 10**-digits:.{digits}f}%"
    return text


def epochs_table(history: Sequence[EpochRecord], best_epoch: int | None) -> str:
    """A row an epoch: the numbers behind the curves."""
    titles = (
        "epoch",
        "cost",
        "accuracy",
        "validation cost",
        "validation accuracy",
        "learning rate",
        "seconds",
    )
    return _table("Epochs", "list", _heads(titles), [_epoch_row(r, r.epoch == best_epoch) for r in history])


def _epoch_row(record: EpochRecord, best: bool) -> str:
    def number(value: float | None, form: str) -> str:
        return NOTHING if value is None or not isfinite(value) else format(value, form)

    return _row(
        f"{record.epoch}{_tag('best') if best else ''}",
        number(record.cost, ".4f"),
        number(record.accuracy, ".2%"),
        number(record.validation_cost, ".4f"),
        number(record.validation_accuracy, ".2%"),
        number(record.learning_rate, ".3g"),
        number(record.seconds, ".1f"),
    )


def confusion_section(metrics: Metrics) -> str:
    """What was taken for what: the matrix, and its largest mistakes in words. Empty if all was right."""
    confusion, names = metrics.confusion, list(metrics.classes)
    wrong = confusion - np.diag(np.diag(confusion))
    if not wrong.any():
        return ""
    there = confusion.sum(axis=1)
    worst = [divmod(int(k), len(names)) for k in np.argsort(-wrong, axis=None, kind="stable")[:10]]
    rows = [
        _row(
            f"{isolate(names[i])} <span>taken for</span> {isolate(names[j])}",
            f"{wrong[i, j]:,}",
            f"{wrong[i, j] / there[i]:.1%} of {there[i]:,}",
        )
        for i, j in worst
        if wrong[i, j]
    ]
    pairs = _table("Most frequent confusions", "list", _heads(("class", "times", "of its pictures")), rows)
    listed = f"<div><h3>Most frequent</h3>{pairs}</div>"
    if len(names) > MATRIX_UP_TO:
        return section("What it takes for what", listed)
    return section(
        "What it takes for what",
        '<p class="muted">A row holds the pictures of one class, a column those taken for one. Right ones are '
        "on the diagonal, in blue; wrong ones in orange, the stronger the more. Empty cells hold none.</p>",
        f'<div class="beside">{_matrix(confusion, wrong, names)}{listed}</div>',
    )


def _matrix(confusion: NDArray[np.int64], wrong: NDArray[np.int64], names: Sequence[str]) -> str:
    kind = "matrix" + (" long" if max(map(len, names)) > 4 else "") + (" many" if len(names) > 14 else "")
    there = np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    shades = np.where(wrong > 0, wrong / wrong.max(), confusion / there)
    rows = []
    for i, name in enumerate(names):
        cells = "".join(
            f'<td class="{"hit" if i == j else "miss"}" style="--s:{0.12 + 0.88 * shade:.2f}">{times:,}</td>'
            if times
            else "<td></td>"
            for j, (times, shade) in enumerate(zip(confusion[i], shades[i], strict=True))
        )
        rows.append(f'<tr><th scope="row">{isolate(name)}</th>{cells}</tr>')
    heads = _heads([f"<div>{isolate(name)}</div>" for name in names])
    return _table("Confusion matrix", kind, f"<td>class ↓<br>taken for →</td>{heads}", rows)


def classes_section(metrics: Metrics) -> str:
    """Precision, recall, F1 and count of each class, the weakest marked."""
    ranked = sorted((each.f1, name) for name, each in metrics.classes.items() if each.count)
    weakest = {name for f1, name in ranked[: min(3, len(ranked) // 2)] if f1 < ranked[-1][0]}
    rows = {name: _class_row(name, each, name in weakest) for name, each in metrics.classes.items()}
    heads = _heads(("class", "precision", "recall", "F1", "pictures"))
    words = (
        '<p class="muted">Precision: of what was called this class, how much was. Recall: of what is this '
        "class, how much was found. F1: both in one (their harmonic mean).</p>"
    )
    everything = _table("Classes", "list", heads, list(rows.values()))
    if len(rows) <= LIST_UP_TO:
        return section("Class by class", words, everything)
    return section(
        "Class by class",
        words,
        "<h3>The weakest</h3>",
        _table("The weakest classes", "list", heads, [rows[name] for _, name in ranked[:10]]),
        f"<details><summary>All {len(rows)} classes</summary>{everything}</details>",
    )


def _class_row(name: str, each: ClassMetrics, weak: bool) -> str:
    shares = (each.precision, each.recall, each.f1)
    cells = [f"{share:.1%}" if each.count else NOTHING for share in shares]
    return _row(f"{isolate(name)}{_tag('weakest') if weak else ''}", *cells, f"{each.count:,}", marked=weak)


def _table(label: str, kind: str, heads: str, rows: Sequence[str]) -> str:
    """A table that scrolls by itself, by keyboard too, where it is wider than the page."""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table class="{kind}">\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{chr(10).join(rows)}\n</tbody></table></div>"
    )


def _heads(titles: Sequence[str]) -> str:
    return "".join(f'<th scope="col">{title}</th>' for title in titles)


def _row(head: str, *cells: str, marked: bool = False) -> str:
    kind = ' class="weak"' if marked else ""
    return f'<tr{kind}><th scope="row">{head}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _tag(word: str) -> str:
    return f'<span class="tag">{word}</span>'
