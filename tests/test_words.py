"""Words that no user should read: people see the field's words and plain English (the better word follows each)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "imagewise"
Words = dict[str, str]  # pattern of whole words, in any case: what to write instead

ANYWHERE: Words = {
    "((begun|start) )?anew": "again",
    "by heart": "memorises (overfitting)",
    "heed(s|ed)?": "respects, follows",
    "tells? of|told of": "lists, shows; receives",
    "mend(s|ed|ing)?": "fix, repair",
    "(be|is|are) had": "is available",
    "by and by": "later; Retrying",
    "takes? (it |them )?for (?!granted)|taken for|mistakes? for": "predicted as",
    "at hand": "available",
    "bring a key": "send a key",
    "go on with|goes on with": "continue, resume",
    "the digits that ship|that ships?": "the built-in digit model; included",
    "vouch(es)? for": "guarantees",
    "for want of": "without, because there is no",
    "aright": "correctly",
    "nought": "zero",
    "ought": "should",
    "whose affair|its affair": "decides",
    "in words of": "as",
    "a hair": "slightly",
    "of a sudden": "suddenly",
    "till": "until",
    "thereof|therein|whereby|wherein": "of it, in it, by which",
    "is said not to be": "is marked as missing",
    "speaks": "supports",
    "decides all that is random": "Random seed.",
}
NOT_IN_DOCSTRINGS: Words = {
    "lies?|lay|lying": "is (in), is located",
    "stands?(?! out)|stood|standing": "is, are; represents",
    "besides?": "next to, with, in addition to",
    "in turn": "alternately, one after the other",
    "by looking": "based on your pictures",
    "(is|are|was) (?-i:none)(?! of)": "is not; there is no",
    "costs?": "loss (of training); needs, takes (of time)",
    "whatever": "any; everything that",
    "what it is|what is in|what stands": "name the thing",
}
ALLOWED = {"docs/article.md": ("cost",), "examples/article.py": ("cost",)}  # the article's own word for the loss


def test_the_lint_finds_each_word_where_a_user_would_read_it() -> None:
    everything = ANYWHERE | NOT_IN_DOCSTRINGS
    found = [word for word, _ in refused("It lies beside the file, begun anew, and it stood there.", everything)]
    assert found == ["lies", "beside", "begun anew", "stood"]
    assert refused("The network applies standards, understands none of it and stands out.", everything) == []
    assert refused("Takes strokes for granted; taken for a 7", ANYWHERE) == [("taken for", "predicted as")]
    python = 'def f():\n    """Tells of it."""\n    # lies\n    raise ValueError(f"{x} is taken for a file")\n'
    assert [(line, text) for line, text, _ in python_texts(python)] == [
        (2, "Tells of it."),
        (4, " is taken for a file"),
    ]
    assert list(python_texts('def _f():\n    """Lies."""\n')) == []
    script = 'say("it lies there"); // stands\nconst a = `no ${x} lies here`;'
    assert [text for _, text, _ in script_texts(script)] == ["it lies there", "no ${x} lies here"]
    page = "Text that lies.\n\n    $ command lies\n\n```\nlies\n```\n`lies` <!-- lies -->"
    assert "".join(text for _, text, _ in markdown_texts(page)).count("lies") == 1


def files() -> list[Path]:
    found = [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.j2"), *SOURCE.rglob("*.js"), *SOURCE.rglob("*.toml")]
    found += [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile")]
    found += (ROOT / "examples").glob("*.py")
    found += [path for path in (ROOT / "docs").glob("*.md") if path.name != "decisions.md"]
    return sorted(path for path in found if path.exists() and "onnxruntime" not in path.parts)


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_people_read_is_in_plain_words(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    problems = []
    for line, text, is_docstring in texts(path):
        words = ANYWHERE if is_docstring else ANYWHERE | NOT_IN_DOCSTRINGS
        for word, better in refused(text, words):
            if word not in ALLOWED.get(name, ()):
                problems.append(f"{name}:{line}: {word!r} in {text.strip()[:70]!r}; better: {better}")
    assert not problems, "\n" + "\n".join(problems)


def refused(text: str, words: Words) -> list[tuple[str, str]]:
    """Each refused word of a text, in order, and the better one."""
    pattern = "|".join(f"(?P<word{i}>{word})" for i, word in enumerate(words))
    found = re.finditer(rf"\b(?:{pattern})(?:\b|(?<=\s))", text, re.I)
    better = list(words.values())
    return [(match[0].strip(), better[int(str(match.lastgroup).removeprefix("word"))]) for match in found]


def texts(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Line, text and whether it is a docstring, of each text in a file that a user may read."""
    content = path.read_text("utf-8")
    if path.suffix == ".py":
        return python_texts(content)
    if path.suffix == ".js":
        return script_texts(content)
    if path.suffix == ".md":
        return markdown_texts(content.split("\n## [0")[0] if path.name == "CHANGELOG.md" else content)
    if path.suffix == ".j2":
        return iter((n, text, False) for n, text in lines(re.sub(r"\{#.*?#\}", blank, content, flags=re.S)))
    return iter((n, text, False) for n, text in lines(content) if path.suffix == ".toml" or "@echo" in text)


def python_texts(content: str) -> Iterator[tuple[int, str, bool]]:
    """Docstrings of public things, and all other strings of several words."""
    tree = ast.parse(content)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {}
    for node in ast.walk(tree):
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr):
            docstrings[id(node.body[0].value)] = getattr(node, "name", "").startswith("_")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            private = docstrings.get(id(node))
            if not private:
                yield node.lineno, re.sub(r"`[^`]*`", "", node.value), private is not None


def script_texts(content: str) -> Iterator[tuple[int, str, bool]]:
    token = r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|`(?:\\.|[^`\\])*`"
    for found in re.finditer(token, content, re.S):
        if found[0][0] != "/" and " " in found[0]:
            yield content.count("\n", 0, found.start()) + 1, found[0][1:-1], False


def markdown_texts(content: str) -> Iterator[tuple[int, str, bool]]:
    """Prose and tables, without code, comments and addresses."""
    content = re.sub(r"```.*?```|<!--.*?-->|`[^`]*`|\]\([^)]*\)", blank, content, flags=re.S)
    for number, line in lines(content):
        if not line.startswith("    "):
            yield number, line, False


def lines(content: str) -> Iterator[tuple[int, str]]:
    return iter(enumerate(content.splitlines(), 1))


def blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])
