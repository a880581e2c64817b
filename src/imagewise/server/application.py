"""The ASGI application: every request gets an id, is let in or not, is answered, counted and logged."""

from __future__ import annotations

import asyncio
import hmac
import os
import re
import time
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from PIL import Image
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Message, Receive, Scope, Send

from imagewise.server.batching import Recognisers
from imagewise.server.docs import Docs
from imagewise.server.limits import Limits
from imagewise.server.logs import FLUSH_SECONDS, Log
from imagewise.server.metrics import Metrics
from imagewise.server.model_pages import ModelPages
from imagewise.server.open_inference import OpenInference, error_response, speaks_of
from imagewise.server.page_files import PageFiles
from imagewise.server.problems import ClientGone, Problem
from imagewise.server.recognition import Recognition, as_json
from imagewise.server.run_pages import RunPages
from imagewise.server.shelf import Shelf

_OPEN = (  # without a key
    *("/", "/models", "/runs", "/docs", "/openapi.json"),
    *("/livez", "/readyz", "/v2/health/live", "/v2/health/ready"),
)
_OPEN_BELOW = ("/static/", "/models/", "/runs/")  # the pages hold nothing; what they show they ask of /api
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_ALLOWED = {404: "There is nothing at this address. See /docs.", 405: "This address takes another method. See /docs."}


class Application:
    """What uvicorn calls.

    Args:
        files: model files by name.
        limits: what a request may take.
        api_key: that requests must bring; None: none.
        threads: recognisers at work at once.
        log: where events go.
        runs: a folder of training runs to show; None: none.
    """

    def __init__(
        self,
        files: Mapping[str, Path],
        limits: Limits,
        api_key: str | None,
        threads: int,
        log: Log | None = None,
        runs: Path | None = None,
    ) -> None:
        self._files = files
        self._limits = limits
        self._key = api_key.encode() if api_key else None
        self._threads = threads
        self._log = log or Log()
        self._runs = runs
        self._metrics = Metrics()
        self._ready = False
        self._router: Router | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's beginning and end."""
        if scope["type"] == "lifespan":
            await Router(lifespan=self._lifespan).lifespan(scope, receive, send)
            return
        began = time.perf_counter()
        request = Request(scope, receive)
        request_id = _request_id(scope)
        status = 0

        async def reply(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] += [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
            await send(message)

        endpoint = "other"  # in the metrics: the route's address, and this where there is none
        try:
            try:
                self._let_in(request)
                if scope["path"] == "/predict" and scope["method"] == "POST":  # the way most go, without a router
                    endpoint = "/predict"
                    response = await self._recognition.predict(request)
                    await response(scope, receive, reply)
                else:
                    scope["app"] = self
                    assert self._router is not None
                    await self._router(scope, receive, reply)
            except (Problem, HTTPException) as error:
                await _told(_as_problem(error), scope, request_id)(scope, receive, reply)
        except ClientGone:
            status = 499
        except Exception:
            self._log("failure", level="error", request=request_id, traceback=traceback.format_exc())
            if not status:
                problem = Problem(500, "Something went wrong here. The log says what, under this request's id.")
                await _told(problem, scope, request_id)(scope, receive, reply)
        if endpoint == "other" and "endpoint" in scope:
            endpoint = self._addresses[scope["endpoint"]]
        seconds = time.perf_counter() - began
        self._metrics.request(endpoint, status, seconds)
        self._log(
            "request",
            request=request_id,
            method=scope["method"],
            path=scope["path"],
            status=status,
            milliseconds=round(seconds * 1000, 2),
        )

    @asynccontextmanager
    async def _lifespan(self, _: Any) -> AsyncIterator[None]:
        Image.init()  # all of Pillow's formats, which the first file that is no picture would wait for
        shelf = Shelf(self._files, self._threads_of_a_run(), self._log)
        self._recognisers = Recognisers(self._threads, self._limits, self._metrics.batch)
        self._recognition = Recognition(shelf, self._recognisers, self._limits)
        routes = self._routes(shelf)
        self._router = Router(routes)
        self._addresses = {route.endpoint: route.path for route in reversed(routes)}  # the first of each
        self._ready = True
        tasks = [asyncio.create_task(shelf.watch()), asyncio.create_task(self._flush())]
        self._log("ready", process=os.getpid(), models={n: shelf.get(n).version for n in shelf.names})  # type: ignore[union-attr]
        yield
        self._ready = False
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.to_thread(self._recognisers.stop)
        self._log("stopped", process=os.getpid())
        self._log.flush()

    @staticmethod
    def _threads_of_a_run() -> int:
        return 1  # batches run side by side instead, which needs no waiting for each other

    def _routes(self, shelf: Shelf) -> list[Route]:
        page = PageFiles(with_runs=self._runs is not None)
        docs = Docs(self._limits)
        protocol = OpenInference(shelf, self._recognisers, self._limits, lambda: self._ready)
        return [
            Route("/", page.index),
            Route("/static/{name}", page.static),
            Route("/model", self._recognition.card),
            Route("/predict", self._recognition.predict, methods=["POST"]),
            Route("/segment", self._recognition.segment, methods=["POST"]),
            Route("/docs", docs.page),
            Route("/openapi.json", docs.document),
            Route("/livez", self._livez),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics_page),
            *ModelPages(shelf, page, self._runs).routes(),
            *RunPages(self._runs, page, shelf).routes(),
            *protocol.routes(),
        ]

    async def _livez(self, request: Request) -> Response:
        return as_json({"live": True})

    async def _readyz(self, request: Request) -> Response:
        if not self._ready:
            raise Problem(503, "Not ready yet.", {"Retry-After": "1"})
        return as_json({"ready": True})

    async def _metrics_page(self, request: Request) -> Response:
        self._metrics.queue(self._recognisers.open)
        return self._metrics.response()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self._log.flush()
            self._metrics.queue(self._recognisers.open)  # for whichever worker is asked for the figures of all

    def _let_in(self, request: Request) -> None:
        """Raises Problem 401 where a key is asked for and the request's is another. Compared in constant time."""
        if self._key is None:
            return
        path = request.scope["path"]
        if path in _OPEN or path.startswith(_OPEN_BELOW):
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
        if not hmac.compare_digest(given.encode(), self._key):
            detail = "A key is needed. Send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`."
            raise Problem(401, detail, {"WWW-Authenticate": "Bearer"})


def _request_id(scope: Scope) -> str:
    """The request's own, where it brings one that can be logged; else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return os.urandom(8).hex()


def _told(problem: Problem, scope: Scope, request_id: str) -> Response:
    return error_response(problem) if speaks_of(scope["path"]) else problem.response(request_id)


def _as_problem(error: Problem | HTTPException) -> Problem:
    if isinstance(error, Problem):
        return error
    return Problem(error.status_code, _ALLOWED.get(error.status_code, error.detail), error.headers)
