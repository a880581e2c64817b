"""One file from the first mirror that serves it right.

The bytes go into `NAME.partial` beside the target, which takes the target's name only once its content is
verified. A partial file that is found is resumed, from whichever mirror. (Not pooch: it cannot resume, and
it hashes only the packed file, while some mirrors have packed the same content again.)
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from time import sleep
from typing import IO, Literal, Protocol
from urllib.error import HTTPError

from imagewise.connection import Heard, ask
from imagewise.errors import Attempt, DownloadError, OutputError

TRIES_WITHOUT_PROGRESS = 3
TRIES = 20
PAUSE_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0  # for a server that says when to come back
_CHUNK = 1 << 16
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})


class Progress(Protocol):
    """Told now and then how far something is. `total` is None where it is not known."""

    def __call__(
        self, description: str, done: int, total: int | None, unit: Literal["bytes", "pictures"] = "bytes", /
    ) -> None:
        """`done` of `total` are here."""


@dataclass(frozen=True)
class Hub:
    """What is special about a server that files come from.

    Attributes:
        tokens: bearer tokens by origin (`connection.origin`).
        heard: receives address and header of every answer, before the file is checked.
    """

    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    heard: Heard | None = None


class _MirrorFailedError(Exception):
    """This mirror will not do: try the next. `status` is that of its answer, if there was one."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class _CutError(_MirrorFailedError):
    """The transfer broke off: the same mirror may go on, after `wait` seconds if it says how long."""

    def __init__(self, reason: str, status: int | None = None, wait: float = 0.0) -> None:
        super().__init__(reason, status)
        self.wait = wait


def download(
    urls: Sequence[str],
    target: Path,
    *,
    fault: Callable[[Path], str | None],
    progress: Progress | None = None,
    variable: str = "IMAGEWISE_DATA",
    hub: Hub | None = None,
) -> None:
    """Fetch `target` from the first of `urls` that has it.

    Args:
        urls: the file's address on each mirror, in the order to try.
        target: where to put it; its folder is made.
        fault: says in words what is wrong with a file's content, or None where it is as it should be.
        progress: told how far it is.
        variable: the environment variable that may name another folder with the file, for errors.
        hub: tokens, and who receives the headers.

    Raises:
        DownloadError: no mirror served it; each is listed with its reason.
        OutputError: the folder cannot be written.
    """
    partial = target.with_name(f"{target.name}.partial")
    transfer = _Transfer(partial, fault, progress, variable, hub or Hub())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise transfer.cannot_write(target, error) from error
    attempts = []
    for url in urls:
        try:
            transfer.fetch(url)
            with partial.open("r+b") as file:
                os.fsync(file.fileno())  # or a power cut could leave an empty file under the final name
            partial.replace(target)
        except _MirrorFailedError as error:
            attempts.append(Attempt(url, str(error), error.status))
        except OSError as error:
            if not target.exists():
                raise transfer.cannot_write(target, error) from error
        if target.exists():  # perhaps by another process that fetched it at the same time and was done first
            return
    raise DownloadError(
        f"{target.name} could not be fetched",
        attempts,
        "Check the network and try again (what came so far is kept), or put the file into "
        f"{target.parent} or into a folder that {variable} names.",
    )


@dataclass(frozen=True)
class _Transfer:
    """The file on its way, as far as it came, whatever the mirror."""

    partial: Path
    fault: Callable[[Path], str | None]
    progress: Progress | None
    variable: str
    hub: Hub

    def fetch(self, url: str) -> None:
        """Bring `partial` to its full, verified content, however often the connection breaks."""
        left_over = _length(self.partial) > 0
        idle = 0
        for _ in range(TRIES):
            before = _length(self.partial)
            try:
                self._ask(url, before)
            except _CutError as error:
                idle = 0 if _length(self.partial) > before else idle + 1
                if idle >= TRIES_WITHOUT_PROGRESS or error.wait > LONGEST_WAIT_SECONDS:
                    raise
                sleep(max(PAUSE_SECONDS * 2**idle, error.wait))
                continue
            reason = self.fault(self.partial)
            if reason is None:
                return
            self.partial.unlink(missing_ok=True)
            if not left_over:
                raise _MirrorFailedError(reason)
            left_over = False  # the fault may be in what an earlier run or another mirror left: once more from scratch
        raise _MirrorFailedError(f"broke off {TRIES} times")

    def _ask(self, url: str, start: int) -> None:
        """One request: append to `partial` from `start` on, or write all of it where the server does not resume."""
        headers = {"User-Agent": "imagewise", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            response = ask(url, headers, tokens=self.hub.tokens, heard=self.hub.heard)
        except HTTPError as error:
            error.close()
            if error.code == 416 and start:  # nothing follows: the partial is whole, or too long. Its hash will tell
                return
            raise _refusal(error) from error
        except (OSError, HTTPException, ValueError) as error:
            cause = getattr(error, "reason", None) or error
            raise _MirrorFailedError(f"no connection ({getattr(cause, 'strerror', None) or cause})") from error
        with response:
            if response.headers.get_content_type() == "text/html":  # by a proxy, or a page to log in: keep the partial
                raise _MirrorFailedError("the answer is a web page, not the file", response.status)
            resumed = response.status == 206 and _first_byte(response) == start
            if response.status == 206 and not resumed:
                self.partial.unlink(missing_ok=True)
                raise _CutError("the server sent another part than was asked for")
            self._write(response, start if resumed else 0)

    def _write(self, response: HTTPResponse, done: int) -> None:
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else None
        try:
            # Written in place rather than appended: two processes that fetch the same file write the same
            # bytes.
            with self.partial.open("r+b" if self.partial.exists() else "wb") as file:
                done = self._copy(response, file, done, total)
        except OSError as error:
            raise self.cannot_write(self.partial, error) from error
        if total is not None and done < total:
            raise _CutError(f"broke off after {done} of {total} bytes")

    def _copy(self, response: HTTPResponse, file: IO[bytes], done: int, total: int | None) -> int:
        """Write the answer's body from byte `done` on; return where it ends. Raises OSError: it cannot be written."""
        file.seek(done)
        file.truncate()
        while True:
            try:
                chunk = response.read(_CHUNK)
            except (OSError, HTTPException) as error:
                raise _CutError(f"broke off after {done} bytes ({error})") from error
            if not chunk:
                return done
            file.write(chunk)
            done += len(chunk)
            if self.progress is not None:
                self.progress(self.partial.stem, done, total)

    def cannot_write(self, path: Path, error: OSError) -> OutputError:
        what = "set" if self.variable == "IMAGEWISE_DATA" else "file"
        return OutputError(
            f"cannot write {path}: {error.strerror or error}. Make room or make the folder writable, or put the "
            f"{what} into a folder that {self.variable} names."
        )


def _refusal(error: HTTPError) -> _MirrorFailedError:
    reason = f"the server answers {error.code} {error.reason}"
    if error.code not in _WORTH_ANOTHER_TRY:
        return _MirrorFailedError(reason, error.code)
    wait = _seconds(error.headers.get("Retry-After", ""))
    if wait > LONGEST_WAIT_SECONDS:
        reason += f"; it allows the next try in {wait:,.0f} s"
    return _CutError(reason, error.code, wait)


def _seconds(retry_after: str) -> float:
    """`120`, or the date of an HTTP header, as seconds from now; 0 where it is neither."""
    if retry_after.isdecimal():
        return float(retry_after[:9])
    with contextlib.suppress(ValueError, TypeError):  # no date, or one without a time zone
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    return 0.0


def _first_byte(response: HTTPResponse) -> int | None:
    """Of `Content-Range: bytes 100-199/200`, the 100."""
    unit, _, span = response.headers.get("Content-Range", "").partition(" ")
    first = span.partition("-")[0]
    return int(first) if unit == "bytes" and first.isdecimal() else None


def _length(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0
