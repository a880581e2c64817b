"""`imagewise info`, `export` and `serve`: what can be done with a finished model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from imagewise.cli.framework.command import Command
from imagewise.cli.options import MODEL_HELP, Json, ModelFile, Offline, examples

ExportTarget = Annotated[
    Literal["saved-model", "litert", "onnx-int8", "web"],
    typer.Option(
        "--to",
        help="Format: saved-model (TensorFlow), litert (phones), onnx-int8 (a quarter of the size), web (a page).",
    ),
]
ExportPath = Annotated[Path | None, typer.Argument(metavar="PATH", help="Same as --out.")]
ExportOut = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="PATH",
        help="File or folder to write.  [default: next to MODEL, named after it]",
        rich_help_panel="Output",
    ),
]
ExportData = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DATA",
        help="Set to check the export on.  [default: the set that the model was trained on, if it is on this machine]",
    ),
]
ServedModels = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="[NAME=]MODEL",
        help=f"{MODEL_HELP}; repeat it for several.  [default: the built-in digit model]",
        rich_help_panel="Models",
    ),
]
Host = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 for all.", rich_help_panel="Server")
]
Port = Annotated[
    int,
    typer.Option(metavar="N", min=0, max=65535, help="Port to listen on; 0 for a free one.", rich_help_panel="Server"),
]
AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--allowed-host",
        metavar="NAME",
        help="Name that clients may call the server by, in addition to its address; repeat it for several; * for any.",
        rich_help_panel="Server",
    ),
]
RunsFolder = Annotated[
    Path | None,
    typer.Option(
        "--runs",
        metavar="DIR",
        help="Show the training runs in DIR, including runs in progress, on the page /runs.",
        rich_help_panel="Models",
    ),
]
Workers = Annotated[
    int, typer.Option(metavar="N", min=1, max=256, help="Number of processes.", rich_help_panel="Server")
]

commands = typer.Typer()


@commands.command(cls=Command, epilog=examples("info model.onnx", "info model.onnx --json"))
def info(model: ModelFile, json_: Json = False) -> None:
    """Show information about a model file.

    Classes, framing, network, recipe, data, scores and versions.
    """
    from imagewise.cli.console import print_json
    from imagewise.cli.print_models import print_model
    from imagewise.model.model import load_model

    opened = load_model(model)
    if json_:
        print_json({"model": opened.name} | opened.card.as_dict())
    else:
        print_model(opened)


@commands.command(
    cls=Command,
    epilog=examples("export model.onnx --to litert", "export model.onnx --to onnx-int8 --data mnist --out small.onnx"),
)
def export(
    model: ModelFile,
    to: ExportTarget,
    path: ExportPath = None,
    out: ExportOut = None,
    data: ExportData = None,
    offline: Offline = False,
    json_: Json = False,
) -> None:
    """Write a model in another format.

    Checks the result against the original on up to 1,000 pictures, and keeps nothing if the two disagree. For
    onnx-int8, compares their accuracy instead.
    """
    from imagewise.cli.console import log, print_json
    from imagewise.cli.print_models import print_export
    from imagewise.display.notices import print_notices
    from imagewise.display.progress import DownloadDisplay
    from imagewise.evaluation.evaluate import load_for_model
    from imagewise.export.export import export as write
    from imagewise.model.model import load_model

    if path is not None and out is not None:
        raise typer.BadParameter(f"both {path} and --out {out} say where to write; leave one out.")
    opened, dataset = load_model(model), None
    if to == "web":
        from imagewise.export.web import describe_size

        log(f"size    {describe_size(opened)}. Visitors of the page download all of it once.")
    if data is not None:
        with DownloadDisplay() as display:
            dataset = load_for_model(opened, data, offline=offline, progress=display)
        print_notices(dataset.notices, dataset.skipped)
    made = write(opened, to, path or out, data=dataset, offline=offline)
    if json_:
        print_json(made.as_dict())
    else:
        print_export(made)


@commands.command(
    cls=Command,
    epilog=examples("serve", "serve --model runs/flowers --runs runs", "serve --host 0.0.0.0 --workers 4"),
)
def serve(
    model: ServedModels = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Workers = 1,
    runs: RunsFolder = None,
    allowed_host: AllowedHosts = None,
) -> None:
    """Serve models: an API for programs, a page for people.

    If IMAGEWISE_API_KEY is set, requests must send it as their key.
    """
    from imagewise.server.models import parse_model_arguments
    from imagewise.server.settings import Settings
    from imagewise.server.start import serve as run

    key = os.environ.get("IMAGEWISE_API_KEY")
    hosts = tuple(allowed_host or ())
    files = parse_model_arguments(model or [])
    run(Settings(files, host, port, workers, api_key=key, runs=runs, allowed_hosts=hosts))
