"""The addresses of the pages of models and training runs, in the OpenAPI document."""

from __future__ import annotations

from pydantic.json_schema import models_json_schema

from imagewise.server.openapi.parts import (
    Json,
    json_of,
    list_of,
    object_of,
    operation_of,
    query_of,
    ref_of,
    response_of,
)
from imagewise.server.pages.shapes import ModelCard, ModelSummary, Run, RunSummary, Score

_TEXT: Json = {"type": ["string", "null"]}


def of_the_pages() -> Json:
    """Paths of the OpenAPI document."""
    model, run = ({"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in ("model", "run"))
    after = query_of(
        "after", {"type": "integer", "minimum": 0, "default": 0}, "Number of history rows that the client already has."
    )
    models = object_of(["models"], {"models": list_of(ref_of("ModelSummary"))})
    runs = object_of(["runs", "problem"], {"runs": list_of(ref_of("RunSummary")), "problem": _TEXT})
    same: Json = {
        "304": {"description": "Not modified: the content still matches the `ETag` in `If-None-Match`.", "content": {}}
    }
    shown = "Available if the server was started with `--runs DIR`; otherwise 404."
    return {
        "/api/models": {
            "get": operation_of("List of the served models", "", {"200": json_of("All served models.", models)})
        },
        "/api/models/{model}": {
            "get": operation_of(
                "A model's card",
                "The content of the model file, and of the `run.json` in its folder. Unknown values are null.",
                {"200": response_of("The card.", "ModelCard")},
                [model],
            )
        },
        "/api/runs": {
            "get": operation_of(
                "List of the training runs", shown, {"200": json_of("The runs in the folder.", runs)} | same
            )
        },
        "/api/runs/{run}": {
            "get": operation_of(
                "A training run",
                f"{shown} A client that has N rows of the history asks for `after=N` and appends the new rows. If "
                "`first` differs from N, the run was restarted and the client drops its rows.",
                {"200": response_of("The run.", "Run")} | same,
                [run, after],
            )
        },
    }


def shapes_of_the_pages() -> Json:
    """Schemas of these paths, made from the classes of the answers."""
    shapes = (ModelSummary, ModelCard, RunSummary, Run, Score)
    _, document = models_json_schema(
        [(shape, "serialization") for shape in shapes], ref_template="#/components/schemas/{model}"
    )
    schemas: Json = document["$defs"]
    return schemas
