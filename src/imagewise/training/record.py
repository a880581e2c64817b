"""run.json: the record of a run, typed. One model for the writer, for resume and for everybody who shows runs."""

from __future__ import annotations

import copy
import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, Self

from pydantic import Field, ValidationError
from pydantic_core import from_json

from imagewise.errors import ModelError
from imagewise.model.card import CardBackbone, CardRecipe, Record, Score, WrittenFraming
from imagewise.training.head.record import HeadRecord

FORMAT = 1
_PACKAGES = ("imagewise", "numpy", "pillow", "onnx", "onnxruntime", "torch", "tensorflow", "tensorflow-cpu", "keras")
RunStatus = Literal["running", "finished", "interrupted"]


class RunAudit(Record):
    """The table of an audit that was applied to the data: absolute path, and SHA-256 of its content."""

    file: str | None = None
    sha256: str | None = None


class RunData(Record):
    """The data of a run: where it came from, what to recognise it by, and how it was split.

    Runs from before there were groups lack `near_copies`: resumed, they are split by content alone.
    """

    source: str | None = None
    name: str | None = None
    fingerprint: str | None = None
    split_rule: str | None = None
    group_by: str | None = None
    near_copies: bool = False
    groups: int = 0
    columns: dict[str, str] | None = None
    audit: RunAudit | None = None
    counts: dict[str, int] = Field(default_factory=dict)
    skipped: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()


class RunProcess(Record):
    """The process that trains, for those who want to know whether it still runs."""

    id: int | None = None
    host: str | None = None


class RunThreads(Record):
    """Threads on the CPU. Their number changes a sum's order, and so the last digits of weights.

    Attributes:
        chosen: by the user; None: by the load of the computer.
        used: in the order in which they were used, those before a resume first.
    """

    chosen: int | None = None
    used: tuple[int, ...] = ()


class RunResults(Record):
    """What a run made, in the shape of `train --json`."""

    run: str | None = None
    model: str | None = None
    epochs: int | None = None
    best_epoch: int | None = None
    train_seconds: float | None = None
    interrupted: bool | None = None
    validation: Score | None = None
    test: Score | None = None


class RunRecord(Record):
    """Everything needed to repeat a run, and what came of it.

    Attributes:
        command: `sys.argv` of the process.
        framing: how pictures became the input.
        recipe: every field of the recipe, as `Recipe.model_dump` gives them.
        class_weights: by class name; None where all classes count alike.
        network: as from `Network.as_dict`.
        backbone: the pretrained network that the run starts from, if any.
        head: how a head was chosen and fitted, where there is one.
        device: for people.
        half: the model file holds its weights as float16.
        status: None in files that are not whole.
        started, finished: ISO 8601, UTC.
        results: None until the run has ended.
    """

    format: int = FORMAT
    command: tuple[str, ...] = ()
    data: RunData = RunData()
    class_names: tuple[str, ...] = ()
    framing: WrittenFraming | None = None
    recipe: CardRecipe = CardRecipe()
    class_weights: dict[str, float] | None = None
    network: dict[str, Any] = Field(default_factory=dict)
    backbone: CardBackbone | None = None
    head: HeadRecord | None = None
    engine: str | None = None
    device: str | None = None
    half: bool = False
    threads: RunThreads = RunThreads()
    versions: dict[str, str] = Field(default_factory=dict)
    started: str | None = None
    process: RunProcess = RunProcess()
    status: RunStatus | None = None
    finished: str | None = None
    results: RunResults | None = None

    def with_changes(self, **changes: Any) -> Self:
        """The same record with these fields, given as plain JSON values."""
        return self.of(self.as_dict() | changes)

    def to_json(self) -> str:
        """The content of run.json."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False)

    @classmethod
    def read(cls, content: bytes, name: str) -> Self:
        """The record in a run.json called `name`.

        Raises:
            ModelError: damaged, or made by a newer imagewise.
        """
        try:
            values = from_json(content)
            known = values["format"] == FORMAT
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{name}: damaged ({error}); start a new run.") from error
        if not known:
            raise ModelError(f"{name}: made by a newer imagewise; upgrade, or start a new run.")
        try:
            return cls.of(values)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise ModelError(f"{name}: damaged ({place}: {first['msg']}); start a new run.") from error
        except ModelError as error:  # a framing that this version does not have
            raise ModelError(f"{name}: {error}") from error

    @classmethod
    def of_any(cls, values: Mapping[str, Any]) -> Self:
        """The record without the fields that are wrong, for pages that show whatever there is."""
        kept = copy.deepcopy(dict(values))
        while True:
            try:
                return cls.of(kept)
            except ModelError:  # a framing that this version does not have
                del kept["framing"]
            except ValidationError as error:
                places = [problem["loc"] for problem in error.errors(include_url=False, include_input=False)]
                members = {_wrong_member(kept, place) for place in places}  # all of them, before any is removed
                removed = [_remove(kept, member) for member in sorted(members, key=len)]
                if not any(removed):
                    return cls()


def _wrong_member(values: dict[str, Any], place: tuple[int | str, ...]) -> tuple[str, ...]:
    """The path to the innermost member of an object on the way to `place`: lists are removed whole."""
    path: list[str] = []
    inner: object = values
    for step in map(str, place):
        if not isinstance(inner, dict) or step not in inner:
            break
        path.append(step)
        inner = inner[step]
    return tuple(path)


def _remove(values: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Remove a member by its path; whether it was still there."""
    if not path:
        return False
    *above, last = path
    holder: Any = values
    for step in above:
        holder = holder.get(step, {})
    return holder.pop(last, holder) is not holder


def installed_versions() -> dict[str, str]:
    """Name to version; what is not installed is left out."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def utc_now() -> str:
    """The present time in UTC, ISO 8601 to the second, as records hold it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
