"""`imagewise train` and `lr-find`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imagewise.cli.framework.command import Command
from imagewise.cli.options import Columns, GroupBy, Json, NearCopies, Offline, Open, Strict, examples, parse_columns
from imagewise.cli.training_options import (
    AuditTable,
    BackboneName,
    BackboneOutput,
    BatchSize,
    Data,
    Device,
    Engine,
    Epochs,
    FramingText,
    Half,
    HighestRate,
    LearningRate,
    LowestRate,
    Minutes,
    PlotFile,
    RecipeName,
    Report,
    Resume,
    RunFolder,
    Seed,
    Settings,
    Threads,
)

if TYPE_CHECKING:
    from imagewise.fetch import Progress
    from imagewise.training.planning.plan import Options

commands = typer.Typer()


def _options(
    *,
    recipe: str | None,
    framing: str | None,
    engine: str | None,
    device: str,
    fields: Mapping[str, object | None],
    settings: list[str] | None,
    offline: bool,
    strict: bool,
    progress: Progress,
    group_by: str | None,
    near_copies: bool,
    columns: str | None,
    threads: int | None = None,
    out: Path | None = None,
    resume: Path | None = None,
    report: bool = True,
    minutes: float | None = None,
    half: bool = False,
    audit: Path | None = None,
) -> Options:
    """The options of a training from those of a command line.

    Args:
        fields: values that options of their own give to fields of the recipe; None: the recipe's.
        settings: `KEY=VALUE` of each `--set`, which overrides `fields`.
        progress: receives the progress of downloads and of reading pictures.

    Raises:
        ImagewiseError: a framing or a setting is not valid.
    """
    from imagewise.framing.framing import Framing
    from imagewise.training.planning.plan import Options
    from imagewise.training.recipes.files import parse_setting

    overrides = {key: value for key, value in fields.items() if value is not None}
    overrides |= dict(parse_setting(text) for text in settings or [])
    return Options(
        recipe=recipe,
        engine=engine,
        device=device,
        out=out,
        resume=resume,
        overrides=overrides,
        offline=offline,
        strict=strict,
        download_progress=progress,
        framing=Framing.parse(framing) if framing else None,
        threads=threads,
        group_by=group_by,
        near_copies=near_copies,
        columns=parse_columns(columns),
        report=report,
        minutes=minutes,
        half=half,
        audit=audit,
    )


@commands.command(
    cls=Command,
    epilog=examples("train", "train flowers/ --epochs 20 --set augment.rotate=10", "train --resume runs/flowers"),
)
def train(
    data: Data = None,
    recipe: RecipeName = None,
    backbone: BackboneName = None,
    backbone_output: BackboneOutput = None,
    framing: FramingText = None,
    minutes: Minutes = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    engine: Engine = None,
    device: Device = "auto",
    threads: Threads = None,
    seed: Seed = None,
    out: RunFolder = None,
    resume: Resume = None,
    set_: Settings = None,
    group_by: GroupBy = None,
    near_copies: NearCopies = True,
    columns: Columns = None,
    audit: AuditTable = None,
    offline: Offline = False,
    strict: Strict = False,
    half: Half = False,
    report: Report = True,
    open_: Open = False,
    json_: Json = False,
) -> None:
    """Train a model on your pictures.

    Leaves one folder, the run, with model.onnx, report.html and everything needed to reproduce the run.
    """
    from imagewise.cli.console import log, open_page, print_fact, print_json
    from imagewise.cli.print_runs import print_interrupted, print_run
    from imagewise.training.planning.planning import plan_run
    from imagewise.training.reports.live import TrainingDisplay
    from imagewise.training.run import execute, write_report

    if open_ and not report:
        raise typer.BadParameter("--open shows the report, which --no-report leaves out; drop one of them.")
    fields = {
        "backbone": backbone,
        "backbone_output": backbone_output,
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer.learning_rate": learning_rate,
        "seed": seed,
    }
    with TrainingDisplay() as display:
        options = _options(
            recipe=recipe,
            framing=framing,
            engine=engine,
            device=device,
            fields=fields,
            settings=set_,
            offline=offline,
            strict=strict,
            progress=display.on_download,
            threads=threads,
            group_by=group_by,
            near_copies=near_copies,
            columns=columns,
            out=out,
            resume=resume,
            report=report,
            minutes=minutes,
            half=half,
            audit=audit,
        )
        plan = plan_run(data, options)
        run = execute(plan, display)
    if plan.complete:
        log(f"note: {run.folder} is complete. Its report was missing; imagewise writes it now.")
    with suppress(BrokenPipeError):  # the reader of `imagewise train ... | head` has gone: the report is still written
        if json_:
            print_json(run.as_dict())
        else:
            print_run(run)
    try:
        if report:
            path = write_report(run)
            print_fact("report", path, to_stderr=json_)
            if open_:
                open_page(path)
    finally:  # Ctrl-C once more ends the writing of the report, but not this line
        if run.interrupted:
            print_interrupted(run)
    if run.interrupted:
        raise SystemExit(130)


@commands.command(
    "lr-find", cls=Command, epilog=examples("lr-find flowers/", "lr-find mnist --recipe perceptron --batch-size 64")
)
def lr_find(
    data: Data = None,
    recipe: RecipeName = None,
    framing: FramingText = None,
    batch_size: BatchSize = None,
    lowest: LowestRate = None,
    highest: HighestRate = None,
    engine: Engine = None,
    device: Device = "auto",
    seed: Seed = None,
    set_: Settings = None,
    out: PlotFile = None,
    group_by: GroupBy = None,
    near_copies: NearCopies = True,
    columns: Columns = None,
    offline: Offline = False,
    strict: Strict = False,
    json_: Json = False,
) -> None:
    """Find a learning rate.

    Trains a little, one batch at each of 150 rising rates, suggests one for `train`, and writes a plot.
    """
    from imagewise.atomic import write_atomically
    from imagewise.cli.console import print_fact, print_json
    from imagewise.cli.print_runs import print_rates
    from imagewise.display.notices import print_notices
    from imagewise.display.progress import DownloadDisplay, Live
    from imagewise.training.lr_finder import HIGHEST, LOWEST, range_test, rates_between, watcher_of
    from imagewise.training.planning.planning import prepare
    from imagewise.training.reports.lr_plot import rate_plot, require_matplotlib

    require_matplotlib()  # before minutes of trying
    rates = rates_between(LOWEST if lowest is None else lowest, HIGHEST if highest is None else highest)
    with DownloadDisplay() as reading:
        options = _options(
            recipe=recipe,
            framing=framing,
            engine=engine,
            device=device,
            fields={"batch_size": batch_size, "seed": seed},
            settings=set_,
            offline=offline,
            strict=strict,
            progress=reading,
            group_by=group_by,
            near_copies=near_copies,
            columns=columns,
        )
        dataset, job, opened = prepare(data, options)
    print_notices(dataset.notices, dataset.skipped)
    with Live() as live:
        found = range_test(job, dataset, rates, watcher_of(live), opened)
    path = out or Path(f"{Path(dataset.name).stem}-{job.recipe.name}-rates.png")
    write_atomically(path, rate_plot(found))
    if json_:
        print_json(found.as_dict() | {"plot": str(path)})
    else:
        print_rates(found)
    print_fact("plot", path, to_stderr=json_)
