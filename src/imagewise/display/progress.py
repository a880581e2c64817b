"""Lines and progress bars while imagewise works: on stderr, or in the output of a notebook's cell."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from imagewise.display.lines import log, printable
from imagewise.display.notebook import NotebookOutput, in_notebook
from imagewise.display.verbosity import Verbosity, says

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Live:
    """A progress bar on a terminal and in a notebook, nothing elsewhere; a context manager."""

    def __init__(self) -> None:
        self._notebook = NotebookOutput() if in_notebook() else None
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the bar."""
        if self._notebook is not None:
            self._notebook.close()
        if self._progress is not None:
            self._progress.stop()
            self._progress = self._task = None

    def update(self, description: str, done: float, total: float | None, detail: str) -> None:
        """Draw the bar, if a person looks."""
        if self._notebook is not None:
            self._notebook.bar(f"{description}  {detail}".strip(), done, total)
            return
        if sys.stderr is None or not sys.stderr.isatty() or not says(Verbosity.NOTICES):
            return
        if self._progress is None:
            self._progress = _progress()
            self._progress.start()
        if self._task is None:
            self._task = self._progress.add_task(description, total=total, detail=detail)
        self._progress.update(self._task, description=description, completed=done, total=total, detail=detail)

    def line(self, text: str) -> None:
        """Print a line that stays, above the bar if there is one."""
        if self._notebook is not None:
            self._notebook.line(printable(text))
        elif self._progress is None:
            log(text)
        elif says(Verbosity.NOTICES):
            self._progress.console.print(printable(text), highlight=False, markup=False, emoji=False)


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    detail = TextColumn("{task.fields[detail]}", table_column=Column(no_wrap=True))
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=10), detail)  # fits into 80 characters
    return Progress(*columns, console=Console(stderr=True), transient=True)


class Silent:
    """Shows nothing, where the user wants it so; an `imagewise.fetch.Progress`, and a context manager like `Live`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __call__(
        self, description: str, done: int, total: int | None, unit: Literal["bytes", "pictures"] = "bytes", /
    ) -> None:
        """Do nothing."""

    def update(self, description: str, done: float, total: float | None, detail: str) -> None:
        """Do nothing."""


class DownloadDisplay(Live):
    """Shows how far a download, or the reading of pictures, has come; off a terminal one line for each."""

    def __init__(self) -> None:
        super().__init__()
        self._named: str | None = None

    def __call__(
        self, description: str, done: int, total: int | None, unit: Literal["bytes", "pictures"] = "bytes", /
    ) -> None:
        """Show `done` of `total`; an `imagewise.fetch.Progress`."""
        if description != self._named:
            self._named = description
            self.line(description)
        if unit == "pictures":
            self.update("", done, total, f"{done:,} pictures" if total is None else f"{done:,} of {total:,} pictures")
            return
        size = f"{done / 1e6:.1f}" + (f" of {total / 1e6:.1f} MB" if total else " MB")
        self.update("", done, total, size)
