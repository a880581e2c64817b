"""`/runs` and `/runs/NAME`: training runs in a folder, as pages and, under `/api`, as JSON that is cheap to poll."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imagewise.server.http.problems import Problem
from imagewise.server.http.requests import Query
from imagewise.server.http.responses import as_json
from imagewise.server.models import ModelRepository
from imagewise.server.pages.files import PageFiles, html
from imagewise.server.pages.run_reading import MODEL, RunsFolder, details, summary

_NONE_SHOWN = "This server shows no training runs. Start it with: imagewise serve --runs DIR"


class RunPages:
    """The pages of the runs, and their JSON.

    Args:
        folder: of the runs; None: no run is shown.
        pages: the files of the pages.
        repository: the served models, some of which may come from these runs.
    """

    def __init__(self, folder: Path | None, pages: PageFiles, repository: ModelRepository) -> None:
        self._repository = repository
        self._runs = None if folder is None else RunsFolder(folder)
        self._list = pages.page("runs")
        self._one = pages.page("run")
        self._reading = asyncio.Lock()  # many tabs read the disk one after the other, on one thread

    def routes(self) -> list[Route]:
        """Routes of the pages and their JSON."""
        return [
            Route("/runs", self.runs_page),
            Route("/runs/{run}", self.run_page),
            Route("/api/runs", self.runs),
            Route("/api/runs/{run}", self.run),
        ]

    async def runs_page(self, request: Request) -> Response:
        """`/runs`."""
        self._folder()
        return html(self._list)

    async def run_page(self, request: Request) -> Response:
        """`/runs/NAME` for any name: the page then asks whether the run exists."""
        self._folder()
        return html(self._one)

    async def runs(self, request: Request) -> Response:
        """`/api/runs`: a summary of each run."""
        folder = self._folder()

        def look() -> dict[str, Any]:
            try:
                return {"runs": [summary(run).as_dict() for run in folder.all()], "problem": None}
            except OSError as error:
                return {"runs": [], "problem": f"The runs folder cannot be read: {error.strerror}."}

        return await self._answer(request, look)

    async def run(self, request: Request) -> Response:
        """`/api/runs/NAME`: one run with its history, without the first N rows for `?after=N`."""
        folder, name, after = self._folder(), request.path_params["run"], Query(request).after()

        def look() -> dict[str, Any] | None:
            try:
                found = folder.get(name)
            except OSError:
                return None
            if found is None:
                return None
            served = self._served(folder.path / found.name)
            return details(found, after).model_copy(update={"served": served}).as_dict()

        return await self._answer(request, look)

    def _folder(self) -> RunsFolder:
        if self._runs is None:
            raise Problem(404, _NONE_SHOWN)
        return self._runs

    def _served(self, run: Path) -> str | None:
        """Name of the model that is served from that folder, or None."""
        path = (run / MODEL).resolve()
        return next((served.name for served in self._repository.models if served.path.resolve() == path), None)

    async def _answer(self, request: Request, look: Callable[[], dict[str, Any] | None]) -> Response:
        """Result of `look` as JSON, or 304 if the client has it already. Raises Problem 404 if it is None."""
        async with self._reading:
            found = await asyncio.to_thread(look)
        if found is None:
            raise Problem(404, "Run not found. It may have been deleted.")
        response = as_json(found)
        tag = f'"{hashlib.sha256(response.body).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        response.headers.update({"ETag": tag, "Cache-Control": "no-cache"})
        return response
