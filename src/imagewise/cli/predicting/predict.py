"""`imagewise predict`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imagewise.cli.framework.command import Command
from imagewise.cli.options import MODEL_HELP, Json, examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from PIL import Image

    from imagewise.cli.predicting.sorting import SortedFolder
    from imagewise.errors import PictureError
    from imagewise.framing.decoding import Pixels
    from imagewise.framing.digit_likeness import Doubt
    from imagewise.model.model import Model
    from imagewise.model.picture_files import Source
    from imagewise.model.prediction import Prediction
    from imagewise.model.text_recognition import Reading
    from imagewise.model.visualize import ShownFolder

Pictures = Annotated[list[str], typer.Argument(metavar="PICTURE", help="Files, folders, or - for standard input.")]
OtherModel = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help=f"{MODEL_HELP}.  [default: the built-in digit model]",
        rich_help_panel="Recognition",
    ),
]
Top = Annotated[
    int, typer.Option(metavar="K", min=1, help="Number of classes to list, best first.", rich_help_panel="Recognition")
]
Segment = Annotated[
    bool,
    typer.Option(
        "--segment", help="Read several characters in each picture, line by line.", rich_help_panel="Recognition"
    ),
]
BoxesFolder = Annotated[
    Path | None,
    typer.Option(
        "--boxes",
        metavar="DIR",
        help="With --segment: write each picture with boxes around its characters.",
        rich_help_panel="Output",
    ),
]
InputFolder = Annotated[
    Path | None,
    typer.Option(
        "--show-input", metavar="DIR", help="Write the network's input for each picture.", rich_help_panel="Output"
    ),
]
SortFolder = Annotated[
    Path | None,
    typer.Option(
        "--sort-into",
        metavar="DIR",
        help="Copy each picture into a folder of its class in DIR. Nothing is overwritten.",
        rich_help_panel="Output",
    ),
]
Csv = Annotated[
    bool, typer.Option("--csv", help="Print the result as CSV, with a column for each class.", rich_help_panel="Output")
]

BUILT_IN = "built-in digits"

commands = typer.Typer()


@commands.command(
    cls=Command,
    epilog=examples(
        "predict digit.png",
        "predict photos/ --model runs/flowers --csv > answers.csv",
        "predict photos/ --model runs/flowers --sort-into sorted",
        "predict page.jpg --segment",
    ),
)
def predict(
    pictures: Pictures,
    model: OtherModel = None,
    top: Top = 3,
    segment: Segment = False,
    boxes: BoxesFolder = None,
    show_input: InputFolder = None,
    sort_into: SortFolder = None,
    json_: Json = False,
    csv: Csv = False,
) -> None:
    """Recognise pictures."""
    from imagewise.cli.console import log
    from imagewise.cli.predicting.answers import PredictionPrinter
    from imagewise.cli.predicting.sorting import SortedFolder
    from imagewise.model.model import load_model
    from imagewise.model.picture_files import find_pictures
    from imagewise.model.visualize import ShownFolder

    if json_ and csv:
        raise typer.BadParameter("--json and --csv cannot be combined; choose one.")
    if boxes is not None and not segment:
        raise typer.BadParameter("--boxes needs --segment, which finds the characters to draw boxes around.")
    if sort_into is not None and segment:
        raise typer.BadParameter("--sort-into and --segment cannot be combined: a text is no class.")
    opened = load_model(model)
    name = _print_model(opened, model)
    class_names = opened.class_names if csv and not segment else ()
    printer = PredictionPrinter("json" if json_ else "csv" if csv else "text", name, class_names)
    sorted_ = SortedFolder(sort_into, pictures) if sort_into else None
    outputs = _Outputs(ShownFolder(show_input) if show_input else None, ShownFolder(boxes) if boxes else None)
    sources: dict[str, Source] = {}
    pictures_found = find_pictures(pictures, sys.stdin.buffer, lambda notice: log(f"note: {notice}"))
    found = ((name, sources.setdefault(name, source)) for name, source in pictures_found)
    doubt = printer.doubt if model is None else None
    count = 0
    for name, result in _answers(opened, found, len(opened.class_names) if csv else top, segment, outputs, doubt):
        printer.add(name, result)
        source, count = sources.pop(name, None), count + 1
        if sorted_ and isinstance(source, Path) and not isinstance(result, Exception):
            sorted_.add(source, result.label)
    printer.end(summary=count > len(pictures))
    if sorted_:
        _print_sorted(sorted_, printer.unreadable)
    if printer.unreadable:
        raise SystemExit(1 if printer.read else 2)


@dataclass(frozen=True)
class _Outputs:
    """Folders for pictures of what the network sees, and of the characters that were found."""

    inputs: ShownFolder | None
    pages: ShownFolder | None


def _answers(
    model: Model,
    pictures: Iterable[tuple[str, Source]],
    top: int,
    segment: bool,
    outputs: _Outputs,
    on_doubt: Callable[[str, Doubt], None] | None,
) -> Iterable[tuple[str, Prediction | Reading | PictureError]]:
    """The prediction, the text or the error of each picture, whose input and boxes are drawn on the way."""
    from imagewise.framing.digit_likeness import digit_doubt
    from imagewise.framing.segmentation import segment as find_characters
    from imagewise.model.picture_files import predict_files, read_files
    from imagewise.model.visualize import draw_boxes, enlarged

    inputs, pages = outputs.inputs, outputs.pages

    def look(name: str, picture: Image.Image, characters: int) -> None:
        if on_doubt is not None and (doubt := digit_doubt(picture, characters)):
            on_doubt(name, doubt)

    def show(name: str, picture: Image.Image, framed: Pixels) -> None:
        look(name, picture, 1 if on_doubt is None or framed.any() else len(find_characters(picture)))
        if inputs:
            inputs.add(name, enlarged([framed]))

    def keep(name: str, picture: Image.Image, reading: Reading) -> None:
        look(name, picture, min(1, len(reading.characters)))  # as many as there are were asked for
        if inputs and reading.characters:
            inputs.add(name, enlarged([character.framed for character in reading.characters]))
        if pages:
            pages.add(name, draw_boxes(picture, reading))

    if segment:
        return read_files(model, pictures, top, keep)
    return predict_files(model, pictures, top, show)


def _print_model(model: Model, named: str | None) -> str:
    """Say which model answers, unless its path is what was typed; returns its name."""
    from imagewise.cli.console import print_fact

    if named is None:
        print_fact("model", BUILT_IN, to_stderr=True)
        return BUILT_IN
    if model.name != named:
        print_fact("model", model.name, to_stderr=True)
    return model.name


def _print_sorted(folder: SortedFolder, unreadable: int) -> None:
    from imagewise.cli.console import counted, log

    kept = f"; {counted(folder.kept, 'picture')} were there already" if folder.kept else ""
    left = f"; {unreadable:,} unreadable left where they are" if unreadable else ""
    log(f"sorted   {counted(folder.copied, 'picture')} copied into {folder.path}{kept}{left}")
