"""`/openapi.json` and `/docs`: the API for programs, and a page about it that loads nothing from other servers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from imagewise import __version__
from imagewise.server.http.responses import as_json
from imagewise.server.limits import Limits
from imagewise.server.openapi.document import openapi
from imagewise.server.openapi.parts import Json
from imagewise.server.pages.files import html

_EXAMPLES = """curl --data-binary @digit.png http://127.0.0.1:8000/predict
curl -F pictures=@one.png -F pictures=@two.png 'http://127.0.0.1:8000/predict?top=1'"""


class Docs:
    """Both, made once.

    Args:
        limits: that the texts name.
    """

    def __init__(self, limits: Limits) -> None:
        self._document = openapi(__version__, limits)
        self._page = _page(self._document).encode()

    async def document(self, request: Request) -> Response:
        """`/openapi.json`."""
        return as_json(self._document)

    async def page(self, request: Request) -> Response:
        """`/docs`."""
        return html(self._page)


def _page(document: Json) -> str:
    info = document["info"]
    operations = [
        _section(method.upper(), path, operation, document)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "{version}" not in path  # the same once more
    ]
    return f"""<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>imagewise: the API</title>
  <link rel="icon" href="static/icon.svg">
  <link rel="stylesheet" href="static/style.css">
</head>
<body>
  <header>
    <h1>API of imagewise {escape(info["version"])}</h1>
    <nav><a href="./">Try it</a> <a href="models">Models</a> <a href="openapi.json">OpenAPI document</a></nav>
  </header>
  <main>
    <section>
      <p>{_prose(info["description"])}</p>
      <pre tabindex="0">{escape(_EXAMPLES)}</pre>
    </section>
{"".join(operations)}  </main>
</body>
</html>
"""


def _section(method: str, path: str, operation: Json, document: Json) -> str:
    parts = [f"<h2><code>{method} {escape(path)}</code></h2>", f"<p>{escape(operation['summary'])}.</p>"]
    if "description" in operation:
        parts.append(f"<p>{_prose(operation['description'])}</p>")
    if operation["parameters"]:
        rows = {f"{p['name']} ({p['in']})": _parameter(p) for p in operation["parameters"]}
        parts.append(f"<h3>Parameters</h3>{_rows(rows)}")
    if "requestBody" in operation:
        kinds = ", ".join(f"<code>{escape(kind)}</code>" for kind in operation["requestBody"]["content"])
        parts.append(f"<h3>Body</h3><p>{kinds}</p>")
    rows = {}
    for status, response in operation["responses"].items():
        if "$ref" in response:
            response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
        kinds = ", ".join(f"<code>{escape(kind)}</code>" for kind in response["content"])
        rows["other" if status == "default" else status] = f"{_prose(response['description'])} {kinds}"
    parts.append(f"<h3>Answers</h3>{_rows(rows)}")
    return f"    <section>{''.join(parts)}</section>\n"


def _parameter(parameter: Json) -> str:
    schema: dict[str, Any] = parameter["schema"]
    words = [_prose(parameter.get("description", ""))]
    if "enum" in schema:
        words.append("One of " + ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"]) + ".")
    if "default" in schema:
        words.append(f"Default: <code>{escape(str(schema['default']))}</code>.")
    return " ".join(words)


def _rows(rows: Mapping[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{text}</dd>" for name, text in rows.items()) + "</dl>"


def _prose(text: str) -> str:
    """Text with `code`, as HTML."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
