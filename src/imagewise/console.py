"""Results for people, on stdout: plain text that reads the same on a terminal and in a file."""

from __future__ import annotations

import csv
import json
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from imagewise.errors import PictureError
from imagewise.live import describe, say

if TYPE_CHECKING:
    from imagewise.dataset import Dataset
    from imagewise.evaluation import Evaluation
    from imagewise.export import Export
    from imagewise.metrics import Metrics
    from imagewise.model import Model, Prediction
    from imagewise.rate_finder import RateSearch
    from imagewise.reading import Reading
    from imagewise.sources.named import FileCheck
    from imagewise.training import Run


def print_json(value: object) -> None:
    """Indented, UTF-8 as it is."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(rows: Sequence[Sequence[object]]) -> None:
    """Aligned columns, the first row being the header; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    numeric = [
        all(isinstance(row[column], int | float) or _is_number(row[column]) for row in rows[1:])
        for column in range(len(widths))
    ]
    for row in cells:
        parts = (c.rjust(w) if n else c.ljust(w) for c, w, n in zip(row, widths, numeric, strict=True))
        print("  ".join(parts).rstrip())


def _is_number(cell: object) -> bool:
    return bool(re.fullmatch(r"[\d.,]+%?|-", str(cell)))


def print_fact(name: str, value: object, file: TextIO | None = None) -> None:
    """`model       runs/x/model.onnx`: a name and what it is, in two columns."""
    print(f"{name:<10}  {value}", file=file)


def print_run(run: Run) -> None:
    """How a run went, and where its model lies."""
    epochs = f", epoch {run.best_epoch} of {len(run.history)}" if run.best_epoch else ""
    if run.test is not None:
        print_fact("test", accuracy_line(run.test.metrics))
    if run.validation is not None:
        print_fact("validation", accuracy_line(run.validation.metrics) + epochs)
    if run.history:
        print_fact("trained", f"{run.train_seconds:.1f} s")
    print_fact("model", run.folder / "model.onnx")


def print_rates(found: RateSearch) -> None:
    """The rates that a range test points at, with the smoothed cost at each, and how to use the one suggested."""
    named = {
        "suggested": found.suggestion,
        "recipe's": found.recipe_rate,
        "steepest fall": found.steepest,
        "lowest cost": found.lowest,
        "valley from": found.valley[0],
        "valley to": found.valley[1],
    }
    costs = {name: found.cost_at(rate) for name, rate in named.items()}
    rows = [(name, f"{rate:.2g}", "-" if costs[name] is None else f"{costs[name]:.3f}") for name, rate in named.items()]
    print_table([("learning rate", "", "cost"), *rows])
    print()
    print_fact("use it", f"imagewise train ... --learning-rate {found.suggestion:g}")


def tell_of_interruption(run: Run) -> None:
    """What Ctrl-C has left, and how to go on; on stderr."""
    if not run.best_epoch:
        say("interrupted in the first epoch: the model is saved as it was then; there is nothing yet to go on from")
        return
    say(f"interrupted: the best model so far, from epoch {run.best_epoch}, is saved")
    say(f"go on with: imagewise train --resume {shlex.quote(str(run.folder))}")


def accuracy_line(metrics: Metrics) -> str:
    """`97.95% (95% interval 97.65% to 98.21%, 10,000 pictures)`."""
    return _accuracy_line(metrics.accuracy, metrics.accuracy_interval, metrics.count)


def _accuracy_line(accuracy: float, interval: Sequence[float], count: int) -> str:
    return f"{accuracy:.2%} (95% interval {interval[0]:.2%} to {interval[1]:.2%}, {count:,} pictures)"


def print_export(made: Export) -> None:
    """Where it lies, and how it compares to the original."""
    print_fact("exported", made.path)
    if made.accuracy is None or made.original_accuracy is None:
        print_fact(
            "checked",
            f"the same class for {made.count:,} pictures ({made.checked_on}), probabilities within "
            f"{made.largest_difference:.1g}",
        )
    else:
        print_fact("accuracy", f"{made.accuracy:.2%}, original {made.original_accuracy:.2%} ({made.checked_on})")


def print_evaluation(evaluation: Evaluation) -> None:
    """The score, then a row a class."""
    metrics = evaluation.metrics
    print(f"{evaluation.model} on {evaluation.data}, split {evaluation.split}")
    print(f"accuracy           {accuracy_line(metrics)}")
    print(f"top-3 accuracy     {metrics.top3_accuracy:.2%}")
    print(f"calibration error  {metrics.calibration_error:.4f}")
    print()
    rows: list[tuple[object, ...]] = [("class", "precision", "recall", "f1", "count")]
    for name, values in metrics.classes.items():
        scores = (values.precision, values.recall, values.f1)
        rows.append((name, *(f"{score:.2%}" if values.count else "-" for score in scores), values.count))
    print_table(rows)


class PredictionPrinter:
    """Prints predictions as they come (text, CSV), or as one JSON list at the end. Errors go to stderr too."""

    def __init__(self, style: Literal["text", "csv", "json"]) -> None:
        self.read = 0
        self.unreadable = 0
        self._style = style
        self._json: list[dict[str, Any]] = []
        self._csv = csv.writer(sys.stdout, lineterminator="\n")
        if style == "csv":
            self._csv.writerow(["picture", "label", "probability", "error"])

    def add(self, name: str, result: Prediction | Reading | PictureError) -> None:
        """One picture's answer, or why there is none."""
        if isinstance(result, PictureError):
            self.unreadable += 1
            print(f"imagewise: error: {result}", file=sys.stderr)
            self._json.append({"picture": name, "error": str(result)})
            if self._style == "csv":
                self._csv.writerow([name, "", "", str(result)])
            return
        self.read += 1
        if self._style == "json":
            self._json.append({"picture": name} | result.as_dict())
        elif self._style == "csv":
            self._csv.writerow([name, result.label, f"{result.probability:.6f}", ""])
        else:
            others = ", ".join(f"{label} {probability:.1%}" for label, probability in result.top[1:])
            label = result.label.replace("\n", " / ") or "(no characters found)"
            print(f"{name}  {label}  {result.probability:.1%}" + (f"  ({others})" if others else ""))

    def end(self) -> None:
        """Print what was kept."""
        if self._style == "json":
            print_json(self._json)


def print_model(model: Model) -> None:
    """What a model file is."""
    card = model.card
    print_fact("model", model.name)
    print_fact("classes", f"{len(card.class_names)}: {_shortened(card.class_names)}")
    print_fact("framing", f"{card.framing.kind}, {describe(card.framing.shape)}")
    print_fact("network", " ".join(_layer(layer) for layer in card.network["layers"]))
    print_fact("recipe", f"{card.recipe['name']}, {card.recipe['epochs']} epochs, seed {card.recipe['seed']}")
    print_fact("data", card.data["name"])
    print_fact("split", card.data["split_rule"])
    print_fact("SHA-256", card.data["fingerprint"])
    for split, metrics in card.metrics.items():
        print_fact(split, _accuracy_line(metrics["accuracy"], metrics["accuracy_interval"], metrics["count"]))
    print_fact("versions", ", ".join(f"{name} {version}" for name, version in card.versions.items()))
    print_fact("created", card.created)


def _shortened(names: Sequence[str], shown: int = 20) -> str:
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")


def _layer(layer: dict[str, Any]) -> str:
    """`Conv(32, 3x3)`, `Dense(256)`, `Branch(add: ...)`: enough to recognise an architecture by."""
    match layer:
        case {"layer": "Dense", "units": units}:
            return f"Dense({units})"
        case {"layer": "Conv", "filters": filters, "kernel": kernel}:
            return f"Conv({filters}, {kernel}x{kernel})"
        case {"layer": "Branch", "merge": merge, "body": body, "shortcut": shortcut}:
            ways = (" ".join(map(_layer, way)) or "identity" for way in (body, shortcut))
            return f"Branch({merge}: {' | '.join(ways)})"
        case _:
            return str(layer["layer"])


def print_recipes(name: str | None, *, as_json: bool) -> None:
    """All recipes with what each is for, or one whole."""
    from imagewise.recipe import bundled_recipes, load_recipe

    if name is not None:
        recipe = load_recipe(name)
        if as_json:
            print_json(recipe.model_dump(mode="json"))
        else:
            print(bundled_recipes().get(name) or recipe.to_toml(), end="")
        return
    recipes = {known: text.splitlines()[0].removeprefix("# ") for known, text in bundled_recipes().items()}
    if as_json:
        print_json(recipes)
    else:
        print_table([("recipe", "what it is"), *recipes.items()])


def print_sets(*, as_json: bool) -> None:
    """The named sets, and where each is."""
    from imagewise.sources.named import list_sets

    sets = list_sets()
    if as_json:
        print_json([vars(each) | {"path": each.path and str(each.path)} for each in sets])
        return
    rows: list[tuple[object, ...]] = [("set", "title", "download", "where")]
    for each in sets:
        size = f"{each.download_bytes / 1e6:.0f} MB" if each.download_bytes else "none"
        rows.append((each.name, each.title, size, f"{each.place}: {each.path}" if each.place else "not here yet"))
    print_table(rows)


def print_checks(checks: Sequence[tuple[str, FileCheck]], *, as_json: bool) -> None:
    """What `data verify` found out, a row a file."""
    if as_json:
        print_json([{"set": name} | vars(check) for name, check in checks])
        return
    rows = [(f"{name}/{check.file}", "ok" if check.ok else "WRONG", check.detail) for name, check in checks]
    print_table([("file", "state", "detail"), *rows])


def print_dataset(dataset: Dataset, *, as_json: bool, sheet: Path) -> None:
    """Counts per class and split, size and value range, and where the contact sheet lies."""
    from imagewise.contact_sheet import dataset_facts

    facts = dataset_facts(dataset)
    if as_json:
        more = {"split_rule": dataset.split_rule, "fingerprint": dataset.fingerprint, "skipped": dataset.skipped}
        print_json(facts.as_dict() | more | {"contact_sheet": str(sheet)})
        return
    print(f"{dataset.name}: {len(dataset.class_names)} classes, pictures {describe(dataset.shape)}")
    print(f"splits: {dataset.split_rule}")
    print(f"values: {facts.minimum} to {facts.maximum}, mean {facts.mean:.1f}")
    print()
    totals = ["total", *(sum(counts.values()) for counts in facts.counts.values())]
    rows = [[name, *(counts[name] for counts in facts.counts.values())] for name in dataset.class_names]
    print_table([["class", *facts.counts], *rows, totals])
    print()
    print(f"contact sheet  {sheet}")


def show_on_terminal(dataset: Dataset, split: Any) -> None:
    """A few pictures in the terminal, where it can show them: a terminal, with colours."""
    from rich.console import Console

    from imagewise.contact_sheet import terminal_sheet

    console = Console()
    if console.is_terminal and console.color_system == "truecolor" and not console.no_color:
        console.print(terminal_sheet(dataset, split, console.width))
