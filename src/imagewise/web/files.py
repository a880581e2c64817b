"""The pages' files, for whoever serves or copies them: static files by name, and pages made from their templates."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from jinja2 import Template


def static_files() -> dict[str, bytes]:
    """The scripts, style sheets and icons that the pages load from `static/`: content by file name."""
    folder = files(__package__) / "static"
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir(), key=str) if file.is_file()}


def render_page(
    name: str,
    *,
    pages: Sequence[tuple[str, str]] = (),
    answers: Literal["server", "browser"] = "server",
    policy: str | None = None,
) -> str:
    """The HTML of a page.

    Args:
        name: of the page: index, models, model, runs or run.
        pages: to link to, as pairs of an address relative to `/` and a name.
        answers: who recognises the pictures.
        policy: a content security policy to write into the page, where no server sends one.
    """
    return page_template(name).render(pages=pages, answers=answers, policy=policy)


def page_template(name: str) -> Template:
    """The template of a page, for those that are rendered more than once.

    `render_page` names the pages and the values that each needs; `problem` needs `up`, `title` and `detail`, too.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(f"{name}.html.j2")
