"""The page of an audit: the pictures that somebody should look at. One file that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imagewise.auditing.findings import Audit, Finding, What
from imagewise.evaluation.report.environment import environment
from imagewise.evaluation.report.mistakes import InlinePicture, inline_picture


@dataclass(frozen=True)
class Shown:
    """A picture of the page.

    Attributes:
        picture: as the page holds it.
        path, label: as in the table.
        suggestion: the class that it seems to be of; "" for none.
        detail: a line below it; "" for none.
        group: number of the group of copies; 0 for none.
    """

    picture: InlinePicture
    path: str
    label: str
    suggestion: str
    detail: str
    group: int


@dataclass(frozen=True)
class Section:
    """The pictures with one reason.

    Attributes:
        what: the reason.
        count: how many were found; `pictures` may be fewer.
        pictures: the most suspicious first.
    """

    what: What
    count: int
    pictures: Sequence[Shown]


def audit_page(audit: Audit, table: str) -> str:
    """The whole HTML page, with styles and pictures inside. All text is escaped.

    Args:
        table: what the CSV file of this audit is called.
    """
    sections = [
        Section(what, audit.counts[what], [_shown(audit, finding) for finding in audit.of(what)])
        for what in What
        if audit.counts[what]
    ]
    page = environment().get_template("audit.html.j2").render(audit=audit, sections=sections, table_file=table)
    # names of files may hold bytes that are no text (lone surrogates), which no file can be written with
    return page.encode("utf-8", "replace").decode()


def _shown(audit: Audit, finding: Finding) -> Shown:
    split = audit.dataset[finding.split]
    return Shown(
        inline_picture(split.images[finding.index]),
        audit.path(finding),
        audit.label(finding),
        finding.suggestion,
        finding.split if finding.what is What.COPY else "",
        finding.group,
    )
