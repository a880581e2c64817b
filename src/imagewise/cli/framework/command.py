"""Commands and groups as imagewise lays out their help: options in sections, no line cut, whole summaries.

Typer groups options only where rich draws the help. Here a section is a heading, which a pipe and a screen reader
keep.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from imagewise.cli.console import print_environment
from imagewise.cli.framework.verbosity import be_quiet, be_verbose

OPTIONS = "Options"  # the section of options that name no other; it comes last
_ARGUMENTS = "Arguments"

Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        callback=be_quiet,
        expose_value=False,
        help="Print results and errors only.",
        show_default=False,
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", callback=be_verbose, expose_value=False, help="Print every detail.", show_default=False
    ),
]


class Command(TyperCommand):
    """A command with `--quiet` and `--verbose`, whose help has its options in sections (`rich_help_panel`)."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params = [*self.params, *_shared_options()]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line. Nothing in it may be empty: as a path, an empty text is the current folder."""
        for before, argument in pairwise(["", *args]):
            _refuse_empty(before, argument)
        rest: list[str] = super().parse_args(ctx, args)
        return rest

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, a section each."""
        _write_sections(self, ctx, formatter)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """`[OPTIONS] MODEL [DATA]`."""
        pieces = (_usage(parameter) for parameter in self.get_params(ctx) if parameter.param_type_name == "argument")
        return [self.options_metavar or "", *pieces]

    def invoke(self, ctx: Any) -> Any:
        """Run the command; with `--verbose` after what it works with."""
        print_environment()
        return super().invoke(ctx)


class Group(TyperGroup):
    """A group of commands, which lists them with their whole summaries."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, then the commands."""
        _write_sections(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each command's name and the first sentence of its help."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, command.get_short_help_str(limit=1000)) for name, command in found if command is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@cache
def _shared_options() -> tuple[Any, ...]:
    """`--quiet` and `--verbose`, made by Typer from a signature: its classes of options differ between versions."""
    shared = typer.Typer(add_completion=False)

    @shared.command()
    def take(quiet: Quiet = False, verbose: Verbose = False) -> None:
        pass

    return tuple(typer.main.get_command(shared).params)


def _refuse_empty(before: str, argument: str) -> None:
    """Raise BadParameter for `""` and `--option=`."""
    option, equals, value = argument.partition("=")
    if argument and not (option.startswith("--") and equals and not value):
        return
    name = option or (before if before.startswith("-") else "an argument")
    raise typer.BadParameter(f"{name}: '' is empty. Write a value; a shell variable that is not set gives ''.")


def _write_sections(command: Any, ctx: Any, formatter: Any) -> None:
    sections: dict[str, list[tuple[str, str]]] = {_ARGUMENTS: []}
    rest: list[tuple[str, str]] = []
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is None:
            continue
        if parameter.param_type_name == "argument":
            sections[_ARGUMENTS].append((_name(parameter), record[1].replace("  [required]", "")))
        else:
            section = getattr(parameter, "rich_help_panel", None)
            (rest if section is None else sections.setdefault(section, [])).append(record)
    for title, rows in [*sections.items(), (OPTIONS, rest)]:
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _usage(parameter: Any) -> str:
    name = _name(parameter)
    return name if parameter.required else f"[{name}]"


def _name(parameter: Any) -> str:
    """`DATA`, or `PICTURE...` where several may be given."""
    name = str(parameter.metavar or parameter.name).upper()
    return name + "..." if parameter.nargs == -1 else name
