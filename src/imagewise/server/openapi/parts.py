"""Pieces that an OpenAPI document is put together from."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def operation_of(
    summary: str,
    description: str,
    responses: Json,
    parameters: list[Json] | None = None,
    body: Json | None = None,
    error: str = "Problem",
) -> Json:
    """What a method at an address does; `error` is the shape of its errors."""
    found: Json = {"summary": summary, "parameters": parameters or []}
    if description:
        found["description"] = description
    if body is not None:
        found["requestBody"] = {"required": True, "content": body}
    return found | {"responses": responses | {"default": {"$ref": f"#/components/responses/{error}"}}}


def query_of(name: str, schema: Json, description: str) -> Json:
    """A parameter in the query."""
    return {"name": name, "in": "query", "schema": schema, "description": description}


def response_of(description: str, schema: str, kind: str = "application/json") -> Json:
    """An answer of a shape that has a name."""
    return {"description": description, "content": {kind: {"schema": ref_of(schema)}}}


def json_of(description: str, schema: Json) -> Json:
    """An answer of a shape that has none."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def object_of(required: list[str], properties: Json) -> Json:
    """An object; what else it may hold is open."""
    return {"type": "object", "required": required, "properties": properties}


def list_of(items: Json) -> Json:
    """A list."""
    return {"type": "array", "items": items}


def file_of() -> Json:
    """The content of a file."""
    return {"type": "string", "contentMediaType": "application/octet-stream"}


def ref_of(schema: str) -> Json:
    """A shape by its name."""
    return {"$ref": f"#/components/schemas/{schema}"}
