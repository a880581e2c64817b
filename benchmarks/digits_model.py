"""Make the recogniser that comes with imagewise: `make digits-model`. Writes digits.onnx and docs/model-card.md.

Trains the recipe `digits` (seed 0) on the pictures of digits_training_set.py and scores the result once on those of
digits_scores.py; nothing is chosen here. Recipe, seed and figures are in the file's own metadata too.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import onnx
from benchmarks.digits_scores import FONTS, HANDWRITING, SURE, Sureness, by_name, judged_junk, scores, sureness
from benchmarks.digits_training_set import training_set
from benchmarks.handwriting.printed import fonts

import imagewise
from imagewise.atomic import write_atomically
from imagewise.evaluation.evaluate import Evaluation
from imagewise.model.model import Model
from imagewise.model.onnx_writer import with_metadata

ROOT = Path(__file__).parent.parent
MODEL, CARD = ROOT / "src" / "imagewise" / "model" / "digits.onnx", ROOT / "docs" / "model-card.md"
BEGIN, END = "<!-- begin: make digits-model -->", "<!-- end: make digits-model -->"
LARGEST = 800_000  # bytes
WORST = 8  # ways of writing, and groups of fonts, that the card names


def main() -> None:
    data = os.environ.get("IMAGEWISE_DATA")
    if not data:
        raise SystemExit("digits_model.py: set IMAGEWISE_DATA to the folder with mnist/, ink-photos/ and strangers/.")
    if not (fonts("train") and fonts("test")):
        raise SystemExit("digits_model.py: fetch the fonts first: `python -m benchmarks.handwriting.font_packages`.")
    with tempfile.TemporaryDirectory() as name:
        if len(sys.argv) > 1:  # the folder of a run on the same set that was made before
            model = imagewise.load_model(Path(sys.argv[1]) / "model.onnx")
        else:
            display = imagewise.TrainingCallbacks()
            out = Path(name) / "run"
            model = imagewise.train(training_set(), recipe="digits", out=out, report=False, callbacks=display).model
        found = scores(model, Path(data))
        ship(model, found)
    write_card(Model.open(MODEL), found, sureness(model, judged_junk()))


def ship(model: Model, found: dict[str, Evaluation]) -> None:
    """Write the model file with these scores in its metadata."""
    graph = onnx.load(model.name)
    metrics = {name: score.metrics.as_dict() for name, score in found.items()}
    card = model.card.with_metrics(model.card.as_dict()["metrics"] | metrics)
    content = with_metadata(graph, card.to_metadata())
    if len(content) > LARGEST:
        raise SystemExit(f"the model has {len(content):,} bytes, more than {LARGEST:,}.")
    write_atomically(MODEL, content)


def write_card(model: Model, found: dict[str, Evaluation], junk: list[Sureness]) -> None:
    """Replace the part of the card that this program writes."""
    card = model.card
    facts = {
        "made": card.created,
        "size": f"{MODEL.stat().st_size:,} bytes",
        "recipe": f"`{card.recipe.name}`, seed {card.recipe.seed}, {card.recipe.epochs} epochs",
        "with": ", ".join(f"{package} {version}" for package, version in card.versions.items()),
        "data": f"{card.data.name}, fingerprint {(card.data.fingerprint or '')[:16]}",
        "framing": f"`{card.framing.kind}`, version {card.framing.version}",
        "fonts trained on, by group": ", ".join(sorted(fonts("train"), key=str.casefold)),
    }
    parts = [
        *score_table(found),
        "",
        *worst_table("way of writing (generated)", found[HANDWRITING]),
        "",
        *worst_table("font", found[FONTS]),
        "",
        *junk_table(junk),
        "",
        *(f"- {key}: {value}" for key, value in facts.items()),
    ]
    before, _, rest = CARD.read_text("utf-8").partition(BEGIN)
    CARD.write_text(f"{before}{BEGIN}\n" + "\n".join(parts) + f"\n{END}{rest.partition(END)[2]}", "utf-8")
    print(json.dumps({name: score.metrics.accuracy for name, score in found.items()}, indent=2))


def score_table(found: dict[str, Evaluation]) -> Iterable[str]:
    """The accuracy by source."""
    yield from ("| pictures | accuracy | 95% interval | n |", "|---|---|---|---|")
    for name, score in found.items():
        metrics = score.metrics.as_dict()
        low, high = metrics["accuracy_interval"]
        yield f"| {name} | {metrics['accuracy']:.2%} | {low:.2%} to {high:.2%} | {metrics['count']:,} |"


def worst_table(title: str, scored: Evaluation) -> Iterable[str]:
    """The names with the lowest accuracy."""
    yield from (f"| worst by {title} | accuracy | n |", "|---|---|---|")
    yield from (f"| {name} | {accuracy:.1%} | {count:,} |" for name, accuracy, count in by_name(scored)[:WORST])


def junk_table(junk: list[Sureness]) -> Iterable[str]:
    """How sure the model is of what is no digit."""
    yield from (f"| no digit | share with {SURE:.0%} or more | largest probability | n |", "|---|---|---|---|")
    yield from (f"| {kind.kind} | {kind.sure:.1%} | {kind.largest:.1%} | {kind.count:,} |" for kind in junk)


if __name__ == "__main__":
    main()
