"""Make the recogniser that ships: `make digits-model`. Writes src/imagewise/models/digits.onnx and docs/model-card.md.

Trains the recipe `digits` on MNIST (seed 0) and scores the result once on MNIST's test pictures and on the photographed
digits of IMAGEWISE_DATA; nothing is chosen here. Recipe, seed and figures stand in the file's own metadata too.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from PIL import Image
from sklearn.datasets import load_digits

import imagewise
from imagewise.atomic import write_atomically
from imagewise.dataset import Dataset, Split
from imagewise.evaluation import Evaluation
from imagewise.model import Model
from imagewise.onnx_graph import with_metadata
from imagewise.picture import Framing, frame

ROOT = Path(__file__).parent.parent
MODEL, CARD = ROOT / "src" / "imagewise" / "models" / "digits.onnx", ROOT / "docs" / "model-card.md"
BEGIN, END = "<!-- begin: make digits-model -->", "<!-- end: make digits-model -->"
LARGEST = 1_500_000  # bytes


def small_scans(framing: Framing) -> Dataset:
    """scikit-learn's 1,797 digits of 8x8 pixels by 43 other writers (Alpaydin and Kaynak 1998), framed as pictures."""
    digits = load_digits()
    pictures = [Image.fromarray((image * (255 / 16) + 0.5).astype(np.uint8)) for image in digits.images]
    images = np.stack([frame(picture, framing) for picture in pictures])
    names = tuple(str(digit) for digit in range(10))
    split = Split(images, digits.target.astype(np.int64))
    return Dataset("scikit-learn digits, 8x8", names, {"test": split}, framing, "as the data comes")


def main() -> None:
    data = os.environ.get("IMAGEWISE_DATA")
    if not data:
        raise SystemExit("digits_model.py: set IMAGEWISE_DATA to the folder that holds mnist/ and ink-photos/.")
    with tempfile.TemporaryDirectory() as name:
        display = imagewise.TrainingCallbacks()
        if len(sys.argv) > 1:  # a run that was made before: `python -m imagewise train mnist --recipe digits --out RUN`
            model = imagewise.load_model(Path(sys.argv[1]) / "model.onnx")
        else:
            out = Path(name) / "run"
            model = imagewise.train("mnist", recipe="digits", out=out, report=False, callbacks=display).model
        ours = imagewise.evaluate(model, "mnist", split="test")
        photos = imagewise.evaluate(model, Path(data) / "ink-photos", split="all")
        scans = imagewise.evaluate(model, small_scans(model.framing), split="test")
        scores = {"MNIST test": ours, "photographed and scanned digits": photos, "scikit-learn digits, 8x8": scans}
        ship(model, scores)
    write_card(Model.open(MODEL), scores)


def ship(model: Model, scores: dict[str, Evaluation]) -> None:
    """The model file with these scores in its metadata."""
    graph = onnx.load(model.name)
    metrics = {name: score.metrics.as_dict() for name, score in scores.items()}
    card = replace(model.card, metrics=model.card.metrics | metrics)
    content = with_metadata(graph, card.to_metadata())
    if len(content) > LARGEST:
        raise SystemExit(f"the model has {len(content):,} bytes, more than {LARGEST:,}.")
    write_atomically(MODEL, content)


def write_card(model: Model, scores: dict[str, Evaluation]) -> None:
    card = model.card
    lines = ["| pictures | accuracy | 95% interval | n |", "|---|---|---|---|"]
    for name, score in scores.items():
        metrics = score.metrics.as_dict()
        low, high = metrics["accuracy_interval"]
        lines.append(f"| {name} | {metrics['accuracy']:.2%} | {low:.2%} to {high:.2%} | {metrics['count']:,} |")
    facts = {
        "made": card.created,
        "size": f"{MODEL.stat().st_size:,} bytes",
        "recipe": f"`{card.recipe['name']}`, seed {card.recipe['seed']}, {card.recipe['epochs']} epochs",
        "with": ", ".join(f"{package} {version}" for package, version in card.versions.items()),
        "data": f"{card.data['name']}, fingerprint {card.data['fingerprint'][:16]}",
    }
    table = [*lines, "", *(f"- {key}: {value}" for key, value in facts.items())]
    before, _, rest = CARD.read_text().partition(BEGIN)
    CARD.write_text(f"{before}{BEGIN}\n" + "\n".join(table) + f"\n{END}{rest.partition(END)[2]}")
    print(json.dumps({name: score.metrics.accuracy for name, score in scores.items()}, indent=2))


if __name__ == "__main__":
    main()
