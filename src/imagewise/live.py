"""What a person sees while imagewise works, on stderr: notes, and on a terminal a bar."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SKIPPED_SHOWN = 10


def say(line: str) -> None:
    """A line on stderr. Nothing ends because nobody reads it any more (`imagewise train 2>&1 | head`)."""
    with suppress(BrokenPipeError):
        print(line, file=sys.stderr, flush=True)


def tell_of(notices: Sequence[str], skipped: Sequence[tuple[str, str]], all_in: str | None = None) -> None:
    """What the user should know of a data set, and the pictures that were left out. `all_in` lists all of those."""
    for notice in notices:
        say(f"note: {notice}")
    if not skipped:
        return
    say(f"note: left out {len(skipped):,} pictures that cannot be read (--strict refuses them):")
    for path, reason in skipped[:SKIPPED_SHOWN]:
        say(f"  {path}: {reason}")
    if len(skipped) > SKIPPED_SHOWN:
        say(f"  and {len(skipped) - SKIPPED_SHOWN:,} more" + (f"; {all_in} lists all" if all_in else ""))


class Live:
    """A bar on a terminal, nothing elsewhere; a context manager."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = self._task = None

    def update(self, description: str, done: float, total: float | None, detail: str) -> None:
        """Draw the bar, where stderr is a terminal."""
        if not sys.stderr.isatty():
            return
        if self._progress is None:
            self._progress = _progress()
            self._progress.start()
        if self._task is None:
            self._task = self._progress.add_task(description, total=total, detail=detail)
        self._progress.update(self._task, description=description, completed=done, total=total, detail=detail)

    def line(self, text: str) -> None:
        """A line that stays, above the bar if there is one."""
        if self._progress is None:
            say(text)
        else:
            self._progress.console.print(text, highlight=False, markup=False, emoji=False)


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    detail = TextColumn("{task.fields[detail]}", table_column=Column(no_wrap=True))
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=10), detail)  # 80 characters are enough
    return Progress(*columns, console=Console(stderr=True), transient=True)


class DownloadDisplay(Live):
    """Shows how far a download or the reading of pictures is; off a terminal one line each."""

    def __init__(self) -> None:
        super().__init__()
        self._named: str | None = None

    def __call__(
        self, description: str, done: int, total: int | None, unit: Literal["bytes", "pictures"] = "bytes", /
    ) -> None:
        """A `sources.download.Progress`."""
        if description != self._named:
            self._named = description
            self.line(description)
        if unit == "pictures":
            self.update("", done, total, f"{done:,} of {total:,} pictures")
            return
        size = f"{done / 1e6:.1f}" + (f" of {total / 1e6:.1f} MB" if total else " MB")
        self.update("", done, total, size)


def describe(shape: tuple[int, int, int]) -> str:
    """`28x28 grey`: width x height, as people say picture sizes."""
    height, width, channels = shape
    return f"{width}x{height} {'colour' if channels == 3 else 'grey'}"
