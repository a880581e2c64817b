"""`imagewise audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from imagewise.cli.framework.command import Command
from imagewise.cli.options import Columns, Data, Json, Offline, Strict, examples, parse_columns

AuditedSplit = Annotated[
    Literal["train", "validation", "test"] | None,
    typer.Option("--split", help="Split to audit.  [default: all]", rich_help_panel="Data"),
]
Framing = Annotated[
    str | None,
    typer.Option(
        "--framing",
        metavar="KIND:SIZE",
        help="Framing of picture files, as for train.  [default: chosen from your pictures]",
        rich_help_panel="Data",
    ),
]
Table = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="The table, a CSV; the page is next to it.  [default: DATA-audit.csv]",
        rich_help_panel="Output",
    ),
]
Most = Annotated[int, typer.Option("--most", metavar="N", min=1, help="List at most N pictures for each reason.")]
OpenPage = Annotated[bool, typer.Option("--open", help="Open the page in the browser.", rich_help_panel="Output")]
commands = typer.Typer()


@commands.command(cls=Command, epilog=examples("audit flowers/", "audit mnist --split test --open"))
def audit(
    data: Data,
    split: AuditedSplit = None,
    most: Most = 100,
    out: Table = None,
    framing: Framing = None,
    open_: OpenPage = False,
    offline: Offline = False,
    strict: Strict = False,
    columns: Columns = None,
    json_: Json = False,
) -> None:
    """Find pictures to look at: wrong labels, copies, outliers, dark and blurred ones.

    Writes a page with the pictures and a table to act on, which `train --audit` applies. Deletes nothing.
    """
    from imagewise.atomic import write_atomically
    from imagewise.auditing.audit import audit_dataset, load_for_audit
    from imagewise.auditing.labels import require_cleanlab
    from imagewise.auditing.page import audit_page
    from imagewise.cli.console import open_page, print_fact, print_json
    from imagewise.cli.print_data import print_audit
    from imagewise.display.notices import print_notices
    from imagewise.display.progress import DownloadDisplay
    from imagewise.training.planning.plan import Options

    require_cleanlab()  # before minutes of reading
    table = out or Path(f"{Path(data).resolve().stem}-audit.csv")
    page = table.with_suffix(".html")
    if page == table:
        raise typer.BadParameter(f"--out {table}: name a CSV file; the page takes the ending .html.")
    options = Options(offline=offline, strict=strict, columns=parse_columns(columns), framing=framing)
    with DownloadDisplay() as display:
        dataset = load_for_audit(data, options, display)
        found = audit_dataset(dataset, split, most=most, source=data, offline=offline, progress=display)
    print_notices(dataset.notices, dataset.skipped)
    write_atomically(table, found.to_csv())
    write_atomically(page, audit_page(found, table.name))
    if json_:
        print_json(found.as_dict())
    else:
        print_audit(found)
    print_fact("table", table, to_stderr=json_)
    print_fact("page", page, to_stderr=json_)
    if open_:
        open_page(page)
