"""One HTTP request: redirects, proxies, a deadline for all of it, and tokens that only their own host receives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http.client import HTTPMessage, HTTPResponse
from queue import Empty, SimpleQueue
from typing import IO
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import (
    BaseHandler,
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

# A machine without a network has to find out within seconds, whether names are unknown or packets vanish.
CONNECT_SECONDS = 6.0
READ_SECONDS = 15.0

Heard = Callable[[str, HTTPMessage], object]


def ask(
    url: str, headers: Mapping[str, str], *, tokens: Mapping[str, str] | None = None, heard: Heard | None = None
) -> HTTPResponse:
    """The answer to a GET request. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are respected.

    One deadline holds for all of it: looking up the name, every address of it, TLS and the header. urllib's own
    timeout starts again for each address, and does not cover the look-up.

    Args:
        tokens: bearer tokens by `origin`. Each goes to its own origin only, whoever redirects to whom.
        heard: receives address and header of every answer, those that redirect included. It may be called late, by
            another thread, where the deadline has passed.

    Raises:
        HTTPError: the server refuses.
        URLError, OSError, HTTPException, ValueError: there is no answer, or no such address.
    """
    answers: SimpleQueue[HTTPResponse | Exception] = SimpleQueue()
    heard = heard or (lambda url, headers: None)
    redirects = _Redirects(tokens or {}, heard)
    opener = OpenerDirector()  # without the handlers of file: and ftp:, which `build_opener` adds
    handlers: list[BaseHandler] = [ProxyHandler(), HTTPHandler(), HTTPSHandler(), UnknownHandler(), redirects]
    for handler in [*handlers, HTTPErrorProcessor(), HTTPDefaultErrorHandler()]:
        opener.add_handler(handler)
    request = redirects.authorised(Request(url, headers=dict(headers)))

    def open_() -> None:
        try:
            response = opener.open(request, timeout=READ_SECONDS)
            heard(response.url, response.headers)
            answers.put(response)
        except Exception as error:
            answers.put(error)

    threading.Thread(target=open_, daemon=True).start()
    try:
        answer = answers.get(timeout=CONNECT_SECONDS)
    except Empty:
        raise URLError(f"no answer within {CONNECT_SECONDS:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def origin(url: str) -> str:
    """Scheme, host and port of an address, as in https://example.org:443."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"


class _Redirects(HTTPRedirectHandler):
    def __init__(self, tokens: Mapping[str, str], heard: Heard) -> None:
        self._tokens = tokens
        self._heard = heard

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """The request that follows; urllib copies all headers into it but unredirected ones, such as the token."""
        self._heard(req.full_url, headers)
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        return following and self.authorised(following)

    def authorised(self, request: Request) -> Request:
        if token := self._tokens.get(origin(request.full_url)):
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        return request
