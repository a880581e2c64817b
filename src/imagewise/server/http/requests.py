"""Parts of a request: its body within the limits, the pictures of a multipart form, its query."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Literal, cast, get_args
from urllib.parse import parse_qsl

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from imagewise.server.http.problems import ClientGone, Problem
from imagewise.server.limits import Limits

if TYPE_CHECKING:
    from imagewise.server.models import ModelRepository, ServedModel

Explanation = Literal["none", "input", "occlusion"]
_MAX_NAME = 255  # characters, as in file systems
_BIDI = frozenset(["LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"])  # they reorder the text around them


async def read_body(request: Request, limits: Limits) -> bytes:
    """The whole body.

    Raises:
        Problem: 413 if it is too large, before the rest of it is read; 408 if it arrives too slowly.
        ClientGone: the client closed the connection.
    """
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limits.body:
        raise _too_large(limits)
    message = await _receive_within(request, limits.body_seconds)
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        ends = asyncio.get_running_loop().time() + limits.body_seconds
        parts, size = [body], len(body)
        while message.get("more_body", False):
            message = await _receive_within(request, ends - asyncio.get_running_loop().time())
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limits.body:
                raise _too_large(limits)
        body = b"".join(parts)
    if len(body) > limits.body:
        raise _too_large(limits)
    return body


async def _receive_within(request: Request, seconds: float) -> dict[str, Any]:
    try:
        async with asyncio.timeout(seconds):
            message = await request.receive()
    except TimeoutError:
        headers = {"Connection": "close"}
        raise Problem(
            408, "The body did not arrive in time. Use a faster connection, or send a smaller body.", headers
        ) from None
    if message["type"] == "http.disconnect":
        raise ClientGone
    return cast("dict[str, Any]", message)


def _too_large(limits: Limits) -> Problem:
    detail = f"The body is larger than {limits.body // 2**20} MiB. Send fewer or smaller pictures."
    return Problem(413, detail, {"Connection": "close"})


class _InMemory(MultiPartParser):
    """A parser that writes nothing to disk: the body is in memory already."""

    spool_max_size = 2**31


def source_of(request: Request) -> tuple[str, int]:
    """Who asks, for the turns that clients and their requests take: the client's address and the request's number."""
    client = request.scope["client"]
    return (client[0] if client else "", id(request.scope))


def prefers_html(request: Request) -> bool:
    """Whether a page is the first kind of answer that the client names, as of a browser that opens an address."""
    first = request.headers.get("accept", "").partition(",")[0].partition(";")[0]
    return first.strip().lower() in ("text/html", "application/xhtml+xml")


def is_multipart(request: Request) -> bool:
    """Whether the body is a form with files."""
    return request.headers.get("content-type", "").lower().startswith("multipart/")


async def multipart_pictures(request: Request, body: bytes, limits: Limits) -> list[tuple[str, bytes]]:
    """Name and content of each file of a form, in order.

    Raises:
        Problem: 400 for a broken form or one without files; 413 for too many files.
    """

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await _InMemory(request.headers, chunks(), max_files=limits.pictures + 1, max_fields=16).parse()
    except (MultiPartException, KeyError, ValueError) as error:
        said = getattr(error, "message", "")
        if said.startswith("Too many files"):
            raise _too_many(limits) from error
        raise Problem(400, "The multipart form cannot be read. Send multipart/form-data with files.") from error
    try:
        files = [part for _, part in form.multi_items() if not isinstance(part, str)]
        if len(files) > limits.pictures:
            raise _too_many(limits)
        if not files:
            raise Problem(400, "The form contains no file. Send each picture as a file of the form.")
        return [
            (_printable(file.filename) or f"picture-{number}", file.file.read()) for number, file in enumerate(files, 1)
        ]
    finally:
        await form.close()


def _printable(name: str | None) -> str:
    """A file's name for an answer: at most 255 characters, none of which breaks or reorders the text around it."""

    def plain(character: str) -> str:
        broken = unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        return "\N{REPLACEMENT CHARACTER}" if broken or unicodedata.bidirectional(character) in _BIDI else character

    text = "".join(map(plain, (name or "")[: _MAX_NAME + 1]))
    return text if len(text) <= _MAX_NAME else f"{text[: _MAX_NAME - 1]}…"


def _too_many(limits: Limits) -> Problem:
    return Problem(413, f"More than {limits.pictures} pictures. Send them in several requests.")


class Query:
    """The query of a request. Each value is checked when it is read, and raises Problem 400 or 404."""

    def __init__(self, request: Request) -> None:
        text = request.scope["query_string"]
        try:
            self._values = dict(parse_qsl(text.decode("ascii"), keep_blank_values=True)) if text else {}
        except ValueError as error:
            raise Problem(400, "The query cannot be read; encode it as application/x-www-form-urlencoded.") from error

    def top(self) -> int:
        """Number of classes to name, at least 1."""
        value = self._values.get("top", "3")
        if not (value.isascii() and value.isdecimal() and len(value) < 9 and int(value) > 0):
            raise Problem(400, "top must be a whole number of at least 1.")
        return int(value)

    def explain(self) -> Explanation:
        """Kind of explanation to add to the answer."""
        value = self._values.get("explain", "none")
        if value not in get_args(Explanation):
            raise Problem(400, f"explain must be one of {', '.join(get_args(Explanation))}.")
        return cast("Explanation", value)

    def after(self) -> int:
        """Number of rows of a history that the client has already."""
        value = self._values.get("after", "0")
        if not (value.isascii() and value.isdecimal() and len(value) < 9):
            raise Problem(400, "after must be a whole number of at least 0.")
        return int(value)

    def model(self, repository: ModelRepository) -> ServedModel:
        """The model that the request names, or the first one."""
        return find_model(repository, self._values.get("model"))


def find_model(repository: ModelRepository, name: str | None) -> ServedModel:
    """The model of that name, or the first one for None. Raises Problem 404 if there is no such model."""
    served = repository.get(name) if name != "" else None
    if served is None:
        names = ", ".join(served.name for served in repository.models)
        raise Problem(404, f"Model not found. Available: {names}.")
    return served
