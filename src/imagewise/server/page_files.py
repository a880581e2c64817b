"""The page's files, read once, with headers that let nothing in from elsewhere."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from imagewise.server.problems import Problem

PAGE = Path(__file__).parent / "page"
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


class PageFiles:
    """`/` and `/static/...`. No path of a request is ever looked up on disk."""

    def __init__(self) -> None:
        self._files = {path.name: path.read_bytes() for path in sorted(PAGE.iterdir()) if path.is_file()}

    async def index(self, request: Request) -> Response:
        """The page."""
        return html(self._files["index.html"])

    async def static(self, request: Request) -> Response:
        """A file that the page names."""
        name = request.path_params["name"]
        content = self._files.get(name) if name != "index.html" else None
        if content is None:
            raise Problem(404, "There is no such file here.")
        kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0]
        return Response(content, headers=_HEADERS, media_type=kind or "application/octet-stream")


def html(content: bytes) -> Response:
    """A page of ours."""
    return Response(content, headers=_HEADERS, media_type="text/html")
