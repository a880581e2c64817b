"""`/runs` and `/runs/NAME`: training runs in a folder, as pages, and under `/api` as JSON that is cheap to ask."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imagewise.server.page_files import PageFiles, html
from imagewise.server.problems import Problem
from imagewise.server.recognition import as_json
from imagewise.server.requests import Query
from imagewise.server.run_reading import MODEL, RunsFolder, details, summary
from imagewise.server.shelf import Shelf

_NONE_SHOWN = "This server shows no training runs. Start it as: imagewise serve --runs DIR"


class RunPages:
    """The pages of the runs, and their JSON.

    Args:
        folder: that holds them; None: no run is shown.
        pages: the files of the pages.
        shelf: the models that are served, some of which may come from these runs.
    """

    def __init__(self, folder: Path | None, pages: PageFiles, shelf: Shelf) -> None:
        self._shelf = shelf
        self._runs = None if folder is None else RunsFolder(folder)
        self._list = pages.page("runs.html", "runs")
        self._one = pages.page("run.html", "runs", "../")
        self._reading = asyncio.Lock()  # one look at the disk serves many tabs, and takes one thread

    def routes(self) -> list[Route]:
        """Where they are."""
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
        """`/runs/NAME`, whatever the name: the page asks whether there is such a run."""
        self._folder()
        return html(self._one)

    async def runs(self, request: Request) -> Response:
        """All runs in few words."""
        folder = self._folder()

        def look() -> dict[str, Any]:
            try:
                return {"runs": [summary(run) for run in folder.all()], "problem": None}
            except OSError as error:
                return {"runs": [], "problem": f"The folder of the runs cannot be read: {error.strerror}."}

        return await self._answer(request, look)

    async def run(self, request: Request) -> Response:
        """One run with its history, of which `?after=N` leaves out the first N rows."""
        folder, name, after = self._folder(), request.path_params["run"], Query(request).after()

        def look() -> dict[str, Any] | None:
            try:
                found = folder.get(name)
            except OSError:
                return None
            return details(found, after) | {"served": self._served(folder.path / found.name)} if found else None

        return await self._answer(request, look)

    def _folder(self) -> RunsFolder:
        if self._runs is None:
            raise Problem(404, _NONE_SHOWN)
        return self._runs

    def _served(self, run: Path) -> str | None:
        """The name of the model that is served from that folder."""
        models = (self._shelf.get(name) for name in self._shelf.names)
        return next((m.name for m in models if m is not None and m.path.resolve() == (run / MODEL).resolve()), None)

    async def _answer(self, request: Request, look: Callable[[], dict[str, Any] | None]) -> Response:
        """What was found, or 304 where the client has just that."""
        async with self._reading:
            found = await asyncio.to_thread(look)
        if found is None:
            raise Problem(404, "There is no such run here, or not any more.")
        response = as_json(found)
        tag = f'"{hashlib.sha256(response.body).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        response.headers.update({"ETag": tag, "Cache-Control": "no-cache"})
        return response
