"""What a field of a recipe must be, in imagewise's words instead of pydantic's."""

from __future__ import annotations

from typing import Any


def requirement(error: dict[str, Any]) -> str:
    """`must be at least 1`, of one of pydantic's `ValidationError.errors()`."""
    limits = error.get("ctx", {})
    match str(error["type"]):
        case "value_error":
            return str(error["msg"]).removeprefix("Value error, ")
        case "missing" | "union_tag_not_found":
            return "is missing"
        case "greater_than_equal":
            return f"must be at least {limits['ge']:g}"
        case "greater_than":
            return f"must be above {limits['gt']:g}"
        case "less_than_equal":
            return f"must be at most {limits['le']:g}"
        case "less_than":
            return f"must be below {limits['lt']:g}"
        case "literal_error":
            return f"must be {limits['expected']}"
        case "finite_number":
            return "must be a finite number"
        case kind if kind.startswith("int_"):
            return "must be a whole number"
        case kind if kind.startswith("float_"):
            return "must be a number"
        case kind if kind.startswith("bool_"):
            return "must be true or false"
        case kind if kind.startswith("string_"):
            return "must be text"
        case "tuple_type":
            return "must be a list"
        case "too_short":
            return "must not be empty"
    return "must be a table of fields"
