"""What the pages of models and training runs ask for, in the OpenAPI document."""

from __future__ import annotations

from imagewise.server.openapi_parts import (
    Json,
    json_of,
    list_of,
    object_of,
    operation_of,
    query_of,
    ref_of,
    response_of,
)

_TEXT: Json = {"type": ["string", "null"]}
_NUMBER: Json = {"type": ["number", "null"]}
_SHARE: Json = _NUMBER | {"minimum": 0, "maximum": 1}
_STATES = ["training", "finished", "interrupted", "unknown"]


def of_the_pages() -> Json:
    """The addresses."""
    model, run = ({"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in ("model", "run"))
    after = query_of(
        "after", {"type": "integer", "minimum": 0, "default": 0}, "How many rows of the history are known already."
    )
    models = object_of(["models"], {"models": list_of(ref_of("ModelSummary"))})
    runs = object_of(["runs", "problem"], {"runs": list_of(ref_of("RunSummary")), "problem": _TEXT})
    same: Json = {"304": {"description": "Just what the `ETag` in `If-None-Match` stands for.", "content": {}}}
    shown = "Only where the server was started with `--runs DIR`; else 404."
    return {
        "/api/models": {"get": operation_of("The models that are served", "", {"200": json_of("All.", models)})},
        "/api/models/{model}": {
            "get": operation_of(
                "A model's card",
                "What its file says, and what the record of its run beside it adds. What neither says is null.",
                {"200": response_of("The card.", "ModelCard")},
                [model],
            )
        },
        "/api/runs": {
            "get": operation_of("Training runs", shown, {"200": json_of("Those in the folder.", runs)} | same)
        },
        "/api/runs/{run}": {
            "get": operation_of(
                "A training run",
                f"{shown} A client that knows N rows of the history asks for `after=N` and adds what comes, unless "
                "`first` is another number: then the run was begun anew.",
                {"200": response_of("The run.", "Run")} | same,
                [run, after],
            )
        },
    }


def shapes_of_the_pages() -> Json:
    """The shapes that they name."""
    summary = {
        "name": {"type": "string"},
        "state": {"enum": _STATES},
        **dict.fromkeys(("recipe", "data", "engine", "device", "started", "finished"), _TEXT),
        "written": {"type": "string", "description": "When its files were last written to."},
        "epochs": {"type": "integer", "description": "Run so far."},
        "planned_epochs": _NUMBER,
        "validation_accuracy": _NUMBER | {"description": "Of the best epoch so far."},
        "best_epoch": _NUMBER | {"description": "The first epoch with it."},
        "model_epoch": _NUMBER | {"description": "The epoch that the model file is from."},
        "test_accuracy": _NUMBER,
        "seconds": {"type": "number", "description": "Of training steps."},
        "has_model": {"type": "boolean"},
        "problems": list_of({"type": "string"}) | {"description": "What could not be read, and why."},
    }
    score = {"oneOf": [ref_of("Score"), {"type": "null"}]}
    run = summary | {
        "settings": {"type": "object", "description": "The recipe's fields by dotted names."},
        "versions": {"type": "object"},
        "counts": {"type": "object", "description": "Pictures of each split."},
        "fingerprint": _TEXT,
        "validation": score,
        "test": score,
        "served": _TEXT | {"description": "The name of its model, where this server serves it."},
        "columns": list_of({"type": "string"}),
        "first": {"type": "integer", "description": "How many rows are left out of `history`."},
        "history": list_of(list_of(_NUMBER)) | {"description": "A row an epoch, a value a column."},
    }
    brief = {
        "name": {"type": "string"},
        "version": {"type": "string"},
        "size": {"type": "integer", "description": "Bytes."},
        "created": _TEXT,
        "classes": {"type": "integer"},
        "recipe": _TEXT,
        "data": _TEXT,
        "test_accuracy": _NUMBER,
    }
    card = {
        **{key: brief[key] for key in ("name", "version", "size", "created")},
        "class_names": list_of({"type": "string"}),
        "framing": {"type": "object"},
        "network": {"type": ["object", "null"]},
        "recipe": {"type": ["object", "null"]},
        "data": {"type": "object"},
        "versions": {"type": ["object", "null"]},
        "metrics": {"type": "object", "additionalProperties": ref_of("Score")},
        "licence": _TEXT | {"description": "ONNX's `model_license`."},
        "author": _TEXT | {"description": "ONNX's `model_author`."},
        "run": _TEXT | {"description": "The training run that it is from, where that is shown here."},
        "training": {"type": ["object", "null"], "description": "From run.json beside the file, where it is its own."},
    }
    a_class = object_of([], {**dict.fromkeys(("precision", "recall", "f1"), _SHARE), "count": _NUMBER})
    metrics = {
        "count": _NUMBER,
        "accuracy": {"type": "number"},
        "accuracy_interval": {"type": ["array", "null"], "items": {"type": "number"}, "description": "95%."},
        "top3_accuracy": _NUMBER,
        "calibration_error": _NUMBER,
        "classes": {"type": ["object", "null"], "additionalProperties": a_class},
        "confusion": {
            "type": ["array", "null"],
            "items": list_of({"type": "number"}),
            "description": "Rows are true classes, columns what they were taken for.",
        },
    }
    return {
        "ModelSummary": object_of(list(brief), brief),
        "ModelCard": object_of(list(card), card),
        "RunSummary": object_of(list(summary), summary),
        "Run": object_of(list(run), run),
        "Score": object_of(list(metrics), metrics),
    }
