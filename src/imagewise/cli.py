"""The command line: parse, call one function, print. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from imagewise.errors import ImagewiseError, PictureError

if TYPE_CHECKING:
    from imagewise.evaluation import Evaluation


class _Group(TyperGroup):
    """Ends every command the same way: a message instead of a traceback, and the exit code that the design names."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ImagewiseError as error:
            print(f"imagewise: error: {error}", file=sys.stderr)
            raise SystemExit(error.exit_code) from None
        except KeyboardInterrupt:
            print("imagewise: interrupted", file=sys.stderr)
            raise SystemExit(130) from None
        except BrokenPipeError:  # `imagewise ... | head` has read enough
            sys.stdout = None  # type: ignore[assignment]
            raise SystemExit(0) from None


app = typer.Typer(
    cls=_Group,
    help="Image recognition that anyone can train, trust and ship.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(help="The named sets: list, fetch, verify.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data_app, name="data")


class EngineName(StrEnum):
    """Training engines."""

    pytorch = "pytorch"


class DeviceName(StrEnum):
    """Where an engine may compute."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


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


Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never download.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse damaged pictures instead of leaving them out.")]
Data = Annotated[str, typer.Argument(metavar="DATA", help="The name of a set, a folder, .npz, .csv or .parquet.")]
ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="A model.onnx that imagewise made.")]


def main() -> None:
    """The entry point `imagewise`."""
    try:
        app()
    except KeyboardInterrupt:  # while the command line itself was still loading
        sys.exit(130)


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
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]", help="A set's name or a path; without it MNIST, or digits where it is not to be had."
        ),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="A recipe's name (see `imagewise recipes`) or a TOML file.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="How often to go through the training pictures.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pictures a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="How far a step goes.")] = None,
    engine: Annotated[EngineName | None, typer.Option(help="What trains.  [default: pytorch]")] = None,
    device: Annotated[DeviceName, typer.Option(help="Where.")] = DeviceName.auto,
    seed: Annotated[int | None, typer.Option(help="Decides all that is random.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="The run's folder.  [default: runs/...]")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="DIR", help="Go on with the run in DIR.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set any field of the recipe, e.g. augment.rotate=10."),
    ] = None,
    offline: Offline = False,
    strict: Strict = False,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write report.html.")] = True,
    json_: Json = False,
) -> None:
    """Train a recogniser: one folder with model.onnx, report.html and all that is needed to repeat it."""
    from imagewise.console import print_json, print_run
    from imagewise.live import TrainingDisplay
    from imagewise.planning import Options, plan_run
    from imagewise.recipe import parse_setting
    from imagewise.training import execute, write_report

    named = {"epochs": epochs, "batch_size": batch_size, "optimizer.learning_rate": learning_rate, "seed": seed}
    overrides = {key: value for key, value in named.items() if value is not None}
    overrides |= dict(parse_setting(text) for text in set_ or [])
    with TrainingDisplay() as display:
        options = Options(recipe, engine, device, out, resume, overrides, offline, strict, display.on_download)
        run = execute(plan_run(data, options), display)
    if json_:
        print_json(run.as_dict())
    else:
        print_run(run)
    if report and not run.interrupted:
        path = write_report(run)
        print(f"report  {path}", file=sys.stderr if json_ else sys.stdout)
    if run.interrupted:
        raise SystemExit(130)


@app.command()
def evaluate(
    model: ModelFile,
    data: Data,
    split: Annotated[SplitChoice, typer.Option(help="auto: test where the set has one, else all.")] = SplitChoice.auto,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report page to FILE.")] = None,
    offline: Offline = False,
    strict: Strict = False,
    json_: Json = False,
) -> None:
    """Score a model on labelled pictures."""
    from imagewise.console import print_evaluation, print_json
    from imagewise.evaluation import evaluate as score
    from imagewise.live import tell

    evaluation = score(model, data, split=split.value, offline=offline, strict=strict)
    tell(*evaluation.notices)
    if json_:
        print_json(evaluation.as_dict())
    else:
        print_evaluation(evaluation)
    if report is not None:
        _write_evaluation_report(evaluation, report)


def _write_evaluation_report(evaluation: Evaluation, path: Path) -> None:
    from imagewise.atomic import write_atomically
    from imagewise.reporting import report_of_evaluation

    write_atomically(path, report_of_evaluation(evaluation))
    print(f"report  {path}", file=sys.stderr)


@app.command()
def predict(
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE...", help="Files, folders, or - for stdin.")],
    model: Annotated[Path | None, typer.Option(metavar="FILE", help="A model.onnx that imagewise made.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many classes to name, best first.")] = 3,
    json_: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the result as CSV.")] = False,
) -> None:
    """Recognise pictures."""
    from imagewise.console import PredictionPrinter
    from imagewise.model import Model
    from imagewise.prediction import find_pictures, predict_files

    if json_ and csv:
        raise typer.BadParameter("--json and --csv exclude each other; choose one.")
    if model is None:
        raise PictureError(
            "no recogniser ships with this version yet: name one with --model FILE (model.onnx of a run)."
        )
    opened = Model.open(model)
    named = ((str(p), p) for p in find_pictures(Path(p) for p in pictures if p != "-"))
    piped = [("-", sys.stdin.buffer.read())] if "-" in pictures else []
    printer = PredictionPrinter("json" if json_ else "csv" if csv else "text")
    for name, result in predict_files(opened, [*piped, *named], top):
        printer.add(name, result)
    printer.end()
    if printer.unreadable:
        raise SystemExit(1 if printer.read else 2)


@app.command()
def show(
    data: Data,
    split: Annotated[SplitName | None, typer.Option(help="Which split the sheet shows.  [default: train]")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the contact sheet (PNG) goes.")] = None,
    offline: Offline = False,
    strict: Strict = False,
    json_: Json = False,
) -> None:
    """Look at a set: counts, sizes, value range, and a labelled contact sheet."""
    from imagewise.atomic import atomic_writer
    from imagewise.console import print_dataset, show_on_terminal
    from imagewise.contact_sheet import contact_sheet
    from imagewise.live import DownloadDisplay, tell_of
    from imagewise.sources import load_data

    with DownloadDisplay() as display:
        dataset = load_data(data, offline=offline, strict=strict, progress=display)
    tell_of(dataset)
    chosen = split.value if split else next(iter(dataset.splits))
    path = out or Path(f"{Path(dataset.name).stem}-contact-sheet.png")
    sheet = contact_sheet(dataset, chosen)
    with atomic_writer(path) as file:
        sheet.save(file, format="PNG")
    print_dataset(dataset, as_json=json_, sheet=path)
    if not json_:
        show_on_terminal(dataset, chosen)


@app.command()
def info(model: ModelFile, json_: Json = False) -> None:
    """Tell what a model file is: classes, framing, network, data, metrics, versions."""
    from imagewise.console import print_json, print_model
    from imagewise.model import Model

    opened = Model.open(model)
    if json_:
        print_json({"model": opened.name} | opened.card.as_dict())
    else:
        print_model(opened)


@app.command()
def recipes(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Print this recipe whole.")] = None,
    json_: Json = False,
) -> None:
    """List the recipes, or print one as TOML, to start your own from."""
    from imagewise.console import print_recipes

    print_recipes(name, as_json=json_)


@data_app.command("list")
def data_list(json_: Json = False) -> None:
    """The named sets, and where each is on this machine."""
    from imagewise.console import print_sets

    print_sets(as_json=json_)


@data_app.command("fetch")
def data_fetch(names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Sets to download.")]) -> None:
    """Download named sets into the cache; what is here already is left alone."""
    from imagewise.live import DownloadDisplay
    from imagewise.sources.named import fetch

    for name in names:
        with DownloadDisplay() as display:
            path = fetch(name, display)
        print(f"{name}  {path}")


@data_app.command("verify")
def data_verify(names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Sets to check.")]) -> None:
    """Check named sets on this machine against the published hashes; exit 1 where a file is wrong."""
    from imagewise.sources.named import verify

    checks = [(name, check) for name in names for check in verify(name)]
    for name, check in checks:
        print(f"{name}/{check.file}  {'ok' if check.ok else 'WRONG'}  {check.detail}")
    if not all(check.ok for _, check in checks):
        raise SystemExit(1)
