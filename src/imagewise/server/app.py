"""The ASGI application: every request gets an id, is authorized, answered, counted and logged."""

from __future__ import annotations

import asyncio
import os
import re
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from PIL import Image
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Message, Receive, Scope, Send

from imagewise.server.http.health import Health
from imagewise.server.http.hosts import HostCheck
from imagewise.server.http.keys import KeyGuard
from imagewise.server.http.problems import ClientGone, Problem
from imagewise.server.http.requests import prefers_html
from imagewise.server.inference.pool import InferencePool
from imagewise.server.logs import FLUSH_SECONDS, Log
from imagewise.server.metrics import Metrics
from imagewise.server.models import ModelOpener, ModelRepository
from imagewise.server.oip.api import OpenInference, error_response, is_protocol_path
from imagewise.server.openapi.docs import Docs
from imagewise.server.pages.files import PageFiles
from imagewise.server.pages.models import ModelPages
from imagewise.server.pages.runs import RunPages
from imagewise.server.predict_api import PredictApi
from imagewise.server.settings import Settings

_OPEN = (  # without a key
    *("/", "/models", "/runs", "/docs", "/openapi.json"),
    *("/livez", "/readyz", "/v2/health/live", "/v2/health/ready"),
)
_OPEN_BELOW = ("/static/", "/models/", "/runs/")  # pages are empty; what they show they request from /api
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_MOST_PATH = 256  # characters, in the log
_DETAILS = {404: "There is nothing at this address. See /docs.", 405: "This address takes another method. See /docs."}
_THREADS_OF_A_RUN = 1  # of onnxruntime: batches run side by side instead, without waiting for each other


class Application:
    """The application that uvicorn calls.

    Args:
        settings: of the server.
        threads: number of threads that recognise.
        log: where events go.
    """

    def __init__(self, settings: Settings, threads: int, log: Log) -> None:
        self._settings = settings
        self._keys = KeyGuard(settings.api_key) if settings.api_key else None
        self._hosts = HostCheck(settings.host, settings.allowed_hosts)
        self._threads = threads
        self._log = log
        self._metrics = Metrics()
        self._ready = False
        self._routes: list[Route] = []

    @property
    def routes(self) -> tuple[Route, ...]:
        """All routes, once the application has started."""
        return tuple(self._routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or start and end with the server."""
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

        endpoint = "other"  # the label of the metrics where no route matches
        try:
            try:
                self._hosts.check(scope)
                await self._authorize(request)
                # Nearly all requests of a busy server are these. Starlette's router would match regular expressions in
                # order and wrap the call three times for them, on the one thread that every request needs.
                if scope["path"] == "/predict" and scope["method"] == "POST":
                    endpoint = "/predict"
                    response = await self._predict_api.predict(request)
                    await response(scope, receive, reply)
                else:
                    scope["app"] = self
                    await self._router(scope, receive, reply)
            except (Problem, HTTPException) as error:
                await self._error_response(_as_problem(error), request, request_id)(scope, receive, reply)
        except ClientGone:
            status = 499
        except Exception as error:
            self._log_fault(error, request=request_id)
            if not status:
                problem = Problem(500, "Internal error. The server's log has the details under this request's id.")
                await self._error_response(problem, request, request_id)(scope, receive, reply)
        if endpoint == "other" and "endpoint" in scope:
            endpoint = self._addresses[scope["endpoint"]]
        seconds = time.perf_counter() - began
        self._metrics.request(endpoint, status, seconds)
        self._log(
            "request",
            request=request_id,
            method=scope["method"],
            path=scope["path"][:_MOST_PATH],
            status=status,
            milliseconds=round(seconds * 1000, 2),
        )

    @asynccontextmanager
    async def _lifespan(self, _: Any) -> AsyncIterator[None]:
        Image.init()  # loads all of Pillow's formats, which the first file of another kind would wait for
        limits = self._settings.limits
        opener = ModelOpener(_THREADS_OF_A_RUN, limits.model_seconds, self._settings.kept_models)
        repository = await ModelRepository.open(self._settings.files, opener, self._log)
        self._pool = InferencePool(self._threads, limits, self._metrics.batch, self._log_fault)
        self._predict_api = PredictApi(repository, self._pool, limits, self._log_fault)
        self._routes = self._make_routes(repository)
        self._router = Router(self._routes)
        # An endpoint with several addresses is counted under the first one.
        self._addresses = {route.endpoint: route.path for route in reversed(self._routes)}
        self._ready = True
        tasks = [asyncio.create_task(repository.watch()), asyncio.create_task(self._flush())]
        self._log("ready", process=os.getpid(), models={m.name: m.version for m in repository.models})
        yield
        self._ready = False
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._pool.stop)
        self._log("stopped", process=os.getpid())
        await asyncio.to_thread(self._log.close)

    def _make_routes(self, repository: ModelRepository) -> list[Route]:
        limits, runs = self._settings.limits, self._settings.runs
        self._pages = pages = PageFiles(with_runs=runs is not None)
        docs = Docs(limits)
        return [
            Route("/", pages.index),
            Route("/static/{name}", pages.static),
            Route("/model", self._predict_api.card),
            Route("/predict", self._predict_api.predict, methods=["POST"]),
            Route("/segment", self._predict_api.segment, methods=["POST"]),
            Route("/docs", docs.page),
            Route("/openapi.json", docs.document),
            *Health(self._is_ready).routes("/livez", "/readyz"),
            Route("/metrics", self._metrics_page),
            *ModelPages(repository, pages, runs).routes(),
            *RunPages(runs, pages, repository).routes(),
            *OpenInference(repository, self._pool, limits).routes(),
            *Health(self._is_ready).routes("/v2/health/live", "/v2/health/ready"),
        ]

    def _is_ready(self) -> bool:
        return self._ready

    async def _metrics_page(self, request: Request) -> Response:
        self._metrics.queue(self._pool.pending)
        return self._metrics.response()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self._log.flush()
            self._metrics.queue(self._pool.pending)  # any worker may be asked for the figures of all

    def _error_response(self, problem: Problem, request: Request, request_id: str) -> Response:
        """A page for a browser that opens an address, JSON for everybody else."""
        if is_protocol_path(request.scope["path"]):
            return error_response(problem)
        if request.method in ("GET", "HEAD") and prefers_html(request):
            return self._pages.problem(problem, request.scope["raw_path"].decode("ascii", "replace"))
        return problem.response(request_id)

    def _log_fault(self, error: Exception, **fields: Any) -> None:
        """Note an error of ours. Its traceback is for the log only."""
        self._log("failure", level="error", **fields, traceback="".join(traceback.format_exception(error)))

    async def _authorize(self, request: Request) -> None:
        """Check the request's key. Raises Problem 401 if it needs one and has another or none."""
        if self._keys is None:
            return
        path = request.scope["path"]
        if path in _OPEN or path.startswith(_OPEN_BELOW):
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
        await self._keys.check(given)


def _request_id(scope: Scope) -> str:
    """The id that the request brings, if it can be logged; otherwise a new one of 16 hex digits."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return os.urandom(8).hex()


def _as_problem(error: Problem | HTTPException) -> Problem:
    if isinstance(error, Problem):
        return error
    return Problem(error.status_code, _DETAILS.get(error.status_code, error.detail), error.headers)
