"""The command line as tests call it: in this process, or in one of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
from onnx import helper
from typer.testing import CliRunner, Result

from imagewise.cli.app import app

# the `imagewise` command, in a process that receives Ctrl-C even if this one was started not to
IMAGEWISE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from imagewise.cli.app import main
main()
"""
EVALUATION = {
    "model": str, "data": str, "split": str, "count": int, "accuracy": float, "accuracy_interval": list,
    "top3_accuracy": float, "calibration_error": float, "classes": dict, "confusion": list,
}  # fmt: skip
WAIT_SECONDS = 120  # for a process to end; far more than it needs


def run(*arguments: object, stdin: bytes = b"") -> Result:
    """Run a command in this process. Any exception but an exit fails the test: a person would see a traceback."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result


def refused(result: Result, *words: object) -> None:
    """Exit 2, nothing on stdout, and all the words on stderr."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for word in words:
        assert str(word) in result.stderr


def start(*arguments: object, **options: Any) -> subprocess.Popen[Any]:
    """Start a command in a process of its own; its output is text unless `options` say otherwise."""
    command = [sys.executable, "-c", IMAGEWISE, *map(str, arguments)]
    defaults = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, **(defaults | options))


def rewritten(model: Path, path: Path, changes: dict[str, str]) -> Path:
    """A copy of a model file with other metadata."""
    proto = onnx.load(model)
    metadata = {entry.key: entry.value for entry in proto.metadata_props} | changes
    del proto.metadata_props[:]
    helper.set_model_props(proto, metadata)
    onnx.save(proto, path)
    return path


def check_evaluation(values: dict[str, Any]) -> None:
    """The shape of `evaluate --json`, a part of `train --json` too, for ten digits."""
    for key, kind in EVALUATION.items():
        assert type(values[key]) is kind, key
    low, high = values["accuracy_interval"]
    assert 0 <= low <= values["accuracy"] <= high <= 1
    assert list(values["classes"]) == [str(digit) for digit in range(10)]
    for scores in values["classes"].values():
        assert set(scores) == {"precision", "recall", "f1", "count"}
    assert sum(scores["count"] for scores in values["classes"].values()) == values["count"]
