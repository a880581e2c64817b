"""Responses of JSON."""

from __future__ import annotations

import json

from starlette.responses import Response


def as_json(value: object) -> Response:
    """200 with a compact JSON body."""
    content = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, media_type="application/json")
