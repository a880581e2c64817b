"""JSON that other programs may have written: read with one kind of error, and made fit to be sent."""

from __future__ import annotations

import json
import math
from typing import Any

_DEEPEST = 64


def parse_json(content: bytes) -> Any:
    """The value of JSON text. Raises ValueError if it is not JSON, and if it is nested too deeply."""
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def sendable(value: object, depth: int = 0) -> Any:
    """The same value without what JSON or UTF-8 cannot say: such numbers, and values too deep, become None."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, dict):
        return {sendable_text(str(key)): sendable(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [sendable(each, depth + 1) for each in value]
    if isinstance(value, str):
        return sendable_text(value)
    if isinstance(value, bool):
        return value
    return finite(value)


def sendable_text(text: str) -> str:
    """The text with a question mark for each lone surrogate."""
    return text.encode(errors="replace").decode()


def by_dotted_names(value: dict[str, Any]) -> dict[str, Any]:
    """Fields of nested objects by dotted names, as `train --set` takes them: `augment.rotate`."""
    found: dict[str, Any] = {}
    for key, each in value.items():
        if isinstance(each, dict) and each:
            found |= {f"{key}.{below}": inner for below, inner in by_dotted_names(each).items()}
        else:
            found[key] = each
    return found


def finite(value: object) -> float | None:
    """The value if it is a finite number, else None."""
    if not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # a whole number beyond all floats
        return None
