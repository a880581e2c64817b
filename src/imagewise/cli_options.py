"""The arguments and options that the commands take: name, range and help of each."""

from __future__ import annotations

from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer


class EngineName(StrEnum):
    """Training engines."""

    pytorch = "pytorch"
    tensorflow = "tensorflow"
    numpy = "numpy"


class DeviceName(StrEnum):
    """Where an engine may compute."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class ExportTarget(StrEnum):
    """What `export` writes."""

    saved_model = "saved-model"
    litert = "litert"
    onnx_int8 = "onnx-int8"
    web = "web"


class SplitName(StrEnum):
    """Splits of a set."""

    train = "train"
    validation = "validation"
    test = "test"


class SplitChoice(StrEnum):
    """What `evaluate` may score."""

    auto = "auto"
    train = "train"
    validation = "validation"
    test = "test"
    all = "all"


def _finite_above_0(value: float | None) -> float | None:
    if value is not None and not (value > 0 and isfinite(value)):
        raise typer.BadParameter(f"{value:g} is not a number above 0.")
    return value


Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never download.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse damaged pictures instead of leaving them out.")]
Data = Annotated[str, typer.Argument(metavar="DATA", help="A set's name, a folder, .npz, .csv or .parquet.")]
ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="A model.onnx that imagewise made.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME", help="Named sets; see `imagewise data list`.")]

# train
FramingText = Annotated[
    str | None,
    typer.Option(
        "--framing",
        metavar="KIND:SIZE",
        help="What pictures are brought to: photo:96, photo:96:grey, ink.  [default: by looking]",
    ),
]
TrainingData = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA", help="A set's name or a path.  [default: mnist, or digits where it is not to be had]"
    ),
]
RecipeName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE",
        help="One of `imagewise recipes`, or a TOML file.  [default: by what the pictures look like]",
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="How often to go through the training pictures.  [default: the recipe's]"),
]
BatchSize = Annotated[int | None, typer.Option(metavar="N", min=1, help="Pictures a step.  [default: the recipe's]")]
LearningRate = Annotated[
    float | None,
    typer.Option(metavar="X", callback=_finite_above_0, help="How far a step goes.  [default: the recipe's]"),
]
Engine = Annotated[EngineName | None, typer.Option(help="What trains; numpy: perceptrons only.  [default: pytorch]")]
Device = Annotated[DeviceName, typer.Option(help="Where; auto takes a GPU if there is one.")]
Seed = Annotated[
    int | None, typer.Option(metavar="N", min=0, help="Decides all that is random.  [default: the recipe's]")
]
OutFolder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The run's folder.  [default: runs/DATA-RECIPE-TIME]")
]
Resume = Annotated[Path | None, typer.Option(metavar="DIR", help="Go on with the run in DIR.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set any field of the recipe, e.g. augment.rotate=10."),
]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Write report.html.")]

# lr-find
PlotFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The plot, a PNG.  [default: DATA-RECIPE-rates.png]")
]

# evaluate, predict, show
ScoredSplit = Annotated[SplitChoice, typer.Option(help="auto: test where the set has one, else all.")]
ReportFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report page to FILE.")]
Pictures = Annotated[list[str], typer.Argument(metavar="PICTURE", help="Files, folders, or - for standard input.")]
Recogniser = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A model.onnx that imagewise made.  [default: the digits that ship]"),
]
Top = Annotated[int, typer.Option(metavar="K", min=1, help="How many classes to name, best first.")]
Segment = Annotated[bool, typer.Option("--segment", help="Read several characters in each picture, line by line.")]
BoxesFolder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="With --segment: write each picture with the characters' boxes.")
]
InputFolder = Annotated[Path | None, typer.Option(metavar="DIR", help="Write what the network saw of each picture.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print the result as CSV.")]
ShownSplit = Annotated[SplitName | None, typer.Option(help="Which split the sheet shows.  [default: train]")]
SheetFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The contact sheet, a PNG.  [default: DATA-contact-sheet.png]")
]
RecipeToPrint = Annotated[str | None, typer.Argument(metavar="NAME", help="Print this recipe whole.")]

# export
ExportTo = Annotated[
    ExportTarget,
    typer.Option(help="saved-model: TensorFlow. litert: phones. onnx-int8: a quarter of the size. web: a page."),
]
ExportOut = Annotated[
    Path | None, typer.Option(metavar="PATH", help="What to write.  [default: beside MODEL, called after it]")
]
ExportPath = Annotated[Path | None, typer.Argument(metavar="PATH", help="The same as --out.")]
ExportData = Annotated[
    str | None,
    typer.Option(metavar="DATA", help="What to check it on.  [default: the set that it was trained on, if at hand]"),
]

# serve
ServedModels = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="[NAME=]FILE",
        help="A model.onnx that imagewise made; several, where repeated.  [default: the digits that ship]",
    ),
]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 for everywhere.")]
Port = Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 takes a free one.")]
RunsFolder = Annotated[
    Path | None,
    typer.Option("--runs", metavar="DIR", help="Show the training runs in DIR, those at work too, on the page /runs."),
]
Workers = Annotated[int, typer.Option(metavar="N", min=1, max=256, help="Processes.")]
