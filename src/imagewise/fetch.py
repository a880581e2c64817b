"""One file from the first mirror that serves it right.

The bytes go into `NAME.partial` beside the target, which takes the target's name only once its content is
verified. A partial file that is found is resumed, from whichever mirror. (Not pooch: it cannot resume, and
it hashes only the packed file, while some mirrors have packed the same content again.)
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Literal, Protocol
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from imagewise.errors import Attempt, DownloadError, OutputError

# A machine without a network has to find out within seconds, whether names are unknown or packets vanish.
CONNECT_SECONDS = 6.0
READ_SECONDS = 15.0
TRIES_WITHOUT_PROGRESS = 3
TRIES = 20
PAUSE_SECONDS = 0.5
_CHUNK = 1 << 16
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})


class Progress(Protocol):
    """Told now and then how far something is. `total` is None where it is not known."""

    def __call__(
        self, description: str, done: int, total: int | None, unit: Literal["bytes", "pictures"] = "bytes", /
    ) -> None:
        """`done` of `total` are here."""


class _MirrorFailedError(Exception):
    """This mirror will not do: try the next."""


class _CutError(Exception):
    """The transfer broke off: the same mirror may go on."""


def download(
    urls: Sequence[str],
    target: Path,
    *,
    fault: Callable[[Path], str | None],
    progress: Progress | None = None,
) -> None:
    """Fetch `target` from the first of `urls` that has it.

    Args:
        urls: the file's address on each mirror, in the order to try.
        target: where to put it; its folder is made.
        fault: says in words what is wrong with a file's content, or None where it is as it should be.
        progress: told how far it is.

    Raises:
        DownloadError: no mirror served it; each is listed with its reason.
        OutputError: the folder cannot be written.
    """
    partial = target.with_name(f"{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(target, error) from error
    attempts = []
    for url in urls:
        try:
            _fetch(url, partial, fault, progress)
            partial.replace(target)
        except (_MirrorFailedError, _CutError) as error:
            attempts.append(Attempt(url, str(error)))
        except OSError as error:
            if not target.exists():
                raise _cannot_write(target, error) from error
        if target.exists():  # perhaps by another process that fetched it at the same time and was done first
            return
    raise DownloadError(
        f"{target.name} could not be fetched",
        attempts,
        "Check the network and try again (what came so far is kept), or put the file into "
        f"{target.parent} or into a folder that IMAGEWISE_DATA names.",
    )


def _fetch(url: str, partial: Path, fault: Callable[[Path], str | None], progress: Progress | None) -> None:
    """Bring `partial` to its full, verified content, however often the connection breaks."""
    left_over = _length(partial) > 0
    idle = 0
    for _ in range(TRIES):
        before = _length(partial)
        try:
            _transfer(url, partial, before, progress)
        except _CutError:
            idle = 0 if _length(partial) > before else idle + 1
            if idle >= TRIES_WITHOUT_PROGRESS:
                raise
            time.sleep(PAUSE_SECONDS * 2**idle)
            continue
        reason = fault(partial)
        if reason is None:
            return
        partial.unlink(missing_ok=True)
        if not left_over:
            raise _MirrorFailedError(reason)
        left_over = False  # the fault may lie in what an earlier run or another mirror left: once more from the start
    raise _MirrorFailedError(f"broke off {TRIES} times")


def _transfer(url: str, partial: Path, start: int, progress: Progress | None) -> None:
    """One request: append to `partial` from `start` on, or write all of it where the server does not resume."""
    headers = {"User-Agent": "imagewise", "Accept-Encoding": "identity"}
    try:
        response = _open(Request(url, headers=headers | ({"Range": f"bytes={start}-"} if start else {})))
    except HTTPError as error:
        error.close()
        if error.code == 416 and start:  # nothing follows: the partial is whole, or too long. Its hash will tell
            return
        reason = f"the server answers {error.code} {error.reason}"
        raise (_CutError if error.code in _WORTH_ANOTHER_TRY else _MirrorFailedError)(reason) from error
    except (OSError, HTTPException, ValueError) as error:
        cause = getattr(error, "reason", None) or error
        raise _MirrorFailedError(f"no connection ({getattr(cause, 'strerror', None) or cause})") from error
    with response:
        resumed = response.status == 206 and _first_byte(response) == start
        if response.status == 206 and not resumed:
            partial.unlink(missing_ok=True)
            raise _CutError("the server sent another part than was asked for")
        done = start if resumed else 0
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else None
        try:
            # Written in place rather than appended: two processes that fetch the same file write the same
            # bytes.
            file: IO[bytes] = partial.open("r+b" if partial.exists() else "wb")
        except OSError as error:
            raise _cannot_write(partial, error) from error
        with file:
            done = _copy(response, file, done, lambda n: progress and progress(partial.stem, n, total))
    if total is not None and done < total:
        raise _CutError(f"broke off after {done} of {total} bytes")


def _copy(response: HTTPResponse, file: IO[bytes], done: int, report: Callable[[int], object]) -> int:
    try:
        file.seek(done)
        file.truncate()
    except OSError as error:
        raise _cannot_write(Path(file.name), error) from error
    while True:
        try:
            chunk = response.read(_CHUNK)
        except (OSError, HTTPException) as error:
            raise _CutError(f"broke off after {done} bytes ({error})") from error
        if not chunk:
            return done
        try:
            file.write(chunk)
        except OSError as error:
            raise _cannot_write(Path(file.name), error) from error
        done += len(chunk)
        report(done)


def _open(request: Request) -> HTTPResponse:
    """`urlopen` with a deadline that holds for all of it: looking up the name, every address of it, TLS and
    the header. Its own timeout starts again for each address, and does not cover the look-up."""
    answers: SimpleQueue[HTTPResponse | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(urlopen(request, timeout=READ_SECONDS))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=CONNECT_SECONDS)
    except Empty:
        raise URLError(f"no answer within {CONNECT_SECONDS:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _first_byte(response: HTTPResponse) -> int | None:
    """Of `Content-Range: bytes 100-199/200`, the 100."""
    unit, _, span = response.headers.get("Content-Range", "").partition(" ")
    first = span.partition("-")[0]
    return int(first) if unit == "bytes" and first.isdecimal() else None


def _length(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def _cannot_write(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write {path}: {error.strerror or error}. Make room or make the folder writable, or put the "
        "set into a folder that IMAGEWISE_DATA names."
    )
