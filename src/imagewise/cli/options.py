"""Arguments and options that several groups of commands share. The others are beside the commands that take them."""

from __future__ import annotations

import re
from typing import Annotated

import typer

MODEL_HELP = "A model.onnx made by imagewise, the folder of its run, or `latest`"

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel="Output")]
Offline = Annotated[bool, typer.Option("--offline", help="Never download.", rich_help_panel="Data")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse damaged pictures instead of skipping them.", rich_help_panel="Data")
]
Open = Annotated[bool, typer.Option("--open", help="Open the report in the browser.", rich_help_panel="Output")]
Data = Annotated[
    str, typer.Argument(metavar="DATA", help="Name of a set, a folder, or an .npz, .csv, .parquet or .tar file.")
]
GroupBy = Annotated[
    str | None,
    typer.Option(
        "--group-by",
        metavar="REGEX",
        help="Keep pictures with the same match in their file names, such as one person's, in one split: '^[^_]+' "
        "takes what is before the first underscore.",
        rich_help_panel="Data",
    ),
]
NearCopies = Annotated[
    bool,
    typer.Option(
        "--near-copies/--no-near-copies",
        help="Keep pictures that look the same in one split.",
        rich_help_panel="Data",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="ROLE=COLUMN",
        help="Columns of a table, if imagewise does not find the right ones: file=photo,label=breed; also split=, "
        "group=.",
        rich_help_panel="Data",
    ),
]
ModelFile = Annotated[str, typer.Argument(metavar="MODEL", help=f"{MODEL_HELP}.")]


def parse_columns(text: str | None) -> dict[str, str] | None:
    """`file=photo,label=breed` as `load_data` takes columns. Raises BadParameter."""
    if text is None:
        return None
    pairs = [pair.partition("=") for pair in re.split(r",(?=\w+=)", text)]  # a name may hold commas
    if not all(role and name for role, _, name in pairs):
        raise typer.BadParameter(f"--columns {text!r} names no columns. Write ROLE=COLUMN: file=photo,label=breed.")
    return {role: name for role, _, name in pairs}


def examples(*commands: str) -> str:
    """The epilog of a command's help: what a person may type."""
    return "\b\nExamples:\n" + "\n".join(f"  imagewise {command}" for command in commands)
