"""Errors as JSON of one shape (RFC 9457), without internals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response


class Problem(Exception):  # noqa: N818  the term of RFC 9457
    """A request that is not answered as asked.

    Args:
        status: of HTTP.
        detail: what is wrong and what to do, for the person who sent it.
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
    """Nobody waits for the answer any more."""
