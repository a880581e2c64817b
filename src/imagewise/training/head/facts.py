"""What people see of a head: how it was fitted, how long it took, what to expect of it."""

from __future__ import annotations

from collections.abc import Sequence

from imagewise.display.formatting import percent
from imagewise.training.head.record import HeadExpectation, HeadRecord


def head_text(head: HeadRecord) -> str:
    """`logistic regression on 1,280 features of 224x224 pixels (plain and flipped views), regularisation 0.03`."""
    parts = ["logistic regression"]
    if head.features is not None:
        parts[0] += f" on {head.features:,} features"
    if head.side is not None:
        parts[0] += f" of {head.side}x{head.side} pixels"
    if head.views:
        parts[0] += f" ({views_text(head.views)} views)"
    if head.strength is not None:
        parts.append(f"regularisation {head.strength:g}")
    if head.temperature is not None:
        parts.append(f"temperature {head.temperature:.3g}")
    return ", ".join(parts)


def views_text(views: Sequence[str]) -> str:
    """`plain`, `plain and flipped`, `plain, flipped and crops`."""
    *before, last = views or ("plain",)
    return f"{', '.join(before)} and {last}" if before else last


def seconds_text(head: HeadRecord, epochs: float = 0.0) -> str:
    """`13.1 s (features 12.3 s, head 0.8 s)`; `epochs` are the seconds of fine-tuning after it."""
    seconds = {"features": head.seconds.features, "head": head.seconds.head, "epochs": epochs or None}
    parts = [f"{name} {value:.1f} s" for name, value in seconds.items() if value is not None]
    return f"{head.total_seconds + epochs:.1f} s" + (f" ({', '.join(parts)})" if parts else "")


def expectation_text(expectation: HeadExpectation) -> str:
    """`91% (95% interval 85% to 95%, 5-fold cross-validation, 120 pictures)`."""
    count = expectation.count or 0
    accuracy, low, high = (percent(value, count) for value in (expectation.accuracy, expectation.low, expectation.high))
    pictures = f", {count:,} pictures" if count else ""
    return f"{accuracy} (95% interval {low} to {high}, {expectation.method}{pictures})"
