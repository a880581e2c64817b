"""`imagewise backbones`: the pretrained networks, and downloading one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from imagewise.cli.framework.command import Command, Group, Quiet, Verbose
from imagewise.cli.options import Json, examples

if TYPE_CHECKING:
    from imagewise.backbones.listing import BackboneStatus

Names = Annotated[list[str], typer.Argument(metavar="NAME", help="Backbones; see `imagewise backbones`.")]

commands = typer.Typer()
backbone_commands = typer.Typer(
    cls=Group,
    help="List the backbones, or download one.\n\nA backbone is a network that others trained on the 1.3 million "
    "photographs of ImageNet. imagewise trains on its features, so that few pictures are enough. The column ImageNet "
    "is the published accuracy there; a verified backbone was compared with another implementation on its weights.",
    epilog=examples("backbones", "backbones --json", "backbones fetch mobilenet_v2"),
    invoke_without_command=True,
)
commands.add_typer(backbone_commands, name="backbones")


@backbone_commands.callback()
def backbones(context: typer.Context, json_: Json = False, quiet: Quiet = False, verbose: Verbose = False) -> None:
    """Print what each backbone is, and where its weights are, unless another command was given."""
    from imagewise.backbones.listing import pretrained_backbones
    from imagewise.cli.console import print_environment, print_json, print_table

    if context.invoked_subcommand is not None:
        if json_:
            raise typer.BadParameter("--json is for the list: imagewise backbones --json.")
        return
    print_environment()
    found = pretrained_backbones()
    if json_:
        print_json([vars(each) | {"path": each.path and str(each.path)} for each in found])
        return
    header = ("backbone", "parameters", "MB", "ImageNet", "licence", "verified", "where")
    print_table([header, *map(_row, found)])


def _row(each: BackboneStatus) -> tuple[object, ...]:
    where = f"{each.place}: {each.path}"
    if each.place is None:
        where = f"not here: {each.bytes / 1e6:.1f} MB to download from {each.host}" if each.host else "not here"
    size, verified = f"{each.bytes / 1e6:.1f}", "yes" if each.verified else "no"
    return each.name, f"{each.parameters:,}", size, f"{each.top1:.1f}%", each.licence, verified, where


@backbone_commands.command("fetch", cls=Command, epilog=examples("backbones fetch mobilenet_v2"))
def fetch_backbones(names: Names) -> None:
    """Download the weights of backbones into the cache.

    Weights that are on this machine already are not downloaded again.
    """
    from imagewise.backbones.catalog import entry
    from imagewise.backbones.pretrained import Pretrained
    from imagewise.backbones.published import fetch
    from imagewise.backbones.weights_file import read_weights
    from imagewise.cli.console import print_line
    from imagewise.display.progress import DownloadDisplay

    wanted = [entry(name) for name in names]  # refuses a misspelt name before the others are downloaded
    for each in wanted:
        with DownloadDisplay() as display:
            path = fetch(each, progress=display)
        Pretrained.of_tensors(each, read_weights(path), str(path))  # refuses what no training could use
        print_line(f"{each.name}  {path}")
