"""A run that fitted a head on the features of a pretrained network, made by hand: it has no epochs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from command_line import rewritten
from engine_runs import a_plan
from imagewise.data.dataset import Dataset
from imagewise.model.model import Model
from imagewise.training.head.recipe import HeadRecipe
from imagewise.training.head.record import HeadRecord
from imagewise.training.record import RunRecord
from imagewise.training.result import Run
from imagewise.training.run import TrainingCallbacks, execute

BACKBONE = {
    "name": "small_net",
    "title": "Small Net",
    "digest": "0123456789abcdef",
    "licence": "Apache-2.0",
    "source": "https://example.org/small",
    "citation": "A. Author: Small networks, 2020.",
}
STRENGTHS = (0.01, 0.1, 1.0)
EXPECTED = {"accuracy": 0.91, "low": 0.85, "high": 0.95, "count": 120, "method": "5-fold cross-validation"}
HEAD: dict[str, Any] = {
    "backbone": BACKBONE,
    "side": 96,
    "features": 1280,
    "views": ["plain", "flipped"],
    "strength": 0.1,
    "tried": [
        {"views": views, "strength": strength, "accuracy": accuracy, "loss": 1 - accuracy}
        for views, accuracies in ((["plain"], (0.7, 0.8, 0.75)), (["plain", "flipped"], (0.72, 0.85, 0.8)))
        for strength, accuracy in zip(STRENGTHS, accuracies, strict=True)
    ],
    "chosen_on": 30,
    "temperature": 1.25,
    "seconds": {"features": 12.34, "head": 0.8},
}


def a_head(**changes: Any) -> HeadRecord:
    """The record of a head, with these fields changed."""
    return HeadRecord.of(HEAD | changes)


def a_head_run(dataset: Dataset, folder: Path, **changes: Any) -> Run:
    """A run with a head in a folder, as a finished one leaves it: model and record, no history and no checkpoint."""
    recipe = HeadRecipe(name="transfer", trains="head", backbone="small_net", strengths=STRENGTHS)
    run = execute(a_plan(dataset, folder), TrainingCallbacks())
    values = recipe.model_dump(mode="json")
    metadata = {"imagewise.backbone": json.dumps(BACKBONE), "imagewise.recipe": json.dumps(values)}
    model = Model.open(rewritten(folder / "model.onnx", folder / "model.onnx", metadata))
    for name in ("history.csv", "checkpoint.safetensors"):
        (folder / name).unlink()
    head = a_head(**changes)
    made = replace(
        run,
        model=model,
        recipe=recipe,
        history=(),
        best_epoch=0,
        train_seconds=head.total_seconds,
        head=head,
    )
    path = folder / "run.json"
    record = RunRecord.read(path.read_bytes(), "run.json")
    fields = {"recipe": values, "backbone": BACKBONE, "head": head.as_dict(), "results": made.as_dict()}
    path.write_text(record.with_changes(engine=None, **fields).to_json())
    return made
