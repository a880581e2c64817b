"""The command line as a whole: help, exit codes, and errors in one format."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from command_line import WAIT_SECONDS, run, start
from imagewise.cli import data, models, recognition
from imagewise.cli.app import app
from imagewise.data.dataset import SplitName
from imagewise.evaluation.evaluate import SplitChoice
from imagewise.export.export import Target

FULL = Path("/dev/full")  # a file on a disk without room
THREAD_AT_WORK = """
import threading
import imagewise.data.loading
from imagewise.cli.app import main
from imagewise.errors import DataError

def fail(*_, **__):
    threading.Thread(target=threading.Event().wait).start()  # as one that imports a framework, without an end
    raise DataError("no set is called so.")

imagewise.data.loading.open_data = fail
main()
"""


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each command's words, such as ("data", "list"), and its Click command; groups too."""
    group: Any = typer.main.get_command(app)
    yield (), group
    for name, command in group.commands.items():
        yield (name,), command
        for inner, inner_command in getattr(command, "commands", {}).items():
            yield (name, inner), inner_command


COMMANDS = dict(commands())


def test_version_answers() -> None:
    assert run("--version").stdout == run("-V").stdout == f"imagewise {version('imagewise')}\n"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_examples_that_it_takes(words: tuple[str, ...]) -> None:
    result = run(*words, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert run(*words, "-h").stdout == result.stdout
    lines = result.stdout.splitlines()
    examples = [line.split(" > ")[0].split() for line in lines[lines.index("  Examples:") + 1 :]]
    assert examples
    for program, name, *arguments in examples:
        assert program == "imagewise"
        with COMMANDS[(name,)].make_context(name, arguments):  # parses, and refuses an option that there is not
            pass


def test_the_list_of_commands_cuts_no_summary_off() -> None:
    assert "..." not in run("--help").stdout.replace("[ARGS]...", "")


@pytest.mark.parametrize("words", [(), ("data",)])
def test_without_a_command_there_is_help_on_stderr_and_exit_2(words: tuple[str, ...]) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.strip() == run(*words, "--help").stdout.strip()


@pytest.mark.parametrize(
    ("option", "choices"),
    [
        (models.ExportTarget, get_args(Target)),
        (recognition.ScoredSplit, get_args(SplitChoice)),
        (data.ShownSplit, (get_args(SplitName), type(None))),
    ],
)
def test_an_option_offers_the_choices_that_there_are(option: Any, choices: tuple[Any, ...]) -> None:
    annotation = get_args(option)[0]
    assert get_args(annotation) == choices or tuple(get_args(each) or each for each in get_args(annotation)) == choices


def test_module_and_command_are_the_same(model: Path) -> None:
    command = [sys.executable, "-m", "imagewise", "info", str(model)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (run("info", model).stdout, "")


def test_a_reader_that_has_read_enough_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start("recipes", stdout=writing)
    os.close(writing)
    assert process.communicate(timeout=WAIT_SECONDS)[1] == ""
    assert process.returncode == 0


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_full_disk_behind_stdout_is_one_line_and_exit_1(options: list[str]) -> None:
    with FULL.open("wb") as full:
        process = start("recipes", *options, stdout=full)
        stderr = process.communicate(timeout=WAIT_SECONDS)[1]
    assert process.returncode == 1
    assert stderr.startswith("imagewise: error: standard output: No space left on device.")
    assert stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_closed_streams_are_no_error(tmp_path: Path, model: Path) -> None:
    command = [sys.executable, "-m", "imagewise", "info", str(model)]
    done = subprocess.run(["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *command], check=False)
    assert done.returncode == 0


def test_an_error_ends_the_process_though_a_thread_is_at_work() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", THREAD_AT_WORK, "show", "digits"],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        stdout, stderr = process.communicate(timeout=WAIT_SECONDS)
    finally:
        process.kill()
    assert (process.returncode, stdout, stderr) == (2, "", "imagewise: error: no set is called so.\n")


@pytest.mark.parametrize(
    ("error", "code"), [(MemoryError(), 1), (RecursionError(), 2), (OSError(5, "I/O error", "a"), 1)]
)
def test_what_the_machine_refuses_is_one_line(error: Exception, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("imagewise.data.loading.open_data", fail)
    result = run("show", "digits")
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("imagewise: error: ")
    assert result.stderr.count("\n") == 1
