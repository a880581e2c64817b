"""Errors as clients see them: JSON of one shape (RFC 9457), without internals."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from starlette.responses import Response

from imagewise.errors import ImagewiseError, LargePictureError, PictureError


class Problem(Exception):  # noqa: N818  the term of RFC 9457
    """A request that cannot be answered.

    Args:
        status: of HTTP.
        detail: what is wrong and what to do, for the person who sent the request.
        headers: to send along.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})

    def response(self, request_id: str) -> Response:
        """`application/problem+json`: type, title, status, detail, and the request's id as its instance."""
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:request:{request_id}",
        }
        content = json.dumps(body, ensure_ascii=False).encode()
        return Response(content, self.status, self.headers, media_type="application/problem+json")


class ClientGone(Exception):  # noqa: N818  not an error, an event
    """The client closed the connection before its request was answered."""


class UnexpectedPictureError(PictureError):
    """Reading or framing one picture raised something that no code raises on purpose; `__cause__` holds it."""


@contextmanager
def as_picture_error() -> Iterator[None]:
    """Turn whatever is raised while one picture is read or framed into that picture's error.

    Raises:
        UnexpectedPictureError: in the place of anything but an ImagewiseError.
    """
    try:
        yield
    except ImagewiseError:
        raise
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UnexpectedPictureError(
            None, f"cannot be read ({reason})", "Send it in another size or format."
        ) from error


def picture_problem(error: PictureError) -> Problem:
    """413 for a picture that is too large, 422 for one that cannot be read."""
    return Problem(413 if isinstance(error, LargePictureError) else 422, str(error))
