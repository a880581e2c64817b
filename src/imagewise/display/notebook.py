"""Lines and a bar in the output of a notebook's cell, which any front end shows: Jupyter, VS Code, Colab.

(Not rich's own display: it needs ipywidgets, which many notebooks lack, and then shows nothing.)
"""

from __future__ import annotations

import sys
from html import escape
from typing import Any, cast

SHOWN = 200  # lines; a run of a thousand epochs must not make a notebook of megabytes


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


class NotebookOutput:
    """One output of a cell, drawn again whenever it changes."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._lines: list[str] = []

    def line(self, text: str) -> None:
        """Add a line that stays."""
        self._lines.append(text)
        self._draw("", "")

    def bar(self, text: str, done: float, total: float | None) -> None:
        """Draw a bar below the lines; without a total, the text alone."""
        filled = f'<progress value="{done:g}" max="{total:g}" style="width: 8em"></progress> ' if total else ""
        self._draw(f"<div>{filled}<code>{escape(text)}</code></div>", text)

    def close(self) -> None:
        """Remove the bar. What is drawn afterwards has an output of its own."""
        if self._handle is not None:
            self._draw("", "")
            self._handle, self._lines = None, []

    def _draw(self, bar: str, plain: str) -> None:
        from IPython import display

        lines = self._lines[-SHOWN:]
        if len(self._lines) > SHOWN:
            lines = [f"({len(self._lines) - SHOWN:,} lines before these)", *lines]
        text = "\n".join(lines)
        data = {
            "text/plain": "\n".join(filter(None, [text, plain])),
            "text/html": (f"<pre>{escape(text)}</pre>" if text else "") + bar,
        }
        if self._handle is None:
            self._handle = cast(Any, display).display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)
