"""The Open Inference Protocol, version 2, over HTTP: what KServe's and Triton's clients speak."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imagewise import __version__
from imagewise.errors import PictureError
from imagewise.model import Logits, Probabilities
from imagewise.server.batching import Recognisers
from imagewise.server.limits import Limits
from imagewise.server.problems import Problem
from imagewise.server.recognition import as_json, picture_problem
from imagewise.server.requests import find_model, read_body
from imagewise.server.shelf import ServedModel, Shelf
from imagewise.server.tensors import INPUT, answer, parse_request

_HEADER_LENGTH = "Inference-Header-Content-Length"


class OpenInference:
    """The protocol's endpoints.

    Args:
        shelf: the models. A version is the first 12 hex digits of a file's SHA-256; there is one at a time.
        recognisers: what does the work.
        limits: of a request.
        is_ready: whether the server is.
    """

    def __init__(self, shelf: Shelf, recognisers: Recognisers, limits: Limits, is_ready: Callable[[], bool]) -> None:
        self._shelf = shelf
        self._recognisers = recognisers
        self._limits = limits
        self._is_ready = is_ready

    def routes(self) -> list[Route]:
        """All of it."""
        found = [Route("/v2", self.server), Route("/v2/health/live", self.live), Route("/v2/health/ready", self.ready)]
        for path in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
            found.append(Route(path, self.model))
            found.append(Route(f"{path}/ready", self.model_ready))
            found.append(Route(f"{path}/infer", self.infer, methods=["POST"]))
        return found

    async def server(self, request: Request) -> Response:
        """What speaks here."""
        return as_json({"name": "imagewise", "version": __version__, "extensions": ["binary_tensor_data"]})

    async def live(self, request: Request) -> Response:
        """It answers, so it lives."""
        return as_json({"live": True})

    async def ready(self, request: Request) -> Response:
        """Whether all models are open and warmed up."""
        if not self._is_ready():
            raise Problem(503, "Not ready yet.", {"Retry-After": "1"})
        return as_json({"ready": True})

    async def model(self, request: Request) -> Response:
        """A model's inputs and outputs. The input may as well be BYTES of shape [-1]: picture files, framed here."""
        served = self._asked(request)
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
        """A model that can be named is ready."""
        return as_json({"name": self._asked(request).name, "ready": True})

    async def infer(self, request: Request) -> Response:
        """Recognise pictures."""
        served = self._asked(request)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Problem(415, "Compressed bodies are not taken here. Send it as it is.")
        body = await read_body(request, self._limits)
        asked = parse_request(body, request.headers.get(_HEADER_LENGTH), served.model, self._limits)
        if isinstance(asked.pictures, np.ndarray):
            framed = asked.pictures
            outputs = await self._recognisers.run(lambda: served.model.outputs(framed))
        else:
            outputs = await self._of_files(served, asked.pictures)
        described, binary = answer(asked, *outputs, served.model)
        said: dict[str, Any] = {"model_name": served.name, "model_version": served.version, "outputs": described}
        if asked.id is not None:
            said["id"] = asked.id
        if not binary:
            return as_json(said)
        header = json.dumps(said).encode()
        headers = {_HEADER_LENGTH: str(len(header))}
        return Response(header + binary, headers=headers, media_type="application/octet-stream")

    def _asked(self, request: Request) -> ServedModel:
        served = find_model(self._shelf, request.path_params["model"])
        if request.path_params.get("version", served.version) != served.version:
            raise Problem(404, f"The version of {served.name} here is {served.version}.")
        return served

    async def _of_files(self, served: ServedModel, files: list[bytes]) -> tuple[Probabilities, Logits]:
        async def one(content: bytes) -> tuple[Probabilities, Logits]:
            recognised = await self._recognisers.recognise(served, content)
            return recognised.probabilities, recognised.logits

        rows = []
        for number, row in enumerate(await asyncio.gather(*map(one, files), return_exceptions=True)):
            if isinstance(row, PictureError):
                problem = picture_problem(row)
                raise Problem(problem.status, f"{INPUT}[{number}]: {problem.detail}") from row
            if isinstance(row, BaseException):
                raise row
            rows.append(row)
        probabilities, logits = zip(*rows, strict=True)
        return np.stack(probabilities), np.stack(logits)


def speaks_of(path: str) -> bool:
    """Whether an address is one of the protocol's."""
    return path == "/v2" or path.startswith("/v2/")


def error_response(problem: Problem) -> Response:
    """An error as the protocol wants it."""
    content = json.dumps({"error": problem.detail}, ensure_ascii=False).encode()
    return Response(content, problem.status, problem.headers, media_type="application/json")
