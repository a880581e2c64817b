"""From what people call a model to its file: a file, a run's folder, a run's bare name, or `latest`."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from imagewise.display.lines import counted
from imagewise.errors import ModelError, did_you_mean, is_address, not_downloaded

LATEST = "latest"
RUNS = Path("runs")  # where `imagewise train` puts runs, below the current folder
MODEL_FILE = "model.onnx"


def locate_model(name: str | Path) -> Path:
    """The model file that `name` means.

    Args:
        name: a file; a run's folder; the name of a folder in `./runs`; or `latest`, the run in `./runs` that ended
            last and left a model. A file or folder that exists is taken before a name.

    Raises:
        ModelError: there is no such model; says which runs there are.

    >>> import tempfile, imagewise
    >>> run = imagewise.train("digits", recipe="perceptron", epochs=1, out=tempfile.mkdtemp() + "/run", report=False)
    >>> locate_model(run.folder) == run.folder / "model.onnx"
    True
    """
    if not str(name).strip():  # as a path it would be the current folder
        raise ModelError("the model's name is empty. Name a model file, the folder of a run, or `latest`.")
    path = Path(name)
    if is_address(str(name)):
        reason, remedy = not_downloaded("model")
        raise ModelError(f"{name}: {reason}. {remedy}")
    with suppress(RuntimeError):  # "~" for somebody who has no home
        path = path.expanduser()
    if _exists(path):
        return _in_folder(path) if path.is_dir() else path
    if str(name) == LATEST:
        return _latest() / MODEL_FILE
    if str(name) == path.name and _exists(RUNS / path) and (RUNS / path).is_dir():
        return _in_folder(RUNS / path)
    raise ModelError(f"{name}: no such file or run.{_suggestion(path.name)}")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long
        return False


def _in_folder(folder: Path) -> Path:
    """The model of a run's folder."""
    model = folder / MODEL_FILE
    if model.is_file():
        return model
    if (folder / "run.json").is_file():
        raise ModelError(
            f"{folder}: this run has no model yet. Wait for its end, or finish it: imagewise train --resume {folder}"
        )
    found = sorted(file.name for file in folder.glob("*.onnx"))
    if len(found) == 1:
        return folder / found[0]
    if found:
        raise ModelError(f"{folder}: holds {len(found):,} models. Name one of them: {', '.join(found[:5])}.")
    runs = sorted(each.parent for each in folder.glob(f"*/{MODEL_FILE}"))
    if runs:
        raise ModelError(
            f"{folder}: holds {counted(len(runs), 'run')}, no model of its own. Name one, such as {runs[-1]}."
        )
    raise ModelError(f"{folder}: holds no {MODEL_FILE}. Name a model file, or the folder of a run.")


@dataclass(frozen=True, order=True)
class _Ended:
    """A run that left a model: when it ended, in seconds, and its folder."""

    time: float
    folder: Path


def _latest() -> Path:
    """The run in `./runs` that ended last."""
    runs = [ended for model in RUNS.glob(f"*/{MODEL_FILE}") if (ended := _ended(model)) is not None]
    if runs:
        return max(runs).folder
    where = f"{RUNS.resolve()} holds no finished run" if RUNS.is_dir() else f"there is no folder {RUNS.resolve()}"
    raise ModelError(
        f"{LATEST}: {where}. Train a model first (imagewise train), change to the folder that holds runs/, or name a "
        "model file."
    )


def _ended(model: Path) -> _Ended | None:
    """When the run of a model ended; None while it goes on. By its record, else by the age of the file."""
    try:
        record = json.loads((model.parent / "run.json").read_bytes())
    except (OSError, ValueError, RecursionError):  # a model without a record, or a damaged one
        record = {}
    if not isinstance(record, dict):
        record = {}
    if record.get("status") == "running":
        return None
    try:
        changed = model.stat().st_mtime
    except OSError:
        return None
    with suppress(TypeError, ValueError):
        # the record knows the second, the file the order within it
        recorded = datetime.fromisoformat(record.get("finished", "")).timestamp()
        return _Ended(recorded + min(max(changed - recorded, 0.0), 0.999), model.parent)
    return _Ended(changed, model.parent)


def _suggestion(name: str) -> str:
    """What to do where nothing has that name."""
    runs = sorted(model.parent.name for model in RUNS.glob(f"*/{MODEL_FILE}"))
    if not runs:
        return " Check the path, or train a model first: imagewise train"
    near = did_you_mean(name, [*runs, LATEST])
    return near or f" Check the path. {RUNS}/ holds {counted(len(runs), 'run')}; `{LATEST}` names the newest."
