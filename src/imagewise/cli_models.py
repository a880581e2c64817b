"""What is done with a finished model: `imagewise info`, `export` and `serve`."""

from __future__ import annotations

import os

import typer

from imagewise import cli_options as options
from imagewise.cli_options import Json, ModelFile, Offline


def info(model: ModelFile, json_: Json = False) -> None:
    """Tell what a model file is.

    Classes, framing, network, recipe, data, metrics and versions.
    """
    from imagewise.console import print_json, print_model
    from imagewise.model import Model

    opened = Model.open(model)
    if json_:
        print_json({"model": opened.name} | opened.card.as_dict())
    else:
        print_model(opened)


def export(
    model: ModelFile,
    to: options.ExportTo,
    path: options.ExportPath = None,
    out: options.ExportOut = None,
    data: options.ExportData = None,
    offline: Offline = False,
    json_: Json = False,
) -> None:
    """Write a model in another format.

    It is checked against the original on 1,000 pictures; where the two disagree, nothing is kept.
    """
    from imagewise.console import print_export, print_json
    from imagewise.export import export as write
    from imagewise.live import DownloadDisplay, tell_of
    from imagewise.model import Model
    from imagewise.sources import load_data

    if path is not None and out is not None:
        raise typer.BadParameter(f"{path} and --out {out} say twice where to write; leave one out.")
    opened, dataset = Model.open(model), None
    if data is not None:
        with DownloadDisplay() as display:
            dataset = load_data(data, framing=opened.framing, offline=offline, progress=display)
        tell_of(dataset.notices, dataset.skipped)
    made = write(opened, to.value, path or out, data=dataset, offline=offline)
    if json_:
        print_json(made.as_dict())
    else:
        print_export(made)


def serve(
    model: options.ServedModels = None,
    host: options.Host = "127.0.0.1",
    port: options.Port = 8000,
    workers: options.Workers = 1,
    runs: options.RunsFolder = None,
) -> None:
    """Serve models: an API for programs, a page for people.

    IMAGEWISE_API_KEY, where it is set, is the key that requests must bring.
    """
    from imagewise.server.serving import Settings
    from imagewise.server.serving import serve as run
    from imagewise.server.shelf import named_files

    key = os.environ.get("IMAGEWISE_API_KEY") or None
    run(Settings(named_files(model or []), host, port, workers, api_key=key, runs=runs))
