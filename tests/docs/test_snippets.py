"""The Python snippets of README and docs/ pass `mypy --strict`, and they run.

Those of most pages run in `test_documents.py`, after the commands that they need; the others here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from docs.blocks import Block, Reader, blocks_of
from docs.test_documents import PAGES as RUN_WITH_THEIR_COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def snippets_of(page: Path) -> list[Block]:
    return [block for block in blocks_of(page.read_text("utf-8")) if block.kind == "python"]


ALONE = [
    page for page in PAGES if page.relative_to(ROOT).as_posix() not in RUN_WITH_THEIR_COMMANDS and snippets_of(page)
]


def complaints(folder: Path, snippets: dict[str, str]) -> str:
    """What mypy says of these snippets by name, in one call; "" for nothing."""
    for name, text in snippets.items():
        (folder / f"{name}.py").write_text(text)
    command = [sys.executable, "-m", "mypy", "--no-error-summary", *(str(folder / f"{name}.py") for name in snippets)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_readme_and_two_pages_have_snippets() -> None:
    assert {page.name for page in PAGES if snippets_of(page)} >= {"README.md", "guide.md", "shipping.md"}


def test_every_snippet_passes_mypy_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    snippets = {
        f"{page.stem.replace('-', '_').lower()}_line_{snippet.line}": snippet.text
        for page in PAGES
        for snippet in snippets_of(page)
    }
    wrong = "import imagewise\n\nprint(imagewise.load_model().predict('three.png').lable)\n"
    lines = complaints(tmp_path, snippets | {"wrong": wrong}).splitlines()
    assert len(lines) == 1, lines
    assert "wrong.py:3" in lines[0]
    assert "lable" in lines[0]


@pytest.mark.parametrize("page", ALONE, ids=lambda page: page.name)
def test_the_snippets_of_other_pages_run(page: Path, folder: Path, data: Path) -> None:
    with Reader(folder, data) as reader:
        for snippet in snippets_of(page):
            reader.run(snippet)
