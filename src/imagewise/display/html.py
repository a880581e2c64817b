"""Small pieces of HTML for notebooks, with everything inside that they need. All text is escaped."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

THUMBNAIL = 48  # pixels, the longer side of a small picture


def card(title: str, facts: Iterable[tuple[str, object]], *more: str) -> str:
    """A title and a table of names and values; `more` is HTML below it."""
    rows = "".join(
        f'<tr><th style="text-align: left">{escape(str(name))}</th>'
        f'<td style="text-align: left">{escape(str(value))}</td></tr>'
        for name, value in facts
    )
    return f"<div><b>{escape(title)}</b><table>{rows}</table>{''.join(more)}</div>"


def table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A table; the first cell of a row is its name."""
    head = "".join(f"<th>{escape(str(cell))}</th>" for cell in header)
    body = "".join(
        f"<tr><th>{escape(str(row[0]))}</th>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def bars(title: str, shares: Iterable[tuple[str, float]]) -> str:
    """Names with their share, 0..1, as bars."""
    rows = "".join(
        f'<tr><th style="text-align: left">{escape(name)}</th><td style="text-align: left">'
        f'<div style="width: {100 * share:.1f}px; height: 0.8em; background: #4c78a8"></div></td>'
        f"<td>{share:.1%}</td></tr>"
        for name, share in shares
    )
    return f"<div><b>{escape(title)}</b><table>{rows}</table></div>"


def curve(label: str, lines: Sequence[Sequence[float | None]]) -> str:
    """Fractions 0..1 by epoch, one line each, the first in blue, the second in orange: SVG."""
    width, height = 240, 60
    most = max((len(line) for line in lines), default=0)
    drawn = ""
    for line, colour in zip(lines, ("#4c78a8", "#f58518"), strict=False):
        points = " ".join(
            f"{width * place / max(most - 1, 1):.1f},{height * (1 - min(max(value, 0), 1)):.1f}"
            for place, value in enumerate(line)
            if value is not None
        )
        drawn += f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 -2 {width} {height + 4}" role="img" '
        f'aria-label="{escape(label)}">{drawn}</svg><div><small>{escape(label)}</small></div>'
    )


def thumbnail(image: NDArray[np.uint8], title: str) -> str:
    """A picture (H, W, C) as a small image with a title."""
    from PIL import Image

    picture: Any = Image.fromarray(image[..., 0] if image.shape[2] == 1 else np.ascontiguousarray(image))
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    file = io.BytesIO()
    picture.save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img src="data:image/png;base64,{data}" title="{escape(title)}" alt="{escape(title)}">'
