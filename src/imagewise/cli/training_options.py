"""The options of `imagewise train` and `lr-find`."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Annotated, Literal

import typer

from imagewise.training.engines.registry import EngineName

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


def _finite_above_0(value: float | None) -> float | None:
    if value is not None and not (value > 0 and isfinite(value)):
        raise typer.BadParameter(f"{value:g} is not a number above 0.")
    return value


Data = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA", help="Name of a set, or a path.  [default: mnist; mnist-sample if MNIST is not available]"
    ),
]
RecipeName = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        metavar="NAME|FILE",
        help="All settings of a training: a name from `imagewise recipes`, or a TOML file.  "
        "[default: chosen from your pictures]",
        rich_help_panel="Training",
    ),
]
FramingText = Annotated[
    str | None,
    typer.Option(
        "--framing",
        metavar="KIND:SIZE",
        help="Kind and size of the model's input: photo:96, letterbox:96, squash:96, ink ...  "
        "[default: chosen from your pictures]",
        rich_help_panel="Training",
    ),
]
BackboneName = Annotated[
    str | None,
    typer.Option(
        "--backbone",
        metavar="NAME|FILE",
        help="Pretrained network to start from: a name from `imagewise backbones`, or an ONNX file.  "
        "[default: the most accurate one that is available]",
        rich_help_panel="Training",
    ),
]
BackboneOutput = Annotated[
    str | None,
    typer.Option(
        "--backbone-output",
        metavar="NAME",
        help="The value of an ONNX file that holds the features.  [default: its output, or its classifier's input]",
        rich_help_panel="Training",
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        "--minutes",
        metavar="M",
        callback=_finite_above_0,
        help="How long a run on a pretrained network may take; the size of the pictures is chosen to fit.",
        rich_help_panel="Training",
    ),
]
AuditTable = Annotated[
    Path | None,
    typer.Option(
        "--audit",
        metavar="FILE",
        help="A table of `imagewise audit` with your decisions: relabel and drop pictures as it says.",
        rich_help_panel="Data",
    ),
]
Half = Annotated[
    bool,
    typer.Option(
        "--half", help="Store the weights with 16 bits: half the size of model.onnx.", rich_help_panel="Output"
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Number of passes over the training pictures.  [default: the recipe's]",
        rich_help_panel="Training",
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, help="Pictures per training step.  [default: the recipe's]", rich_help_panel="Training"
    ),
]
LearningRate = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        callback=_finite_above_0,
        help="Learning rate at its peak.  [default: the recipe's]",
        rich_help_panel="Training",
    ),
]
Engine = Annotated[
    EngineName | None,
    typer.Option(
        help="Training framework; numpy trains perceptrons only.  [default: pytorch]", rich_help_panel="Training"
    ),
]
Device = Annotated[
    DeviceName, typer.Option(help="Device to train on; auto uses a GPU if available.", rich_help_panel="Training")
]
Seed = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Random seed.  [default: the recipe's]", rich_help_panel="Training"),
]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Threads on the CPU.  [default: all; fewer while the computer is busy]",
        rich_help_panel="Training",
    ),
]
RunFolder = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", help="Folder of the run.  [default: runs/DATA-RECIPE-TIME]", rich_help_panel="Output"
    ),
]
Resume = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Continue the run in DIR.", rich_help_panel="Training")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set any field of the recipe, e.g. augment.rotate=10.",
        rich_help_panel="Training",
    ),
]
LowestRate = Annotated[
    float | None,
    typer.Option(
        "--lowest",
        metavar="X",
        callback=_finite_above_0,
        help="The first learning rate to try.  [default: 1e-06]",
        rich_help_panel="Training",
    ),
]
HighestRate = Annotated[
    float | None,
    typer.Option(
        "--highest",
        metavar="X",
        callback=_finite_above_0,
        help="The last learning rate to try.  [default: 10]",
        rich_help_panel="Training",
    ),
]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Write report.html.", rich_help_panel="Output")]
PlotFile = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FILE", help="The plot, a PNG.  [default: DATA-RECIPE-rates.png]", rich_help_panel="Output"
    ),
]
