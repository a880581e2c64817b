"""The command line: parse, call one function, print. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from imagewise import cli_options as options
from imagewise.cli_data import data_app
from imagewise.cli_models import export, info, serve
from imagewise.cli_options import Data, DeviceName, Json, ModelFile, Offline, SplitChoice, Strict
from imagewise.cli_rates import lr_find
from imagewise.errors import ImagewiseError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL import Image

    from imagewise.errors import PictureError
    from imagewise.model import Prediction
    from imagewise.reading import Reading


class _Group(TyperGroup):
    """Ends every command the same way: a message instead of a traceback, and the exit code that the design names."""

    def invoke(self, ctx: Any) -> Any:
        try:
            result = super().invoke(ctx)
            if sys.stdout:
                sys.stdout.flush()  # now, while what goes wrong can still be said
        except ImagewiseError as error:
            _say(str(error))
            raise SystemExit(error.exit_code) from None
        except KeyboardInterrupt:
            print("imagewise: interrupted", file=sys.stderr)
            raise SystemExit(130) from None
        except BrokenPipeError:  # `imagewise ... | head` has read enough
            _drop_stdout()
            raise SystemExit(0) from None
        except OSError as error:  # a full disk behind stdout, a drive that is gone
            _drop_stdout()
            _say(f"{error.filename or 'output'}: {error.strerror or error}. Mend that and try again.")
            raise SystemExit(1) from None
        return result


def _say(message: str) -> None:
    print(f"imagewise: error: {message}", file=sys.stderr)


def _drop_stdout() -> None:
    """Let what is still to be written go nowhere, so that Python does not complain of it when it ends."""
    with suppress(OSError):  # not a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# objects; Python's 700 has it look for garbage hundreds of times while a framework is imported: 0.4 s of 2 with PyTorch
COLLECTED_AFTER = 100_000

app = typer.Typer(
    cls=_Group,
    help="Image recognition that anyone can train, trust and ship.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """The entry point `imagewise`."""
    gc.set_threshold(COLLECTED_AFTER)
    try:
        app(prog_name="imagewise")
    except KeyboardInterrupt:  # while the command line itself was still loading
        sys.exit(130)
    finally:
        gc.freeze()  # or Python's last collection walks all that a framework imported: 0.4 s of waiting for nothing


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"imagewise {version('imagewise')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def train(
    data: options.TrainingData = None,
    recipe: options.RecipeName = None,
    framing: options.FramingText = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    engine: options.Engine = None,
    device: options.Device = DeviceName.auto,
    seed: options.Seed = None,
    out: options.OutFolder = None,
    resume: options.Resume = None,
    set_: options.Settings = None,
    offline: Offline = False,
    strict: Strict = False,
    report: options.Report = True,
    json_: Json = False,
) -> None:
    """Train a recogniser.

    Leaves one folder with model.onnx, report.html and all that is needed to repeat the run.
    """
    from imagewise.console import print_fact, print_json, print_run, tell_of_interruption
    from imagewise.picture import Framing
    from imagewise.planning import Options, plan_run
    from imagewise.recipe import parse_setting
    from imagewise.training import execute, write_report
    from imagewise.training_display import TrainingDisplay

    named = {"epochs": epochs, "batch_size": batch_size, "optimizer.learning_rate": learning_rate, "seed": seed}
    overrides = {key: value for key, value in named.items() if value is not None}
    overrides |= dict(parse_setting(text) for text in set_ or [])
    chosen = Framing.parse(framing) if framing else None
    with TrainingDisplay() as display:
        wanted = Options(recipe, engine, device, out, resume, overrides, offline, strict, display.on_download, chosen)
        run = execute(plan_run(data, wanted), display)
    if json_:
        print_json(run.as_dict())
    else:
        print_run(run)
    if run.interrupted:
        tell_of_interruption(run)
        raise SystemExit(130)
    if report:
        print_fact("report", write_report(run), file=sys.stderr if json_ else sys.stdout)


app.command("lr-find")(lr_find)


@app.command()
def evaluate(
    model: ModelFile,
    data: Data,
    split: options.ScoredSplit = SplitChoice.auto,
    report: options.ReportFile = None,
    offline: Offline = False,
    strict: Strict = False,
    json_: Json = False,
) -> None:
    """Score a model on labelled pictures."""
    from imagewise.console import print_evaluation, print_fact, print_json
    from imagewise.evaluation import evaluate as score
    from imagewise.live import DownloadDisplay, tell_of
    from imagewise.model import Model
    from imagewise.sources import load_data

    opened = Model.open(model)
    with DownloadDisplay() as display:
        dataset = load_data(data, framing=opened.framing, offline=offline, strict=strict, progress=display)
    evaluation = score(opened, dataset, split=split.value)
    tell_of(evaluation.notices, dataset.skipped)
    if json_:
        print_json(evaluation.as_dict())
    else:
        print_evaluation(evaluation)
    if report is not None:
        from imagewise.atomic import write_atomically
        from imagewise.reporting import report_of_evaluation

        write_atomically(report, report_of_evaluation(evaluation))
        print_fact("report", report, file=sys.stderr if json_ else sys.stdout)


@app.command()
def predict(
    pictures: options.Pictures,
    model: options.Recogniser = None,
    top: options.Top = 3,
    segment: options.Segment = False,
    boxes: options.BoxesFolder = None,
    show_input: options.InputFolder = None,
    json_: Json = False,
    csv: options.Csv = False,
) -> None:
    """Recognise pictures."""
    from imagewise.console import PredictionPrinter
    from imagewise.model import load_model
    from imagewise.prediction import find_pictures, predict_files, read_files
    from imagewise.shown import ShownFolder, draw_boxes, enlarged

    if json_ and csv:
        raise typer.BadParameter("--json and --csv exclude each other; choose one.")
    if boxes is not None and not segment:
        raise typer.BadParameter("--boxes needs --segment: without it there is nothing to draw boxes around.")
    opened = load_model(model)
    printer = PredictionPrinter("json" if json_ else "csv" if csv else "text")
    found = find_pictures(pictures, sys.stdin.buffer)
    inputs = ShownFolder(show_input) if show_input else None
    pages = ShownFolder(boxes) if boxes else None
    answers: Iterable[tuple[str, Prediction | Reading | PictureError]]
    if segment:

        def keep(name: str, picture: Image.Image, reading: Reading) -> None:
            if inputs and reading.characters:
                inputs.add(name, enlarged([character.framed for character in reading.characters]))
            if pages:
                pages.add(name, draw_boxes(picture, reading))

        answers = read_files(opened, found, top, keep)
    else:
        shown = (lambda name, framed: inputs.add(name, enlarged([framed]))) if inputs else None
        answers = predict_files(opened, found, top, shown)
    for name, result in answers:
        printer.add(name, result)
    printer.end()
    if printer.unreadable:
        raise SystemExit(1 if printer.read else 2)


@app.command()
def show(
    data: Data,
    split: options.ShownSplit = None,
    out: options.SheetFile = None,
    offline: Offline = False,
    strict: Strict = False,
    json_: Json = False,
) -> None:
    """Look at a set.

    Counts, sizes, value range, and a labelled contact sheet.
    """
    from imagewise.atomic import atomic_writer
    from imagewise.console import print_dataset, show_on_terminal
    from imagewise.contact_sheet import contact_sheet
    from imagewise.live import DownloadDisplay, tell_of
    from imagewise.sources import load_data

    with DownloadDisplay() as display:
        dataset = load_data(data, offline=offline, strict=strict, progress=display)
    tell_of(dataset.notices, dataset.skipped)
    chosen = split.value if split else next(iter(dataset.splits))
    path = out or Path(f"{Path(dataset.name).stem}-contact-sheet.png")
    sheet = contact_sheet(dataset, chosen)
    with atomic_writer(path) as file:
        sheet.save(file, format="PNG")
    print_dataset(dataset, as_json=json_, sheet=path)
    if not json_:
        show_on_terminal(dataset, chosen)


app.command()(info)
app.command()(export)
app.command()(serve)


@app.command()
def recipes(name: options.RecipeToPrint = None, json_: Json = False) -> None:
    """List the recipes, or print one.

    Printed whole, as TOML, a recipe is a start for your own: `imagewise recipes perceptron > mine.toml`.
    """
    from imagewise.console import print_recipes

    print_recipes(name, as_json=json_)


app.add_typer(data_app, name="data")
