"""The API as an OpenAPI 3.1 document, kept by hand; schemathesis holds the server to it in the tests."""

from __future__ import annotations

from typing import Any

from imagewise.server.limits import Limits

Json = dict[str, Any]


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
        "paths": _recognition() | _open_inference() | _running(),
        "components": {
            "schemas": _schemas(),
            "responses": {
                "Problem": _response("What is wrong and what to do (RFC 9457).", "Problem", "application/problem+json"),
                "Error": _response("What is wrong and what to do.", "Error"),
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
        "security": [{}, {"bearer": []}, {"key": []}],
    }


def _recognition() -> Json:
    top = _query("top", {"type": "integer", "minimum": 1, "default": 3}, "How many classes to name.")
    model = _query("model", {"type": "string", "minLength": 1}, "A model's name; without it the first one answers.")
    explain = _query(
        "explain",
        {"enum": ["none", "input", "occlusion"], "default": "none"},
        "Show beside the answer what the network saw (input), and where it looked, too (occlusion).",
    )
    picture: Json = {kind: {} for kind in ("application/octet-stream", "image/png", "image/jpeg")}
    files = {"type": "object", "properties": {"pictures": {"type": "array", "items": _file(), "minItems": 1}}}
    form: Json = {"multipart/form-data": {"schema": files | {"required": ["pictures"]}}}
    either = {"oneOf": [_ref("Prediction"), {"type": "array", "items": _ref("PictureInForm")}]}
    predict = _operation(
        "Recognise a picture, or several",
        "One picture as the body (PNG, JPEG, WebP, GIF, BMP, TIFF, PNM) gives an object; the files of a form a list, "
        "in their order, in which one that cannot be read has an `error` in place of a `label`.",
        {"200": _json("What stands on it.", either)},
        [top, explain, model],
        picture | form,
    )
    segment = _operation(
        "Read several characters in one picture",
        "Their boxes are in the picture's pixels, in reading order.",
        {"200": _response("What stands there.", "Reading")},
        [top, model],
        picture,
    )
    card = _operation(
        "What a model says of itself", "", {"200": _json("Its card.", _object(["class_names"], {}))}, [model]
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
    infer = _operation(
        "Recognise pictures by the Open Inference Protocol",
        "The input `pictures` is UINT8 [N, H, W, C], framed already, or BYTES [N]: picture files, as base64 strings in "
        "JSON. The binary tensor data extension is spoken. Outputs: `probabilities` and `logits`, FP32 [N, classes], "
        "and `label`, BYTES [N].",
        {
            "200": {
                "description": "The outputs.",
                "content": {
                    "application/json": {"schema": _ref("InferenceResponse")},
                    "application/octet-stream": {},
                },
            }
        },
        [name, length],
        {"application/json": {"schema": _ref("InferenceRequest")}, "application/octet-stream": {}},
        error="Error",
    )
    said = {"200": _json("Yes.", {"type": "object"})}
    found: Json = {
        "/v2": {"get": _operation("What speaks here", "", said, error="Error")},
        "/v2/health/live": {"get": _operation("It lives", "", said, error="Error")},
        "/v2/health/ready": {"get": _operation("All models are ready", "", said, error="Error")},
        "/v2/models/{model}": {"get": _operation("A model's inputs and outputs", "", said, [name], error="Error")},
        "/v2/models/{model}/ready": {"get": _operation("A model is ready", "", said, [name], error="Error")},
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
    said = {"200": _json("Yes.", {"type": "object"})}
    return {
        "/livez": {"get": _operation("The server lives", "", said)},
        "/readyz": {"get": _operation("The models are open and warmed up", "", said)},
        "/metrics": {"get": _operation("Figures for Prometheus", "", plain)},
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
        "occlusion": _list(_list(number))
        | {"description": "How much of the probability goes when each patch is hidden, row by row."},
    }
    answer = signed | named | {"top": _list(_ref("Class")), "explain": _object(["seen"], shown)}
    required = [*signed, *named, "top"]
    sides = ("left", "top", "width", "height")
    box = _object(list(sides), dict.fromkeys(sides, whole))
    tensor = {
        "name": text,
        "shape": _list(whole),
        "datatype": {"enum": ["UINT8", "BYTES", "FP32"]},
        "parameters": {"type": "object"},
        "data": _list({}),
    }
    asked = tensor | {"name": {"const": "pictures"}, "datatype": {"enum": ["UINT8", "BYTES"]}}
    output = _object(
        ["name"], {"name": {"enum": ["probabilities", "logits", "label"]}, "parameters": {"type": "object"}}
    )
    described = {"type": text, "title": text, "status": whole, "detail": text, "instance": text}
    return {
        "Class": _object(list(named), named),
        "Prediction": _object(required, answer),
        "PictureInForm": {
            "oneOf": [
                _object(["picture", *required], {"picture": text} | answer),
                _object(["picture", "error"], {"picture": text, "error": text}),
            ]
        },
        "Reading": _object(
            [*signed, "text", "probability", "characters"],
            signed
            | {
                "text": text,
                "probability": probability,
                "characters": _list(_object(["box", *named], {"box": box, "top": _list(_ref("Class"))} | named)),
            },
        ),
        "InferenceRequest": _object(
            ["inputs"],
            {
                "id": text,
                "parameters": {"type": "object"},
                "inputs": _list(_object(["name", "shape", "datatype"], asked)) | {"minItems": 1, "maxItems": 1},
                "outputs": _list(output),
            },
        ),
        "InferenceResponse": _object(
            ["model_name", "model_version", "outputs"],
            {
                "model_name": text,
                "model_version": text,
                "id": text,
                "outputs": _list(_object(["name", "shape", "datatype"], tensor)),
            },
        ),
        "Problem": _object(list(described), described),
        "Error": _object(["error"], {"error": text}),
    }


def _operation(
    summary: str,
    description: str,
    responses: Json,
    parameters: list[Json] | None = None,
    body: Json | None = None,
    error: str = "Problem",
) -> Json:
    found: Json = {"summary": summary, "parameters": parameters or []}
    if description:
        found["description"] = description
    if body is not None:
        found["requestBody"] = {"required": True, "content": body}
    return found | {"responses": responses | {"default": {"$ref": f"#/components/responses/{error}"}}}


def _query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _response(description: str, schema: str, kind: str = "application/json") -> Json:
    return {"description": description, "content": {kind: {"schema": _ref(schema)}}}


def _json(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _object(required: list[str], properties: Json) -> Json:
    return {"type": "object", "required": required, "properties": properties}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _file() -> Json:
    return {"type": "string", "contentMediaType": "application/octet-stream"}


def _ref(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}
