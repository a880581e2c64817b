"""Responses with the pages and their static files, made once, with headers that keep everything foreign out."""

from __future__ import annotations

import mimetypes
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from imagewise.server.http.problems import Problem
from imagewise.web.files import page_template, render_page, static_files

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CSP,
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_TITLES = {404: "Page not found", 405: "This address is for programs"}  # for people; others get the phrase of HTTP


class PageFiles:
    """`/`, the other pages, and `/static/...`. No path of a request is ever looked up on disk.

    Args:
        with_runs: whether pages link to the training runs.
    """

    def __init__(self, with_runs: bool = False) -> None:
        runs = [("runs", "Training runs")] if with_runs else []
        self._pages = [("", "Recognise"), ("models", "Models"), *runs, ("docs", "API")]
        self._static = static_files()
        self._index = self.page("index")
        self._problem = page_template("problem")

    async def index(self, request: Request) -> Response:
        """The page at `/`."""
        return html(self._index)

    def page(self, name: str) -> bytes:
        """The HTML of a page, with links to the others: index, models, model, runs or run."""
        return render_page(name, pages=self._pages).encode()

    def problem(self, problem: Problem, path: str) -> Response:
        """The page that says why there is none at `path`, percent-encoded as in the request."""
        content = self._problem.render(
            pages=self._pages,
            answers="server",
            policy=None,
            # Not from the root, since a proxy may serve all of this under a prefix; no deeper than anybody's links go.
            up="../" * min(path.count("/") - 1, 20),
            title=_TITLES.get(problem.status, HTTPStatus(problem.status).phrase),
            detail=problem.detail,
        )
        headers = _HEADERS | problem.headers | {"Vary": "Accept"}
        return Response(content.encode(), problem.status, headers, media_type="text/html")

    async def static(self, request: Request) -> Response:
        """A file that a page loads; Problem 404 if there is no such file."""
        name = request.path_params["name"]
        content = self._static.get(name)
        if content is None:
            raise Problem(404, "File not found.")
        kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0]
        return Response(content, headers=_HEADERS, media_type=kind or "application/octet-stream")


def html(content: bytes) -> Response:
    """A response with a page of ours."""
    return Response(content, headers=_HEADERS, media_type="text/html")
