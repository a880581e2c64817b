"""Measure imagewise beside everything that a user would pick instead, and write docs/benchmarks.md.

    python -m benchmarks.bench                       all of it, unattended: `make bench`
    python -m benchmarks.bench --quick               at most ten minutes: `make bench-quick`
    python -m benchmarks.bench training --only quick pytorch-example --repeat 3 --until 0.99
    python -m benchmarks.bench floor profile inference scaling write
    python -m benchmarks.bench transfer write        photographs, beside Keras and PyTorch (needs flower-photos)

Every value is added to benchmarks/results.csv as soon as it is measured, so that it can be done in pieces.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.inference import measure_import, measure_inference
from benchmarks.measuring import ROOT
from benchmarks.page import write_page
from benchmarks.rates import measure_floor, measure_profile, trains_with_pytorch
from benchmarks.results import Results
from benchmarks.scaling import measure_scaling, points
from benchmarks.subjects import recipe_subjects, subjects
from benchmarks.training import measure_in_turn
from benchmarks.transfer import measure_transfer, ways

from imagewise.training.recipes.files import bundled_recipes

PARTS = ("training", "floor", "profile", "inference", "scaling", "transfer", "write")
QUICK_PARTS = ("training", "floor", "inference", "write")
QUICK_SECONDS = 420.0  # for training; the floor and inference then end within ten minutes
QUICK_RECIPES = ("quick",)  # of the floor and of inference


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    names = [subject.name for subject in subjects()]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "parts", nargs="*", type=_part, metavar="PART", help=f"{', '.join(PARTS)}; all, if none is named"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        help=f"only these: {', '.join(names)}; else what begins so",
    )
    parser.add_argument("--repeat", type=int, help="how often, instead of each subject's own number")
    parser.add_argument("--seed", type=int, default=0, help="the first seed of training")
    parser.add_argument("--epochs", type=int, help="train so many epochs instead of each subject's own number")
    parser.add_argument("--until", type=float, help="peers stop after the epoch that reaches this test accuracy")
    parser.add_argument("--session", help="what belongs together in results.csv (the date, if not given)")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results.csv")
    parser.add_argument("--quick", action="store_true", help="fewer runs, peers stop at 99.0%%, ten minutes at most")
    return parser.parse_args(arguments)


def _part(text: str) -> str:
    if text not in PARTS:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(PARTS)}")
    return text


def main(options: argparse.Namespace) -> None:
    results = Results(options.results, options.session)
    for part in options.parts or (QUICK_PARTS if options.quick else PARTS):
        print(f"== {part}", file=sys.stderr, flush=True)
        if part == "training":
            _training(options, results)
        elif part in ("floor", "profile"):
            _floor(part, options, results)
        elif part == "inference":
            _inference(options, results)
        elif part == "scaling":
            chosen = [p for p in points() if _wanted(p.subject, options)]
            measure_scaling(chosen, results, repeat=options.repeat or 1)
        elif part == "transfer":
            wanted = [way for way in ways() if _wanted(f"{way.backbone}/{way.name}", options)]
            measure_transfer(
                wanted, results, repeat=options.repeat or 3, seeds_from=options.seed, epochs=options.epochs
            )
        elif part == "write":
            write_page(results)


def _training(options: argparse.Namespace, results: Results) -> None:
    chosen = [
        (subject, options.repeat or (subject.quick if options.quick else subject.runs))
        for subject in subjects()
        if _wanted(subject.name, options)
    ]
    measure_in_turn(
        chosen,
        results,
        seeds_from=options.seed,
        epochs=options.epochs,
        until=options.until or (0.99 if options.quick else None),
        budget=QUICK_SECONDS if options.quick else None,
    )


def _floor(part: str, options: argparse.Namespace, results: Results) -> None:
    for subject in recipe_subjects():
        if not _wanted(subject.name, options) or not _measured_quickly(subject.name, options):
            continue
        if part == "floor":
            measure_floor(subject, results, repeat=options.repeat or (1 if options.quick else 3))
        elif trains_with_pytorch(subject):
            measure_profile(subject, results)


def _inference(options: argparse.Namespace, results: Results) -> None:
    for recipe in ("perceptron", "quick", "convnet"):
        if recipe in bundled_recipes() and _wanted(recipe, options) and _measured_quickly(recipe, options):
            measure_inference(recipe, results, repeat=options.repeat or (3 if options.quick else 10))
    if not options.only and not options.quick:
        measure_import(results, repeat=options.repeat or 10)


def _wanted(name: str, options: argparse.Namespace) -> bool:
    return not options.only or any(name == wanted or name.startswith(f"{wanted}/") for wanted in options.only)


def _measured_quickly(name: str, options: argparse.Namespace) -> bool:
    return bool(options.only) or not options.quick or name in QUICK_RECIPES


if __name__ == "__main__":
    main(parse())
