"""What the templates of reports are rendered with: the folder of templates and the filters that they use."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from imagewise.display.formatting import interval, percent, points
from imagewise.evaluation.report.mistakes import inline_picture

if TYPE_CHECKING:
    from jinja2 import Environment


def environment() -> Environment:
    """Of pages whose texts are escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("imagewise.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "interval": interval,
        "points": points,
        "number": _number,
        "share": _share,
        "inline": inline_picture,
    }
    return environment


def _number(value: float | None, form: str) -> str:
    """A measured number; a dash where it was not measured or is not finite."""
    return format(value, form) if value is not None and isfinite(value) else "\N{EN DASH}"


def _share(value: float | None, count: int) -> str:
    """A fraction of `count` pictures as `percent`; a dash where it was not measured, is not finite or is of none."""
    return percent(value, count) if count and value is not None and isfinite(value) else "\N{EN DASH}"
