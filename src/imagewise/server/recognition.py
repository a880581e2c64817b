"""`/predict`, `/segment` and `/model`: what programs ask for in the fewest words, and what the page asks for."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
from functools import partial
from typing import Any

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from imagewise.errors import LargePictureError, PictureError
from imagewise.model import Probabilities
from imagewise.occlusion import occlusion
from imagewise.picture import Pixels, read_picture
from imagewise.reading import read
from imagewise.server.batching import Recognised, Recognisers
from imagewise.server.limits import Limits
from imagewise.server.problems import Problem
from imagewise.server.requests import Explanation, Query, is_multipart, multipart_pictures, read_body
from imagewise.server.shelf import ServedModel, Shelf
from imagewise.web_export import public_card


class Recognition:
    """The endpoints that recognise pictures.

    Args:
        shelf: the models.
        recognisers: what does the work.
        limits: of a request.
    """

    def __init__(self, shelf: Shelf, recognisers: Recognisers, limits: Limits) -> None:
        self._shelf = shelf
        self._recognisers = recognisers
        self._limits = limits

    async def predict(self, request: Request) -> Response:
        """One picture as the body gives an object, several as a form's files a list."""
        began = time.perf_counter()
        query = Query(request)
        served, top, explain = query.model(self._shelf), query.top(), query.explain()
        body = await read_body(request, self._limits)
        if is_multipart(request):
            pictures = await multipart_pictures(request, body, self._limits)
            return as_json(await self._answer_all(served, pictures, top, explain, began))
        try:
            answer = await self._answer(served, body, top, explain)
        except PictureError as error:
            raise picture_problem(error) from error
        return as_json(_signed(served, began) | answer)

    async def segment(self, request: Request) -> Response:
        """Read several characters in one picture, as `predict --segment --json`."""
        began = time.perf_counter()
        query = Query(request)
        served, top = query.model(self._shelf), query.top()
        if served.model.framing.kind != "ink":
            raise Problem(
                422, f"{served.name} recognises whole pictures, no characters. Ask /predict, or another model."
            )
        body = await read_body(request, self._limits)
        try:
            reading = await self._recognisers.run(
                lambda: read(served.model, read_picture(body, self._limits.pixels), top)
            )
        except PictureError as error:
            raise picture_problem(error) from error
        return as_json(_signed(served, began) | reading.as_dict())

    async def card(self, request: Request) -> Response:
        """What a model says of itself."""
        served = Query(request).model(self._shelf)
        return as_json({"version": served.version} | public_card(served.model.card, served.name))

    async def _answer_all(
        self, served: ServedModel, pictures: list[tuple[str, bytes]], top: int, explain: Explanation, began: float
    ) -> list[dict[str, Any]]:
        asked = [self._answer(served, content, top, explain) for _, content in pictures]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        rows: list[dict[str, Any]] = []
        for (name, _), answer in zip(pictures, answers, strict=True):
            if isinstance(answer, PictureError):
                rows.append({"picture": name, "error": str(answer).replace("the picture:", f"{name}:", 1)})
            elif isinstance(answer, BaseException):
                raise answer
            else:
                rows.append({"picture": name} | _signed(served, began) | answer)
        if not any("label" in row for row in rows):
            first = rows[0]["error"]
            raise Problem(422, first if len(rows) == 1 else f"None of the {len(rows)} pictures can be read. {first}")
        return rows

    async def _answer(self, served: ServedModel, content: bytes, top: int, explain: Explanation) -> dict[str, Any]:
        recognised = await self._recognisers.recognise(served, content)
        answer = served.model.prediction(recognised.probabilities, top).as_dict()
        if explain != "none":
            answer["explain"] = await self._recognisers.run(partial(_explained, served, recognised, explain))
        return answer


def picture_problem(error: PictureError) -> Problem:
    """413 for a picture that is too large, 422 for one that cannot be read."""
    return Problem(413 if isinstance(error, LargePictureError) else 422, str(error))


def as_json(value: object) -> Response:
    """200 with a compact JSON body."""
    content = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, media_type="application/json")


def _signed(served: ServedModel, began: float) -> dict[str, Any]:
    milliseconds = round((time.perf_counter() - began) * 1000, 3)
    return {"model": served.name, "version": served.version, "milliseconds": milliseconds}


def _explained(served: ServedModel, recognised: Recognised, explain: Explanation) -> dict[str, Any]:
    shown: dict[str, Any] = {"seen": _png(recognised.framed)}
    if explain == "occlusion":
        probabilities: Probabilities = recognised.probabilities
        drops = occlusion(served.model, recognised.framed, probabilities)
        shown["occlusion"] = [[round(float(drop), 4) for drop in row] for row in drops]
    return shown


def _png(framed: Pixels) -> str:
    """As a data URL."""
    file = io.BytesIO()
    Image.fromarray(framed[..., 0] if framed.shape[2] == 1 else framed).save(file, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
