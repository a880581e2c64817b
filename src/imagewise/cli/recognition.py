"""`imagewise evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from imagewise.cli.framework.command import Command
from imagewise.cli.options import Columns, Data, Json, ModelFile, Offline, Open, Strict, examples, parse_columns

ScoredSplit = Annotated[
    Literal["auto", "train", "validation", "test", "all"],
    typer.Option(help="Split to score; auto uses test if the set has one, otherwise all.", rich_help_panel="Data"),
]
ReportFile = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write a report page to FILE.", rich_help_panel="Output")
]
Corrupted = Annotated[
    bool,
    typer.Option(
        "--corrupted",
        help="Score the pictures with 15 corruptions too, such as noise, blur and fog. Needs SciPy.",
        rich_help_panel="Data",
    ),
]
commands = typer.Typer()


@commands.command(
    cls=Command,
    epilog=examples("evaluate model.onnx flowers/", "evaluate model.onnx mnist --corrupted --report report.html"),
)
def evaluate(
    model: ModelFile,
    data: Data,
    split: ScoredSplit = "auto",
    report: ReportFile = None,
    open_: Open = False,
    offline: Offline = False,
    strict: Strict = False,
    columns: Columns = None,
    corrupted: Corrupted = False,
    json_: Json = False,
) -> None:
    """Score a model on labelled pictures."""
    from imagewise.cli.console import open_page, print_fact, print_json
    from imagewise.cli.print_scores import print_evaluation
    from imagewise.display.notices import print_notices
    from imagewise.display.progress import DownloadDisplay
    from imagewise.evaluation.evaluate import load_for_model, score_dataset, with_robustness
    from imagewise.evaluation.robustness import require_scipy
    from imagewise.model.model import load_model

    if open_ and report is None:
        raise typer.BadParameter("--open needs --report FILE, the page to open.")
    if corrupted:
        require_scipy()  # before minutes of reading
    opened, named = load_model(model), parse_columns(columns)
    with DownloadDisplay() as display:
        dataset = load_for_model(opened, data, offline=offline, strict=strict, columns=named, progress=display)
        evaluation = score_dataset(opened, dataset, split)
        if corrupted:
            evaluation = with_robustness(evaluation, opened, progress=display)
    print_notices(evaluation.notices, dataset.skipped)
    if json_:
        print_json(evaluation.as_dict())
    else:
        print_evaluation(evaluation)
    if report is not None:
        from imagewise.atomic import write_atomically
        from imagewise.evaluation.report.report import report_of_evaluation

        write_atomically(report, report_of_evaluation(evaluation))
        print_fact("report", report, to_stderr=json_)
        if open_:
            open_page(report)
