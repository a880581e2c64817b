"""The Open Inference Protocol, version 2, over HTTP, for the clients of KServe and Triton."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imagewise import __version__
from imagewise.errors import PictureError
from imagewise.model.session import Logits, Probabilities
from imagewise.server.http.problems import Problem, picture_problem
from imagewise.server.http.requests import find_model, read_body, source_of
from imagewise.server.http.responses import as_json
from imagewise.server.inference.fair_queue import Source
from imagewise.server.inference.pool import InferencePool
from imagewise.server.limits import Limits
from imagewise.server.models import ModelRepository, ServedModel
from imagewise.server.oip.tensors import INPUT, InferenceRequest, encode_outputs, parse_request

_HEADER_LENGTH = "Inference-Header-Content-Length"
_SMALL = 2**16  # bytes of a body that is parsed in less than a millisecond


class OpenInference:
    """The protocol's endpoints.

    Args:
        repository: the models. A version is the first 12 hex digits of a file's SHA-256; there is one at a time.
        pool: does the work.
        limits: of a request.
    """

    def __init__(self, repository: ModelRepository, pool: InferencePool, limits: Limits) -> None:
        self._repository = repository
        self._pool = pool
        self._limits = limits

    def routes(self) -> list[Route]:
        """Routes of all endpoints but the health checks."""
        found = [Route("/v2", self.server)]
        for path in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
            found.append(Route(path, self.model))
            found.append(Route(f"{path}/ready", self.model_ready))
            found.append(Route(f"{path}/infer", self.infer, methods=["POST"]))
        return found

    async def server(self, request: Request) -> Response:
        """Describe the server."""
        return as_json({"name": "imagewise", "version": __version__, "extensions": ["binary_tensor_data"]})

    async def model(self, request: Request) -> Response:
        """Describe a model's inputs and outputs. The input may also be BYTES [-1]: picture files, framed here."""
        served = self._named_model(request)
        classes = [-1, len(served.model.class_names)]
        return as_json(
            {
                "name": served.name,
                "versions": [served.version],
                "platform": "onnx_onnxv1",
                "inputs": [{"name": INPUT, "datatype": "UINT8", "shape": [-1, *served.model.framing.shape]}],
                "outputs": [
                    {"name": "probabilities", "datatype": "FP32", "shape": classes},
                    {"name": "logits", "datatype": "FP32", "shape": classes},
                    {"name": "label", "datatype": "BYTES", "shape": [-1]},
                ],
            }
        )

    async def model_ready(self, request: Request) -> Response:
        """200 for each model that exists: it is open and warmed up."""
        return as_json({"name": self._named_model(request).name, "ready": True})

    async def infer(self, request: Request) -> Response:
        """Recognise pictures."""
        served = self._named_model(request)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Problem(415, "Compressed bodies are not supported. Send the body uncompressed.")
        body = await read_body(request, self._limits)
        source = source_of(request)
        parsed = await self._parse(body, request.headers.get(_HEADER_LENGTH), served, source)
        if isinstance(parsed.pictures, np.ndarray):
            framed = parsed.pictures
            outputs = await self._pool.run(lambda: served.model.outputs(framed), source)
        else:
            outputs = await self._infer_files(served, parsed.pictures, source)
        tensors, binary = encode_outputs(parsed, *outputs, served.model)
        found: dict[str, Any] = {"model_name": served.name, "model_version": served.version, "outputs": tensors}
        if parsed.id is not None:
            found["id"] = parsed.id
        if not binary:
            return as_json(found)
        header = json.dumps(found).encode()
        headers = {_HEADER_LENGTH: str(len(header))}
        return Response(header + binary, headers=headers, media_type="application/octet-stream")

    async def _parse(
        self, body: bytes, header_length: str | None, served: ServedModel, source: Source
    ) -> InferenceRequest:
        """Parse a small body here, and a large one on the threads of the pool: the event loop goes on meanwhile."""
        parse = partial(parse_request, body, header_length, served.model, self._limits)
        return parse() if len(body) <= _SMALL else await self._pool.run(parse, source)

    def _named_model(self, request: Request) -> ServedModel:
        served = find_model(self._repository, request.path_params["model"])
        if request.path_params.get("version", served.version) != served.version:
            raise Problem(404, f"Version not found. {served.name} has version {served.version}.")
        return served

    async def _infer_files(
        self, served: ServedModel, files: list[bytes], source: Source
    ) -> tuple[Probabilities, Logits]:
        async def one(content: bytes) -> tuple[Probabilities, Logits]:
            result = await self._pool.recognise(served, content, source)
            return result.probabilities, result.logits

        rows = []
        for number, row in enumerate(await asyncio.gather(*map(one, files), return_exceptions=True)):
            if isinstance(row, PictureError):
                raise picture_problem(row.at(f"{INPUT}[{number}]")) from row
            if isinstance(row, BaseException):
                raise row
            rows.append(row)
        probabilities, logits = zip(*rows, strict=True)
        return np.stack(probabilities), np.stack(logits)


def is_protocol_path(path: str) -> bool:
    """Whether an address belongs to the protocol."""
    return path == "/v2" or path.startswith("/v2/")


def error_response(problem: Problem) -> Response:
    """An error in the protocol's shape."""
    content = json.dumps({"error": problem.detail}, ensure_ascii=False).encode()
    return Response(content, problem.status, problem.headers, media_type="application/json")
