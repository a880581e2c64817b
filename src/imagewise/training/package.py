"""From trained weights to a model: the graph, checked against the trained network, and its card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imagewise.atomic import write_atomically
from imagewise.data.dataset import Dataset
from imagewise.data.memmap import iter_chunks
from imagewise.data.sketch import sketch
from imagewise.data.task import SingleLabel
from imagewise.errors import TrainingError
from imagewise.model.card import ModelCard
from imagewise.model.half import as_half
from imagewise.model.model import Model
from imagewise.model.onnx_writer import with_metadata
from imagewise.model.session import Session
from imagewise.training.fit import Fitted
from imagewise.training.planning.plan import AnyRecipe
from imagewise.training.record import installed_versions, utc_now

if TYPE_CHECKING:
    import onnx

TOLERANCE = 1e-4  # of the largest logit: float32 sums in another order may differ by this much


@dataclass(frozen=True, eq=False)
class PackagedModel:
    """A model that is in no file yet.

    Attributes:
        model: opened from the graph's bytes.
        graph: the ONNX graph without metadata.
    """

    model: Model
    graph: onnx.ModelProto

    def save(self, path: Path, metrics: Mapping[str, Mapping[str, Any]]) -> Model:
        """Write the model file, its card with these scores by split, and open it. Raises OutputError."""
        card = self.model.card.with_metrics(metrics)
        write_atomically(path, with_metadata(self.graph, card.to_metadata()))
        return Model.open(path)


def package(recipe: AnyRecipe, dataset: Dataset, fitted: Fitted, name: str, *, half: bool = False) -> PackagedModel:
    """The model that fitting made, called `name` in errors and evaluations.

    Args:
        half: store the weights as float16, which changes the logits a little.

    Raises:
        TrainingError: the graph's logits are not those of the trained network.
    """
    graph = fitted.graph
    session = Session(graph.SerializeToString(), name)
    check_agreement(session, fitted.reference)
    if half:
        graph = as_half(graph)
        session = Session(graph.SerializeToString(), name)
    return PackagedModel(Model(session, _card(recipe, dataset, fitted), name), graph)


def check_agreement(session: Session, reference: tuple[NDArray[np.uint8], NDArray[np.float32]]) -> None:
    """Hold the graph to the trained network, on real pictures (n, H, W, C) and the logits that it makes of them.

    Raises:
        TrainingError: a logit differs by more than `TOLERANCE` of the largest (or of 1).
    """
    pictures, wanted = reference
    _, found = session.run(pictures)
    difference = float(np.abs(found - wanted).max())
    allowed = TOLERANCE * max(1.0, float(np.abs(wanted).max()))
    if not difference <= allowed:
        raise TrainingError(
            f"the model file's logits differ from the trained network's by {difference:.3g}, more than "
            f"{allowed:.3g}; the file was not written. Please report this with the recipe."
        )


def _card(recipe: AnyRecipe, dataset: Dataset, fitted: Fitted) -> ModelCard:
    return ModelCard.of(
        {
            "class_names": dataset.class_names,
            "framing": dataset.framing.as_dict(),
            "task": SingleLabel.name,
            "network": fitted.network.as_dict() if fitted.network else {},
            "recipe": recipe.model_dump(mode="json"),
            **({"backbone": fitted.backbone.as_dict()} if fitted.backbone else {}),
            "data": {
                "name": dataset.name,
                "fingerprint": dataset.fingerprint,
                "split_rule": dataset.split_rule.sentence,
                "group_by": dataset.group_by,
                "near_copies": dataset.near_copies,
                "groups": dataset.groups,
                "sketch": sketch(_training_pictures(recipe, dataset)),
                "licence": dataset.licence,
                "attribution": dataset.attribution,
            },
            "metrics": {},
            "versions": installed_versions(),
            "created": utc_now(),
        }
    )


def _training_pictures(recipe: AnyRecipe, dataset: Dataset) -> Iterable[NDArray[np.uint8]]:
    for name in recipe.fitted_splits:
        if name in dataset:
            for piece in iter_chunks(dataset[name].images):
                yield from piece
