"""Health checks: whether the server answers at all, and whether its models are open."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imagewise.server.http.problems import Problem
from imagewise.server.http.responses import as_json


class Health:
    """The two checks of one API, at its own addresses. Metrics count the endpoints of two instances apart.

    Args:
        is_ready: whether all models are open and warmed up.
    """

    def __init__(self, is_ready: Callable[[], bool]) -> None:
        self._is_ready = is_ready

    def routes(self, live: str, ready: str) -> list[Route]:
        """Routes of the two checks."""
        return [Route(live, self.live), Route(ready, self.ready)]

    async def live(self, request: Request) -> Response:
        """200 while the process answers."""
        return as_json({"live": True})

    async def ready(self, request: Request) -> Response:
        """200 once all models are open and warmed up. Raises Problem 503 before."""
        if not self._is_ready():
            raise Problem(503, "Not ready yet.", {"Retry-After": "1"})
        return as_json({"ready": True})
