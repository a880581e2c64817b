"""`/predict`, `/segment` and `/model`: the API for programs, which the page uses too."""

from __future__ import annotations

import asyncio
import base64
import io
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from imagewise.errors import PictureError
from imagewise.export.web import public_card
from imagewise.framing.decoding import Pixels, read_picture
from imagewise.model.occlusion import occlusion
from imagewise.model.text_recognition import Reading, read
from imagewise.server.http.problems import Problem, as_picture_error, picture_problem
from imagewise.server.http.requests import Explanation, Query, is_multipart, multipart_pictures, read_body, source_of
from imagewise.server.http.responses import as_json
from imagewise.server.inference.fair_queue import Source
from imagewise.server.inference.jobs import InferenceResult
from imagewise.server.inference.pool import InferencePool
from imagewise.server.limits import Limits
from imagewise.server.models import ModelRepository, ServedModel


class PredictApi:
    """The endpoints that recognise pictures.

    Args:
        repository: the models.
        pool: does the work.
        limits: of a request.
        on_fault: called with an error of ours that one row of an answer hides.
    """

    def __init__(
        self,
        repository: ModelRepository,
        pool: InferencePool,
        limits: Limits,
        on_fault: Callable[[Exception], None],
    ) -> None:
        self._repository = repository
        self._pool = pool
        self._limits = limits
        self._on_fault = on_fault

    async def predict(self, request: Request) -> Response:
        """Recognise one picture, the body (answer: an object), or the files of a form (answer: a list)."""
        began = time.perf_counter()
        query = Query(request)
        served, top, explain = query.model(self._repository), query.top(), query.explain()
        body = await read_body(request, self._limits)
        if is_multipart(request):
            pictures = await multipart_pictures(request, body, self._limits)
            return as_json(await self._predict_form(served, pictures, top, explain, began, source_of(request)))
        try:
            prediction = await self._predict_one(served, body, top, explain, source_of(request))
        except PictureError as error:
            raise picture_problem(error) from error
        return as_json(_head(served, began) | prediction)

    async def segment(self, request: Request) -> Response:
        """Read several characters in one picture, as `predict --segment --json` does."""
        began = time.perf_counter()
        query = Query(request)
        served, top = query.model(self._repository), query.top()
        if served.model.framing.kind != "ink":
            raise Problem(
                422, f"{served.name} recognises whole pictures, not characters. Use /predict, or another model."
            )
        body = await read_body(request, self._limits)
        try:
            reading = await self._pool.decode(body, partial(self._read, served, body, top), source_of(request))
        except PictureError as error:
            raise picture_problem(error) from error
        return as_json(_head(served, began) | reading.as_dict())

    async def card(self, request: Request) -> Response:
        """Describe a model by its card."""
        served = Query(request).model(self._repository)
        return as_json({"version": served.version} | public_card(served.model.card, served.name))

    @staticmethod
    def _read(served: ServedModel, content: bytes, top: int, most_pixels: int) -> Reading:
        with as_picture_error():
            return read(served.model, read_picture(content, most_pixels), top)

    async def _predict_form(
        self,
        served: ServedModel,
        pictures: list[tuple[str, bytes]],
        top: int,
        explain: Explanation,
        began: float,
        source: Source,
    ) -> list[dict[str, Any]]:
        """Rows of an answer, each with a prediction or an error.

        Raises:
            Problem: no picture can be read, too many wait, or it takes too long.
            Exception: no picture can be recognised, and not only for the pictures' sake.
        """
        waiting = [self._predict_one(served, content, top, explain, source) for _, content in pictures]
        rows: list[dict[str, Any]] = []
        faults: list[Exception] = []
        for (name, _), found in zip(pictures, await asyncio.gather(*waiting, return_exceptions=True), strict=True):
            if not isinstance(found, BaseException):
                rows.append({"picture": name} | _head(served, began) | found)
            elif isinstance(found, PictureError):
                rows.append({"picture": name, "error": str(found.at(name))})
            elif isinstance(found, Problem) or not isinstance(found, Exception):
                raise found  # too many wait, or it takes too long: the whole request has to be sent again
            else:
                rows.append({"picture": name, "error": f"{name}: could not be recognised. The server's log says why."})
                faults.append(found)
        if not any("label" in row for row in rows):
            if faults:
                raise faults[0]
            first = rows[0]["error"]
            raise Problem(422, first if len(rows) == 1 else f"None of the {len(rows)} pictures can be read. {first}")
        for fault in faults:
            self._on_fault(fault)
        return rows

    async def _predict_one(
        self, served: ServedModel, content: bytes, top: int, explain: Explanation, source: Source
    ) -> dict[str, Any]:
        result = await self._pool.recognise(served, content, source)
        prediction = served.model.prediction(result.probabilities, top).as_dict()
        without_ink = served.model.framing.kind == "ink" and not result.framed.any()
        prediction["doubt"] = "no ink" if without_ink else None
        if explain != "none":
            prediction["explain"] = await self._pool.run(partial(_explanation, served, result, explain), source)
        return prediction


def _head(served: ServedModel, began: float) -> dict[str, Any]:
    """The first fields of each answer."""
    milliseconds = round((time.perf_counter() - began) * 1000, 3)
    return {"model": served.name, "version": served.version, "milliseconds": milliseconds}


def _explanation(served: ServedModel, result: InferenceResult, explain: Explanation) -> dict[str, Any]:
    """The network's input as a picture, and for `occlusion` the drop of probability, patch by patch."""
    shown: dict[str, Any] = {"seen": _data_url(result.framed)}
    if explain == "occlusion":
        drops = occlusion(served.model, result.framed, result.probabilities)
        shown["occlusion"] = [[round(float(drop), 4) for drop in row] for row in drops]
    return shown


def _data_url(framed: Pixels) -> str:
    """A PNG of network input, uint8 (H, W, C), as a data URL."""
    file = io.BytesIO()
    Image.fromarray(framed[..., 0] if framed.shape[2] == 1 else framed).save(file, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
