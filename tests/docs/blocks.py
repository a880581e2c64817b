"""Commands, snippets and outputs in Markdown, and running them in a folder as a reader would.

A block is a command block if it is indented or fenced as `sh` and its first line is a command. A fenced block directly
after it, without a language or as `json`, is its output. A comment before a block changes what is done:

    <!-- not run: reason -->     the block is not run
    <!-- run as: command -->     this is run in place of the block's commands
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

COMMANDS = (
    "imagewise",
    ".venv/bin/",
    "curl",
    "make",
    "podman",
    "docker",
    "pip",
    "pipx",
    "uv",
    "python",
    "git",
    "py",
    "$",
)
Mark = Literal["not run", "run as"]
COMMENT = re.compile(r"<!-- (not run|run as): (.+?) -->")
PATIENCE = 120.0  # seconds
KINDS = {"daisy": "white", "dandelion": "yellow", "rose": "red", "sunflower": "orange", "tulip": "purple"}


@dataclass(frozen=True)
class Block:
    """A block of commands, or a Python snippet, as it is in a page.

    Attributes:
        line: of the page, from 1.
        kind: `sh` or `python`.
        text: as written.
        output: the block after it; None without one.
        mark, reason: of the comment before it.
    """

    line: int
    kind: Literal["sh", "python"]
    text: str
    output: str | None = None
    mark: Mark | None = None
    reason: str = ""


def blocks_of(page: str) -> list[Block]:
    """All command blocks and Python snippets of a page, in order."""
    found: list[Block] = []
    comment: re.Match[str] | None = None
    after = False  # only empty lines since the last command block
    for line, kind, text in _parts(page):
        if kind == "comment":
            comment, after = COMMENT.fullmatch(text.strip()), False
        elif kind in ("sh", "python"):
            mark, reason = (comment[1], comment[2]) if comment else (None, "")
            found.append(Block(line, kind, text, None, mark, reason))  # type: ignore[arg-type]
            comment, after = None, kind == "sh"
        elif kind == "output" and after:
            last = found.pop()
            found.append(Block(last.line, last.kind, last.text, text, last.mark, last.reason))
            after = False
        elif kind != "empty":
            comment, after = None, False
    return found


def _parts(page: str) -> Iterator[tuple[int, str, str]]:
    lines = page.splitlines()
    i = 0
    while i < len(lines):
        start = i
        if fence := re.match(r"```(\w*)", lines[i]):
            i += 1
            while i < len(lines) and not lines[i].startswith("```"):
                i += 1
            language = fence[1]
            kind = {"python": "python", "sh": "sh", "": "output", "json": "output"}.get(language, "other")
            yield start + 1, kind, "\n".join(lines[start + 1 : i])
        elif lines[i].startswith("    ") and (start == 0 or not lines[start - 1].strip()):
            while i + 1 < len(lines) and (lines[i + 1].startswith("    ") or not lines[i + 1].strip()):
                i += 1
            text = "\n".join(line[4:] for line in lines[start : i + 1]).rstrip()
            is_command = text.startswith(COMMANDS) or re.match(r"[A-Z_]+=\S+ ", text) is not None
            yield start + 1, "sh" if is_command else "other", text
        elif not lines[i].strip():
            yield start + 1, "empty", ""
        elif lines[i].startswith("<!--"):
            yield start + 1, "comment", lines[i]
        else:
            yield start + 1, "text", lines[i]
        i += 1


class Reader:
    """Someone who types the blocks of a page, one after the other.

    Args:
        folder: where it is done; it holds what the page says that the reader has.
        data: the folder of named sets.
    """

    def __init__(self, folder: Path, data: Path) -> None:
        self._folder, self._port = folder, _free_port()
        self._servers: list[subprocess.Popen[bytes]] = []
        programs = folder.parent / "programs"
        programs.mkdir(exist_ok=True)
        for name, code in (("imagewise", "-m imagewise"), ("python", "")):
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {code} "$@"\n')
            program.chmod(0o755)
        self._environment = os.environ | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "IMAGEWISE_DATA": str(data),
            "XDG_CACHE_HOME": str(folder.parent / "cache"),
            "COLUMNS": "200",
        }

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def run(self, block: Block) -> str | None:
        """Run a block; its output (stderr and stdout), or None if it is not to be run.

        Raises:
            AssertionError: a command failed.
        """
        if block.mark == "not run":
            return None
        if block.kind == "python":
            return self._done([sys.executable, "-c", block.text], block)
        text = block.reason.replace(" && ", "\n") if block.mark == "run as" else block.text
        output = ""
        for command in _commands(text):
            command = command.replace(".venv/bin/", "").replace("127.0.0.1:8000", f"127.0.0.1:{self._port}")
            if "imagewise serve" in command:
                self._serve(command)
            else:
                output += self._done(["bash", "-c", command], block)
        return output

    def _done(self, command: list[str], block: Block) -> str:
        done = subprocess.run(
            command, cwd=self._folder, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, encoding="utf-8", check=False, timeout=10 * PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0, f"line {block.line}: {command[-1]}\n{done.stdout}"
        return done.stdout

    def _serve(self, command: str) -> None:
        self._stop()
        self._port = _free_port()
        command = f"exec {re.sub(r' --port [0-9]+| &$', '', command)} --port {self._port}"
        if "=" in command.split()[1]:  # a variable before the program
            command = command.replace("exec ", "exec env ", 1)
        self._servers.append(subprocess.Popen(["bash", "-c", command], cwd=self._folder, env=self._environment))
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=5).close()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                assert self._servers[-1].poll() is None, f"{command} ended"
                time.sleep(0.1)
        raise AssertionError(f"{command} did not start")

    def _stop(self) -> None:
        for server in self._servers:
            server.terminate()
            server.wait()
        self._servers.clear()


def _commands(text: str) -> Iterator[str]:
    for line in text.replace("\\\n", " ").splitlines():
        command = re.sub(r"\s+# .*$", "", line.removeprefix("$ ")).strip()
        if command and not command.startswith("#"):
            yield command


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def missing_lines(shown: str, real: str, classes: Iterable[str] = ()) -> list[str]:
    """Lines that a page shows and the real output lacks. `...` is any lines.

    Numbers and names of `classes` may differ, words may not. Notes are not compared: they name files of the reader's.
    """
    if shown.lstrip().startswith(("{", "[")):
        return _missing_keys(shown, real)
    name = re.compile(rf"\b({'|'.join(classes)})\b") if classes else re.compile(r"(?!)")
    rest = iter([_shape(name.sub("CLASS", line)) for line in real.splitlines()])
    for line in shown.splitlines():
        shape = _shape(name.sub("CLASS", line))
        if not shape or shape == "..." or shape.startswith("note:"):
            continue
        if shape not in rest:  # `in` moves on, so that the order counts
            return [line]
    return []


def _shape(line: str) -> str:
    line = re.sub(r"[-+]?\d[\d,.:]*(e[-+]?\d+)?%?", "#", line.split("\r")[-1])
    line = re.sub(r"#(-#)+|(?<= )-(?= )", "#", " ".join(line.split()))
    return re.sub(r"\(#( of #)? threads?(: this computer is busy)?\)", "(# threads)", line)  # as the load has it


def _missing_keys(shown: str, real: str) -> list[str]:
    start = min((real.find(mark) for mark in "[{" if mark in real), default=0)
    keys = sorted(set(re.findall(r'"(\w+)":', shown)))
    return [key for key in keys if key not in _keys(json.loads(real[start:]))]


def _keys(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_keys, value))
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set()
