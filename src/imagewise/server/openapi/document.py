"""The API as an OpenAPI 3.1 document, written by hand; tests with schemathesis compare the server with it."""

from __future__ import annotations

from imagewise.server.limits import Limits
from imagewise.server.openapi.pages import of_the_pages, shapes_of_the_pages
from imagewise.server.openapi.parts import (
    Json,
    file_of,
    json_of,
    list_of,
    object_of,
    operation_of,
    query_of,
    ref_of,
    response_of,
)


def openapi(version: str, limits: Limits) -> Json:
    """The document as JSON values.

    Args:
        version: imagewise's.
        limits: that its texts name.
    """
    mebibytes = limits.body // 2**20
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "imagewise",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "Recognises pictures. If the server was started with IMAGEWISE_API_KEY, send the key as "
            "`Authorization: Bearer KEY` or `X-API-Key: KEY`. "
            f"Limits: {mebibytes} MiB for a body, {limits.pictures} pictures for a request, "
            f"{limits.pixels // 10**6} million pixels for a picture.",
        },
        "paths": _recognition() | of_the_pages() | _open_inference() | _running(),
        "components": {
            "schemas": _schemas() | shapes_of_the_pages(),
            "responses": {
                "Problem": response_of(
                    "The error, and how to fix it (RFC 9457).", "Problem", "application/problem+json"
                ),
                "Error": response_of("The error, and how to fix it.", "Error"),
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
        "security": [{}, {"bearer": []}, {"key": []}],
    }


def _recognition() -> Json:
    top = query_of("top", {"type": "integer", "minimum": 1, "default": 3}, "Number of classes in `top`.")
    model = query_of("model", {"type": "string", "minLength": 1}, "Name of the model (default: the first one).")
    explain = query_of(
        "explain",
        {"enum": ["none", "input", "occlusion"], "default": "none"},
        "Add the network's input (`input`), and also the areas that mattered most (`occlusion`).",
    )
    picture: Json = {kind: {} for kind in ("application/octet-stream", "image/png", "image/jpeg")}
    files = {"type": "object", "properties": {"pictures": {"type": "array", "items": file_of(), "minItems": 1}}}
    form: Json = {"multipart/form-data": {"schema": files | {"required": ["pictures"]}}}
    either = {"oneOf": [ref_of("Prediction"), {"type": "array", "items": ref_of("PictureInForm")}]}
    predict = operation_of(
        "Predict one picture or several",
        "Send one picture as the body (PNG, JPEG, WebP, GIF, BMP, TIFF, PNM); the answer is an object. Or send "
        "several pictures as the files of a form; the answer is a list in the same order. An entry has an `error` "
        "instead of a `label` if its file cannot be read.",
        {"200": json_of("The prediction.", either)},
        [top, explain, model],
        picture | form,
    )
    segment = operation_of(
        "Read several characters in one picture",
        "The characters are in reading order. Boxes are in pixels of the picture.",
        {"200": response_of("The recognised text.", "Reading")},
        [top, model],
        picture,
    )
    card = operation_of(
        "The card of a model", "", {"200": json_of("The card.", object_of(["class_names"], {}))}, [model]
    )
    return {"/predict": {"post": predict}, "/segment": {"post": segment}, "/model": {"get": card}}


def _open_inference() -> Json:
    name = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    length = {
        "name": "Inference-Header-Content-Length",
        "in": "header",
        "schema": {"type": "integer", "minimum": 0},
        "description": "Number of bytes of JSON, if binary tensor data follows.",
    }
    infer = operation_of(
        "Predict pictures by the Open Inference Protocol",
        "The input `pictures` is UINT8 [N, H, W, C], already framed, or BYTES [N]: picture files, as base64 strings in "
        "JSON. The binary tensor data extension is supported. Outputs: `probabilities` and `logits`, FP32 "
        "[N, classes], and `label`, BYTES [N].",
        {
            "200": {
                "description": "The outputs.",
                "content": {
                    "application/json": {"schema": ref_of("InferenceResponse")},
                    "application/octet-stream": {},
                },
            }
        },
        [name, length],
        {"application/json": {"schema": ref_of("InferenceRequest")}, "application/octet-stream": {}},
        error="Error",
    )
    said = {"200": json_of("OK.", {"type": "object"})}
    found: Json = {
        "/v2": {"get": operation_of("Server metadata", "", said, error="Error")},
        "/v2/health/live": {"get": operation_of("Liveness check", "", said, error="Error")},
        "/v2/health/ready": {"get": operation_of("Readiness check of all models", "", said, error="Error")},
        "/v2/models/{model}": {"get": operation_of("Inputs and outputs of a model", "", said, [name], error="Error")},
        "/v2/models/{model}/ready": {
            "get": operation_of("Readiness check of one model", "", said, [name], error="Error")
        },
        "/v2/models/{model}/infer": {"post": infer},
    }
    version = name | {"name": "version", "description": "The version that /v2/models/{model} returns."}
    for path in [path for path in found if "{model}" in path]:
        (method, operation), *_ = found[path].items()
        longer = operation | {"parameters": [*operation["parameters"], version]}
        found[path.replace("{model}", "{model}/versions/{version}")] = {method: longer}
    return found


def _running() -> Json:
    plain = {"200": {"description": "Text in Prometheus's format.", "content": {"text/plain": {}}}}
    said = {"200": json_of("OK.", {"type": "object"})}
    return {
        "/livez": {"get": operation_of("Liveness check", "", said)},
        "/readyz": {"get": operation_of("Readiness check", "", said)},
        "/metrics": {"get": operation_of("Metrics for Prometheus", "", plain)},
    }


def _schemas() -> Json:
    probability = {"type": "number", "minimum": 0, "maximum": 1.0001}
    text, number, whole = {"type": "string"}, {"type": "number"}, {"type": "integer"}
    named = {"label": text, "probability": probability}
    signed = {
        "model": text | {"description": "Name of the model."},
        "version": text | {"description": "The first 12 hex digits of its file's SHA-256."},
        "milliseconds": number | {"description": "Time from the request's headers to the answer."},
    }
    shown = {
        "seen": text | {"description": "The network's input: a PNG as a data URL."},
        "occlusion": list_of(list_of(number))
        | {"description": "Drop of the probability if each patch is covered, row by row."},
    }
    doubt = {"enum": ["no ink", None], "description": "Why the label means nothing, or null."}
    answer = signed | named | {"top": list_of(ref_of("Class")), "doubt": doubt, "explain": object_of(["seen"], shown)}
    required = [*signed, *named, "top", "doubt"]
    sides = ("left", "top", "width", "height")
    box = object_of(list(sides), dict.fromkeys(sides, whole))
    tensor = {
        "name": text,
        "shape": list_of(whole),
        "datatype": {"enum": ["UINT8", "BYTES", "FP32"]},
        "parameters": {"type": "object"},
        "data": list_of({}),
    }
    asked = tensor | {"name": {"const": "pictures"}, "datatype": {"enum": ["UINT8", "BYTES"]}}
    output = object_of(
        ["name"], {"name": {"enum": ["probabilities", "logits", "label"]}, "parameters": {"type": "object"}}
    )
    described = {"type": text, "title": text, "status": whole, "detail": text, "instance": text}
    return {
        "Class": object_of(list(named), named),
        "Prediction": object_of(required, answer),
        "PictureInForm": {
            "oneOf": [
                object_of(["picture", *required], {"picture": text} | answer),
                object_of(["picture", "error"], {"picture": text, "error": text}),
            ]
        },
        "Reading": object_of(
            [*signed, "text", "probability", "characters"],
            signed
            | {
                "text": text,
                "probability": probability,
                "characters": list_of(
                    object_of(["box", *named], {"box": box, "top": list_of(ref_of("Class"))} | named)
                ),
            },
        ),
        "InferenceRequest": object_of(
            ["inputs"],
            {
                "id": text,
                "parameters": {"type": "object"},
                "inputs": list_of(object_of(["name", "shape", "datatype"], asked)) | {"minItems": 1, "maxItems": 1},
                "outputs": list_of(output),
            },
        ),
        "InferenceResponse": object_of(
            ["model_name", "model_version", "outputs"],
            {
                "model_name": text,
                "model_version": text,
                "id": text,
                "outputs": list_of(object_of(["name", "shape", "datatype"], tensor)),
            },
        ),
        "Problem": object_of(list(described), described),
        "Error": object_of(["error"], {"error": text}),
    }
