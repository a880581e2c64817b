"""The page's files, read once, with headers that let nothing in from elsewhere."""

from __future__ import annotations

import mimetypes

from starlette.requests import Request
from starlette.responses import Response

from imagewise.server.problems import Problem
from imagewise.web_export import LINKS, PAGE

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CURRENT = ' aria-current="page"'
_HEADERS = {
    "Content-Security-Policy": CSP,
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class PageFiles:
    """`/`, the other pages, and `/static/...`. No path of a request is ever looked up on disk.

    Args:
        with_runs: whether pages link to the training runs.
    """

    def __init__(self, with_runs: bool = False) -> None:
        self._files = {path.name: path.read_bytes() for path in sorted(PAGE.iterdir()) if path.is_file()}
        self._pages = {"": "Recognise", "models": "Models"} | ({"runs": "Training runs"} if with_runs else {})

    async def index(self, request: Request) -> Response:
        """The page."""
        return html(self.page("index.html", ""))

    def page(self, file: str, here: str, up: str = "") -> bytes:
        """A page with its links to the others: `here` is the address that it belongs to, `up` what leads to `/`."""
        links = [
            f'<a href="{up}{address or "./"}"{_CURRENT if address == here else ""}>{name}</a>'
            for address, name in self._pages.items()
        ]
        links.append(f'<a href="{up}docs">API</a>')
        return self._files[file].replace(LINKS.encode(), f'<nav aria-label="Pages">{" ".join(links)}</nav>'.encode())

    async def static(self, request: Request) -> Response:
        """A file that the page names."""
        name = request.path_params["name"]
        content = None if name.endswith(".html") else self._files.get(name)
        if content is None:
            raise Problem(404, "There is no such file here.")
        kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0]
        return Response(content, headers=_HEADERS, media_type=kind or "application/octet-stream")


def html(content: bytes) -> Response:
    """A page of ours."""
    return Response(content, headers=_HEADERS, media_type="text/html")
