"""`/models` and `/models/NAME`: what a model file says of itself, as a page and, under `/api`, as JSON.

Nothing is made up: what neither the file nor the record of its run beside it says is null, and the page says so.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imagewise.server import lenient
from imagewise.server.page_files import PageFiles, html
from imagewise.server.recognition import as_json
from imagewise.server.requests import find_model
from imagewise.server.run_reading import read_record
from imagewise.server.shelf import ServedModel, Shelf
from imagewise.web_export import public_card

_AUTHOR, _LICENCE = "model_author", "model_license"  # ONNX's own names of them, in metadata_props


class ModelPages:
    """The pages of the models, and their JSON.

    Args:
        shelf: the models.
        pages: the files of the pages.
        runs: the folder of training runs that is shown; None: none.
    """

    def __init__(self, shelf: Shelf, pages: PageFiles, runs: Path | None) -> None:
        self._shelf = shelf
        self._runs = runs
        self._list = pages.page("models.html", "models")
        self._one = pages.page("model.html", "models", "../")

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/models", self.models_page),
            Route("/models/{model}", self.model_page),
            Route("/api/models", self.models),
            Route("/api/models/{model}", self.model),
        ]

    async def models_page(self, request: Request) -> Response:
        """`/models`."""
        return html(self._list)

    async def model_page(self, request: Request) -> Response:
        """`/models/NAME`, whatever the name: the page asks whether there is such a model."""
        return html(self._one)

    async def models(self, request: Request) -> Response:
        """All models in few words."""
        served = [model for name in self._shelf.names if (model := self._shelf.get(name)) is not None]
        return as_json({"models": [_summary(model) for model in served]})

    async def model(self, request: Request) -> Response:
        """One model's card."""
        served = find_model(self._shelf, request.path_params["model"])
        found = await asyncio.to_thread(card, served)
        folder = served.path.resolve().parent
        shown = self._runs is not None and folder.parent == self._runs.resolve()
        return as_json(found | {"run": lenient.text(folder.name) if shown else None})


def card(served: ServedModel) -> dict[str, Any]:
    """All that is known of a model, as plain values."""
    model = served.model
    shown: dict[str, Any] = lenient.plain(public_card(model.card, served.name))
    scores = {name: lenient.metrics(score) for name, score in lenient.mapping(model.card.metrics).items()}
    return shown | {
        "version": served.version,
        "size": served.size,
        "licence": lenient.text(model.metadata.get(_LICENCE)) or None,
        "author": lenient.text(model.metadata.get(_AUTHOR)) or None,
        "metrics": {lenient.text(name): score for name, score in scores.items() if score is not None},
        "training": _training(served),
    }


def _summary(served: ServedModel) -> dict[str, Any]:
    whole = served.model.card
    test = lenient.metrics(lenient.mapping(whole.metrics).get("test"))
    return {
        "name": served.name,
        "version": served.version,
        "size": served.size,
        "created": lenient.text(whole.created),
        "classes": len(whole.class_names),
        "recipe": lenient.text(lenient.mapping(whole.recipe).get("name")),
        "data": lenient.text(lenient.mapping(whole.data).get("name")),
        "test_accuracy": test["accuracy"] if test else None,
    }


def _training(served: ServedModel) -> dict[str, Any] | None:
    """What the record beside the file adds, where it is the record of this very model; else None."""
    record, mine = read_record(served.path.parent), served.model.card
    if not record:
        return None
    same = record.get("recipe") == mine.recipe and record.get("network") == mine.network
    if not same or lenient.mapping(record.get("data")).get("fingerprint") != lenient.mapping(mine.data).get(
        "fingerprint"
    ):
        return None
    results = lenient.mapping(record.get("results"))
    return {
        "engine": lenient.text(record.get("engine")),
        "device": lenient.text(record.get("device")),
        "pictures": lenient.flat(lenient.mapping(record.get("data")).get("counts")),
        "epochs": lenient.number(results.get("epochs")),
        "best_epoch": lenient.number(results.get("best_epoch")),
        "seconds": lenient.number(results.get("train_seconds")),
    }
