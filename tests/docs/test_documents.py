"""Each command of the guide, of serving.md and of the tutorials works, in order, and prints what the page shows.

Small data sets take the place of the reader's: numbers may differ, words may not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.blocks import KINDS, Block, Reader, blocks_of, missing_lines

ROOT = Path(__file__).parents[2]
SLOW_PAGES = ["docs/tutorial-mnist.md", "docs/your-own-pictures.md"]
PAGES = ["README.md", "docs/shipping.md", "docs/guide.md", "docs/serving.md", "docs/backbones.md", *SLOW_PAGES]


def read_page(name: str) -> list[Block]:
    return blocks_of((ROOT / name).read_text("utf-8"))


@pytest.mark.parametrize("name", [pytest.param(p, marks=[pytest.mark.prove] * (p in SLOW_PAGES)) for p in PAGES])
def test_every_command_of_a_page_works_and_prints_what_the_page_shows(name: str, folder: Path, data: Path) -> None:
    with Reader(folder, data) as reader:
        for block in read_page(name):
            output = reader.run(block)
            if output is not None and block.output is not None:
                missing = missing_lines(block.output, output, KINDS)
                assert not missing, f"{name}, line {block.line}: {missing} is not in what it prints:\n{output}"


def test_each_page_has_something_to_run_and_each_block_that_is_not_run_a_reason() -> None:
    for name in PAGES:
        blocks = read_page(name)
        assert any(block.mark != "not run" for block in blocks), name
        assert all(block.reason for block in blocks if block.mark), name


def test_blocks_are_found_with_their_outputs_and_marks() -> None:
    page = (
        "Text.\n\n    imagewise info m  # a comment\n    curl x\n\n```\nout 1\n```\n\n    tree/\n      a\n\n"
        "<!-- not run: no network -->\n\n    $ podman x\n\n```python\nprint(1)\n```\n\n```toml\na = 1\n```\n"
    )
    first, second, third = blocks_of(page)
    assert (first.text, first.output, first.mark) == ("imagewise info m  # a comment\ncurl x", "out 1", None)
    assert (second.text, second.mark, second.reason) == ("$ podman x", "not run", "no network")
    assert (third.kind, third.text, third.output) == ("python", "print(1)", None)


@pytest.mark.parametrize(
    ("shown", "real", "missing"),
    [
        ("test  72.64% (413 pictures)\n...\nmodel  runs/a-2026", "x\ntest 9% (5 pictures)\ny\nmodel runs/a-1", []),
        ("device  cpu (2 threads), x", "device  cpu (1 of 4 threads: this computer is busy), x", []),
        ("device  cpu (2 threads), x", "device  cpu (1 thread), y", ["device  cpu (2 threads), x"]),
        ("daisy  86%  75%", "daisy  -  0%", []),
        ("one word", "another word", ["one word"]),
        ("b\na", "a\nb", ["a"]),
        ('{"label": "7", "top": [1]}', '{"top": [], "label": "2", "more": 1}', []),
        ('{"label": "7", "other": 1}', '{"label": "2"}', ["other"]),
    ],
)
def test_numbers_may_differ_and_words_may_not(shown: str, real: str, missing: list[str]) -> None:
    assert missing_lines(shown, real) == missing
