"""Values of JSON that others wrote (a run's record, a model's metadata), as far as they are what they ought to be.

Whatever is not becomes None or is left out, so that no damaged file breaks a page: no NaN, no half of a surrogate pair.
"""

from __future__ import annotations

import json
import math
from typing import Any

_DEEPEST = 12


def parse(content: bytes) -> Any:
    """What JSON says. Raises ValueError where it is none, also for what is nested beyond all reason."""
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def number(value: object) -> float | None:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # a whole number beyond all floats
        return None


def text(value: object) -> str | None:
    """Text that can be sent."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else None


def mapping(value: object) -> dict[str, Any]:
    """An object, else an empty one."""
    return value if isinstance(value, dict) else {}


def plain(value: object, depth: int = 0) -> Any:
    """The same value, fit to be sent; what lies too deep is left out."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, dict):
        return {text(str(key)): plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, depth + 1) for each in value]
    if isinstance(value, bool):
        return value
    return text(value) if isinstance(value, str) else number(value)


def flat(value: object) -> dict[str, Any]:
    """An object's values by dotted names, as `train --set` takes them: `augment.rotate`."""
    found: dict[str, Any] = {}
    for key, each in mapping(plain(value)).items():
        if isinstance(each, dict) and each:
            found |= {f"{key}.{below}": inner for below, inner in flat(each).items()}
        else:
            found[key] = each
    return found


def metrics(value: object) -> dict[str, Any] | None:
    """A score in the shape of `Metrics.as_dict`: each of its parts, or None where it is missing or misshapen."""
    given = mapping(value)
    accuracy = number(given.get("accuracy"))
    if accuracy is None:
        return None
    interval = given.get("accuracy_interval")
    ends = [number(end) for end in interval] if isinstance(interval, list) else []
    classes = {
        text(name): {key: number(mapping(each).get(key)) for key in ("precision", "recall", "f1", "count")}
        for name, each in mapping(given.get("classes")).items()
    }
    return {
        "count": number(given.get("count")),
        "accuracy": accuracy,
        "accuracy_interval": ends if len(ends) == 2 and None not in ends else None,
        "top3_accuracy": number(given.get("top3_accuracy")),
        "calibration_error": number(given.get("calibration_error")),
        "classes": classes or None,
        "confusion": _square(given.get("confusion"), len(classes)),
    }


def _square(value: object, side: int) -> list[list[float]] | None:
    if not isinstance(value, list) or len(value) != side or not side:
        return None
    rows: list[list[float]] = []
    for row in value:
        counts = [number(count) for count in row] if isinstance(row, list) else []
        if len(counts) != side or any(count is None or count < 0 for count in counts):
            return None
        rows.append([count for count in counts if count is not None])
    return rows
