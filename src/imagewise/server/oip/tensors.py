"""Tensors of the Open Inference Protocol: parsed from a request's body, and encoded for the answer.

https://github.com/kserve/open-inference-protocol (REST), with Triton's binary tensor data extension: after the JSON
follow the tensors that name a `binary_data_size`, little-endian, in C order; BYTES as 4 bytes of length and content.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from math import prod
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from imagewise.framing.decoding import Pixels
from imagewise.model.model import Model
from imagewise.model.session import Logits, Probabilities
from imagewise.server.http.problems import Problem
from imagewise.server.limits import Limits

INPUT = "pictures"
OUTPUTS = ("probabilities", "logits", "label")
_MAX_NUMBERS = 2**18  # in JSON: parsing more would delay health checks
_MAX_DIGITS = 19  # of a number, as in 64 bits; calculating with thousands of them would take seconds
_LONG_NUMBER = re.compile(rb"\d{%d}" % (_MAX_DIGITS + 1))
_MAX_SIDES = 8  # of a shape
_MAX_ID = 256  # characters
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which no answer can hold


@dataclass(frozen=True)
class InferenceRequest:
    """A parsed request.

    Attributes:
        id: to be sent back; None: the request has none.
        pictures: network input, uint8 (N, H, W, C); or the content of picture files.
        outputs: names of the outputs to send, in order, and whether as binary data.
    """

    id: str | None
    pictures: Pixels | list[bytes]
    outputs: tuple[tuple[str, bool], ...]


def parse_request(body: bytes, header_length: str | None, model: Model, limits: Limits) -> InferenceRequest:
    """Parse a request.

    Args:
        body: JSON, then binary data.
        header_length: `Inference-Header-Content-Length`, the number of bytes of JSON; None: all bytes are.
        model: for the pictures.
        limits: of the number of pictures.

    Raises:
        Problem: 400 if it violates the protocol or does not fit the model, 413 if it is too much.
    """
    length = len(body)
    if header_length is not None:
        if not (header_length.isascii() and header_length.isdecimal() and len(header_length) < 12):
            raise Problem(400, "Inference-Header-Content-Length: give the number of bytes of the JSON.")
        length = int(header_length)
        if length > len(body):
            raise Problem(400, f"Inference-Header-Content-Length is {length}, but the body has {len(body)} bytes.")
    request = _object(_json(body[:length]), "the request")
    parameters = _object(request.get("parameters", {}), "parameters")
    pictures = _pictures(_only_input(request), body[length:], model, limits)
    as_binary = bool(parameters.get("binary_data_output", False))
    return InferenceRequest(_identifier(request), pictures, _outputs(request, as_binary))


def encode_outputs(
    request: InferenceRequest, probabilities: Probabilities, logits: Logits, model: Model
) -> tuple[list[dict[str, Any]], bytes]:
    """The requested tensors as JSON, and the binary data that follows it.

    Args:
        request: names the tensors.
        probabilities, logits: float32 (N, classes).
        model: has the classes.
    """
    labels = [model.class_names[i] for i in probabilities.argmax(axis=1)]
    described: list[dict[str, Any]] = []
    binary = []
    for name, as_binary in request.outputs:
        if name == "label":
            tensor: dict[str, Any] = {"name": name, "datatype": "BYTES", "shape": [len(labels)]}
            content = b"".join(len(text).to_bytes(4, "little") + text for text in map(str.encode, labels))
        else:
            values = probabilities if name == "probabilities" else logits
            tensor = {"name": name, "datatype": "FP32", "shape": list(values.shape)}
            content = values.astype("<f4").tobytes()
        if as_binary:
            tensor["parameters"] = {"binary_data_size": len(content)}
            binary.append(content)
        else:
            tensor["data"] = labels if name == "label" else values.ravel().tolist()
        described.append(tensor)
    return described, b"".join(binary)


def _json(content: bytes) -> Any:
    if content.count(b",") > _MAX_NUMBERS:
        raise Problem(413, f"More than {_MAX_NUMBERS} numbers as JSON. Send them as binary data.")
    # A function of ours for each whole number is slow, so that only a body with long runs of digits gets one.
    parse_int = _bounded_int if _LONG_NUMBER.search(content) else None
    try:
        return json.loads(content, parse_int=parse_int)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "The body is not JSON. With binary data, give Inference-Header-Content-Length.") from error


def _bounded_int(digits: str) -> int:
    if len(digits.removeprefix("-")) > _MAX_DIGITS:
        raise Problem(400, f"A whole number has more than {_MAX_DIGITS} digits.")
    return int(digits)


def _identifier(request: dict[str, Any]) -> str | None:
    """The request's id, which the answer repeats."""
    identifier = request.get("id")
    if identifier is None:
        return None
    if not isinstance(identifier, str) or len(identifier) > _MAX_ID or _SURROGATE.search(identifier):
        raise Problem(400, f"id: give a string of at most {_MAX_ID} characters of Unicode.")
    return identifier


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Problem(400, f"{name}: give a JSON object.")
    return value


def _only_input(request: dict[str, Any]) -> dict[str, Any]:
    inputs = request.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1:
        raise Problem(400, f"inputs: give one, {INPUT}.")
    tensor = _object(inputs[0], "inputs")
    if tensor.get("name") != INPUT:
        raise Problem(400, f"inputs: the only input is {INPUT}.")
    return tensor


def _pictures(tensor: dict[str, Any], binary: bytes, model: Model, limits: Limits) -> Pixels | list[bytes]:
    shape = tensor.get("shape")
    if not isinstance(shape, list) or not shape or not all(type(side) is int and side > 0 for side in shape):
        raise Problem(400, f"{INPUT}: its shape must be a list of whole numbers above 0.")
    if len(shape) > _MAX_SIDES:
        raise Problem(400, f"{INPUT}: its shape has {len(shape)} sides. No model takes more than {_MAX_SIDES}.")
    kind = tensor.get("datatype")
    if kind not in ("UINT8", "BYTES"):
        raise Problem(400, f"{INPUT}: its datatype must be UINT8 (framed pictures) or BYTES (picture files).")
    wanted = model.framing.shape
    if kind == "UINT8" and tuple(shape[1:]) != wanted and (*shape[1:], 1) != wanted:
        raise Problem(400, f"{INPUT}: UINT8 must have the shape [N, {', '.join(map(str, wanted))}], not {shape}.")
    if kind == "BYTES" and any(side != 1 for side in shape[1:]):
        raise Problem(400, f"{INPUT}: BYTES must have the shape [N], not {shape}.")
    if shape[0] > limits.pictures:
        raise Problem(413, f"More than {limits.pictures} pictures. Send them in several requests.")
    size = _object(tensor.get("parameters", {}), "parameters").get("binary_data_size")
    if size is None:
        if binary:
            raise Problem(400, f"{len(binary)} bytes follow the JSON, but {INPUT} names no binary_data_size.")
        values = tensor.get("data")
        return _framed_of(values, (shape[0], *wanted)) if kind == "UINT8" else _files_of(values, shape[0])
    if type(size) is not int:
        raise Problem(400, f"{INPUT}: binary_data_size must be a whole number.")
    if size != len(binary):
        raise Problem(400, f"{INPUT}: binary_data_size says {size}, but {len(binary)} bytes follow the JSON.")
    if kind == "BYTES":
        return _files_in(binary, shape[0])
    if size != prod((shape[0], *wanted)):
        raise Problem(400, f"{INPUT}: {size} bytes do not fit the shape {shape}.")
    return np.frombuffer(binary, np.uint8).reshape(shape[0], *wanted)


def _framed_of(values: object, shape: tuple[int, ...]) -> Pixels:
    try:
        numbers: NDArray[Any] = np.array(values)
    except (ValueError, OverflowError):  # rows of different lengths, or far too deep
        numbers = np.array(None)
    whole = numbers.dtype.kind in "iu" and numbers.size > 0
    if not whole or numbers.min() < 0 or numbers.max() > 255:
        raise Problem(400, f"{INPUT}: its data must be whole numbers from 0 to 255.")
    if numbers.size != prod(shape):
        raise Problem(400, f"{INPUT}: {numbers.size} numbers, but its shape needs {prod(shape)}.")
    return cast("Pixels", numbers.astype(np.uint8).reshape(shape))


def _files_of(values: object, count: int) -> list[bytes]:
    texts = values if isinstance(values, list) else [None]
    texts = [text[0] if isinstance(text, list) and len(text) == 1 else text for text in texts]
    if len(texts) != count:
        raise Problem(400, f"{INPUT}: {len(texts)} files, but its shape says {count}.")
    try:
        return [base64.b64decode(cast("str", text), validate=True) for text in texts]
    except (TypeError, ValueError, binascii.Error) as error:
        raise Problem(400, f"{INPUT}: give each file as a base64 string, or send binary data.") from error


def _files_in(binary: bytes, count: int) -> list[bytes]:
    files, place = [], 0
    while place + 4 <= len(binary):
        end = place + 4 + int.from_bytes(binary[place : place + 4], "little")
        files.append(binary[place + 4 : end])
        place = end
    if place != len(binary) or len(files) != count:
        raise Problem(400, f"{INPUT}: its binary data must be {count} files, each after 4 bytes with its length.")
    return files


def _outputs(request: dict[str, Any], binary: bool) -> tuple[tuple[str, bool], ...]:
    asked = request.get("outputs") or [{"name": name} for name in OUTPUTS]
    if not isinstance(asked, list) or len(asked) > len(OUTPUTS):
        raise Problem(400, f"outputs: give a list of some of {', '.join(OUTPUTS)}.")
    found = []
    for entry in asked:
        tensor = _object(entry, "outputs")
        parameters = _object(tensor.get("parameters", {}), "parameters")
        if tensor.get("name") not in OUTPUTS:
            raise Problem(400, f"outputs: the only ones are {', '.join(OUTPUTS)}.")
        if parameters.get("classification"):
            raise Problem(400, "The classification extension is not supported here; request the output label.")
        if "shared_memory_region" in parameters:
            raise Problem(400, "Shared memory is not supported here.")
        found.append((tensor["name"], bool(parameters.get("binary_data", binary))))
    return tuple(found)
