"""The API as an OpenAPI 3.1 document, kept by hand; schemathesis holds the server to it in the tests."""

from __future__ import annotations

from imagewise.server.limits import Limits
from imagewise.server.openapi_pages import of_the_pages, shapes_of_the_pages
from imagewise.server.openapi_parts import (
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
    """The document, as JSON has it.

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
            "description": "Recognises pictures. Where the server was given IMAGEWISE_API_KEY, send it as "
            "`Authorization: Bearer KEY` or `X-API-Key: KEY`. "
            f"A body has at most {mebibytes} MiB, a request {limits.pictures} pictures, "
            f"a picture {limits.pixels // 10**6} million pixels.",
        },
        "paths": _recognition() | of_the_pages() | _open_inference() | _running(),
        "components": {
            "schemas": _schemas() | shapes_of_the_pages(),
            "responses": {
                "Problem": response_of(
                    "What is wrong and what to do (RFC 9457).", "Problem", "application/problem+json"
                ),
                "Error": response_of("What is wrong and what to do.", "Error"),
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
        "security": [{}, {"bearer": []}, {"key": []}],
    }


def _recognition() -> Json:
    top = query_of("top", {"type": "integer", "minimum": 1, "default": 3}, "How many classes to name.")
    model = query_of("model", {"type": "string", "minLength": 1}, "A model's name; without it the first one answers.")
    explain = query_of(
        "explain",
        {"enum": ["none", "input", "occlusion"], "default": "none"},
        "Show beside the answer what the network saw (input), and where it looked, too (occlusion).",
    )
    picture: Json = {kind: {} for kind in ("application/octet-stream", "image/png", "image/jpeg")}
    files = {"type": "object", "properties": {"pictures": {"type": "array", "items": file_of(), "minItems": 1}}}
    form: Json = {"multipart/form-data": {"schema": files | {"required": ["pictures"]}}}
    either = {"oneOf": [ref_of("Prediction"), {"type": "array", "items": ref_of("PictureInForm")}]}
    predict = operation_of(
        "Recognise a picture, or several",
        "One picture as the body (PNG, JPEG, WebP, GIF, BMP, TIFF, PNM) gives an object; the files of a form a list, "
        "in their order, in which one that cannot be read has an `error` in place of a `label`.",
        {"200": json_of("What stands on it.", either)},
        [top, explain, model],
        picture | form,
    )
    segment = operation_of(
        "Read several characters in one picture",
        "Their boxes are in the picture's pixels, in reading order.",
        {"200": response_of("What stands there.", "Reading")},
        [top, model],
        picture,
    )
    card = operation_of(
        "What a model says of itself", "", {"200": json_of("Its card.", object_of(["class_names"], {}))}, [model]
    )
    return {"/predict": {"post": predict}, "/segment": {"post": segment}, "/model": {"get": card}}


def _open_inference() -> Json:
    name = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    length = {
        "name": "Inference-Header-Content-Length",
        "in": "header",
        "schema": {"type": "integer", "minimum": 0},
        "description": "Bytes of JSON, where binary tensor data follows it.",
    }
    infer = operation_of(
        "Recognise pictures by the Open Inference Protocol",
        "The input `pictures` is UINT8 [N, H, W, C], framed already, or BYTES [N]: picture files, as base64 strings in "
        "JSON. The binary tensor data extension is spoken. Outputs: `probabilities` and `logits`, FP32 [N, classes], "
        "and `label`, BYTES [N].",
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
    said = {"200": json_of("Yes.", {"type": "object"})}
    found: Json = {
        "/v2": {"get": operation_of("What speaks here", "", said, error="Error")},
        "/v2/health/live": {"get": operation_of("It lives", "", said, error="Error")},
        "/v2/health/ready": {"get": operation_of("All models are ready", "", said, error="Error")},
        "/v2/models/{model}": {"get": operation_of("A model's inputs and outputs", "", said, [name], error="Error")},
        "/v2/models/{model}/ready": {"get": operation_of("A model is ready", "", said, [name], error="Error")},
        "/v2/models/{model}/infer": {"post": infer},
    }
    version = name | {"name": "version", "description": "As /v2/models/{model} names it."}
    for path in [path for path in found if "{model}" in path]:
        (method, operation), *_ = found[path].items()
        longer = operation | {"parameters": [*operation["parameters"], version]}
        found[path.replace("{model}", "{model}/versions/{version}")] = {method: longer}
    return found


def _running() -> Json:
    plain = {"200": {"description": "Text in Prometheus's format.", "content": {"text/plain": {}}}}
    said = {"200": json_of("Yes.", {"type": "object"})}
    return {
        "/livez": {"get": operation_of("The server lives", "", said)},
        "/readyz": {"get": operation_of("The models are open and warmed up", "", said)},
        "/metrics": {"get": operation_of("Figures for Prometheus", "", plain)},
    }


def _schemas() -> Json:
    probability = {"type": "number", "minimum": 0, "maximum": 1.0001}
    text, number, whole = {"type": "string"}, {"type": "number"}, {"type": "integer"}
    named = {"label": text, "probability": probability}
    signed = {
        "model": text | {"description": "The model's name."},
        "version": text | {"description": "The first 12 hex digits of its file's SHA-256."},
        "milliseconds": number | {"description": "From headers to answer."},
    }
    shown = {
        "seen": text | {"description": "What the network saw: a PNG as a data URL."},
        "occlusion": list_of(list_of(number))
        | {"description": "How much of the probability goes when each patch is hidden, row by row."},
    }
    answer = signed | named | {"top": list_of(ref_of("Class")), "explain": object_of(["seen"], shown)}
    required = [*signed, *named, "top"]
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
