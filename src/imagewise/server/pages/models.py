"""`/models` and `/models/NAME`: the cards of model files, as pages and, under `/api`, as JSON.

A value is null if neither the file nor the record of its run contains it; the page says so.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imagewise.export.web import public_card
from imagewise.server.http.requests import find_model
from imagewise.server.http.responses import as_json
from imagewise.server.models import ModelRepository, ServedModel
from imagewise.server.pages.files import PageFiles, html
from imagewise.server.pages.head_shapes import HeadFit
from imagewise.server.pages.json_values import sendable, sendable_text
from imagewise.server.pages.run_reading import read_record
from imagewise.server.pages.shapes import Backbone, ModelCard, ModelSummary, ModelTraining, Score
from imagewise.training.record import RunRecord, RunResults

_AUTHOR, _LICENCE = "model_author", "model_license"  # ONNX's own names of them, in metadata_props


class ModelPages:
    """The pages of the models, and their JSON.

    Args:
        repository: the models.
        pages: the files of the pages.
        runs: folder of training runs that is shown; None: none.
    """

    def __init__(self, repository: ModelRepository, pages: PageFiles, runs: Path | None) -> None:
        self._repository = repository
        self._runs = runs
        self._list = pages.page("models")
        self._one = pages.page("model")

    def routes(self) -> list[Route]:
        """Routes of the pages and their JSON."""
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
        """`/models/NAME` for any name: the page then asks whether the model exists."""
        return html(self._one)

    async def models(self, request: Request) -> Response:
        """`/api/models`: a summary of each model."""
        return as_json({"models": [_summary(served).as_dict() for served in self._repository.models]})

    async def model(self, request: Request) -> Response:
        """`/api/models/NAME`: the card of one model."""
        served = find_model(self._repository, request.path_params["model"])
        found = await asyncio.to_thread(card, served)
        folder = served.path.resolve().parent
        shown = self._runs is not None and folder.parent == self._runs.resolve()
        run = sendable_text(folder.name) if shown else None
        return as_json(found.model_copy(update={"run": run}).as_dict())


def card(served: ServedModel) -> ModelCard:
    """Card of a model, with what the record of its run adds."""
    model, stored = served.model, served.model.card
    values = sendable(public_card(stored, served.name))
    scores = {name: Score.of(score) for name, score in stored.metrics.items()}
    return ModelCard(
        name=served.name,
        version=served.version,
        size=served.size,
        created=stored.created,
        class_names=list(stored.class_names),
        framing=values["framing"],
        task=stored.task,
        network=values.get("network", {}),
        backbone=Backbone.of(stored.backbone),
        recipe=values.get("recipe", {}),
        data=values.get("data", {}),
        versions=stored.versions,
        metrics={name: score for name, score in scores.items() if score is not None},
        licence=_text(model.metadata.get(_LICENCE)),
        author=_text(model.metadata.get(_AUTHOR)),
        training=_training(served),
    )


def _text(value: str | None) -> str | None:
    return sendable_text(value) if value else None


def _summary(served: ServedModel) -> ModelSummary:
    stored = served.model.card
    test = stored.metrics.get("test")
    return ModelSummary(
        name=served.name,
        version=served.version,
        size=served.size,
        created=stored.created,
        classes=len(stored.class_names),
        recipe=stored.recipe.name,
        data=stored.data.name,
        test_accuracy=test.accuracy if test else None,
        test_count=test.count if test else None,
    )


def _training(served: ServedModel) -> ModelTraining | None:
    """Fields of the record beside the file, or None if it is missing or of another model."""
    record, stored = read_record(served.path.parent), served.model.card
    same = record.recipe == stored.recipe and record.network == stored.network
    if not same or record.data.fingerprint != stored.data.fingerprint or record == RunRecord():
        return None
    results = record.results or RunResults()
    return ModelTraining(
        engine=record.engine,
        device=record.device,
        pictures=record.data.counts,
        epochs=results.epochs,
        best_epoch=results.best_epoch,
        seconds=results.train_seconds,
        head=HeadFit.of(record.head),
    )
