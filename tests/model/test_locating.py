"""A model is found by its file, its run's folder, its run's name and by `latest`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from contract import a_network, random_weights, write_model
from imagewise.data.dataset import Dataset
from imagewise.errors import ModelError
from imagewise.evaluation.evaluate import evaluate
from imagewise.model.locating import locate_model
from imagewise.model.model import load_model
from imagewise.networks.layers import Dense, Flatten

NETWORK = a_network(Flatten(), Dense(3), shape=(12, 10, 1))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def a_run(name: str, *, status: str = "finished", finished: str | None = None, model: bool = True) -> Path:
    folder = Path("runs", name)
    folder.mkdir(parents=True)
    record = {"format": 1, "status": status} | ({"finished": finished} if finished else {})
    (folder / "run.json").write_text(json.dumps(record))
    if model:
        write_model(folder / "model.onnx", NETWORK, random_weights(NETWORK))
    return folder


def test_a_file_a_folder_a_name_and_latest_are_the_same_model() -> None:
    folder = a_run("flowers")
    for name in (folder / "model.onnx", str(folder / "model.onnx"), folder, str(folder), f"{folder}/", "flowers"):
        assert locate_model(name) == folder / "model.onnx", name
    assert locate_model("latest") == folder / "model.onnx"
    assert [load_model(name).class_names for name in (folder, "flowers", "latest")] == [
        ("class 0", "class 1", "class 2")
    ] * 3


def test_a_home_folder_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    a_run("flowers")
    for name in ("~/runs/flowers", "~/runs/flowers/model.onnx", Path("~/runs/flowers")):
        assert locate_model(name) == tmp_path / "runs" / "flowers" / "model.onnx"


def test_latest_is_the_run_that_ended_last_whatever_it_is_called_and_copied_when() -> None:
    a_run("z", finished="2026-11-20T10:00:00+00:00")
    newest = a_run("a", finished="2026-11-21T10:00:00+00:00")
    a_run("m", finished="2026-11-19T10:00:00+00:00")
    os.utime(newest / "model.onnx", (0, 0))
    assert locate_model("latest") == newest / "model.onnx"


def test_latest_is_no_run_that_goes_on_or_left_no_model() -> None:
    ended = a_run("a", finished="2026-11-20T10:00:00+00:00")
    a_run("b", status="running", finished=None)
    a_run("c", status="interrupted", finished="2026-11-22T10:00:00+00:00", model=False)
    assert locate_model("latest") == ended / "model.onnx"
    stopped = a_run("d", status="interrupted", finished="2026-11-23T10:00:00+00:00")
    assert locate_model("latest") == stopped / "model.onnx"


@pytest.mark.parametrize(
    "record", [b"", b"[]", b'{"finished": 3}', b'{"status": "finished", "finished": "soon"}', b"\xff"]
)
def test_a_run_with_a_damaged_record_counts_by_the_age_of_its_model(record: bytes) -> None:
    folder = a_run("a")
    (folder / "run.json").write_bytes(record)
    assert locate_model("latest") == folder / "model.onnx"


def test_a_file_or_folder_that_is_there_comes_before_a_name() -> None:
    a_run("flowers")
    write_model(Path("latest"), NETWORK, random_weights(NETWORK))
    write_model(Path("flowers"), NETWORK, random_weights(NETWORK))
    assert [locate_model(name) for name in ("latest", "flowers")] == [Path("latest"), Path("flowers")]


def test_a_folder_with_one_model_by_another_name_is_that_model() -> None:
    Path("models").mkdir()
    write_model(Path("models/flowers.onnx"), NETWORK, random_weights(NETWORK))
    assert locate_model("models") == Path("models/flowers.onnx")
    write_model(Path("models/digits.onnx"), NETWORK, random_weights(NETWORK))
    with pytest.raises(ModelError, match=r"models: holds 2 models.*digits\.onnx, flowers\.onnx"):
        locate_model("models")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("flowrs", "flowrs.*Did you mean 'flowers'"),
        ("lastest", "lastest.*'latest'"),
        ("nothing/like/it.onnx", r"it\.onnx: no such file or run.*1 run;"),
        ("x" * 5000, "no such file or run"),
        ("", "name is empty.*`latest`"),
        (" ", "name is empty"),
        ("runs", r"runs: holds 1 run,.*runs/flowers"),
        ("empty", r"empty: holds no model\.onnx"),
        ("runs/started", r"runs/started: .*no model yet.*--resume runs/started"),
        ("started", r"runs/started: .*no model yet"),
        ("https://example.org/m.onnx", "an address.*[Dd]ownload"),
        ("s3://bucket/m.onnx", "an address.*[Dd]ownload"),
        (Path("https://example.org/m.onnx"), "an address.*[Dd]ownload"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_names_no_model_is_refused_with_what_there_is(name: str | Path, wanted: str) -> None:
    a_run("flowers")
    a_run("started", status="running", model=False)
    Path("empty").mkdir()
    with pytest.raises(ModelError, match=wanted):
        locate_model(name)


def test_without_runs_the_message_says_to_train() -> None:
    for name in ("latest", "flowers", "m.onnx"):
        with pytest.raises(ModelError, match=f"^{name}: .*imagewise train"):
            load_model(name)


def test_evaluate_takes_a_run_too(tiny_dataset: Dataset) -> None:
    folder = Path("runs/tiny")
    folder.mkdir(parents=True)
    write_model(
        folder / "model.onnx",
        NETWORK,
        random_weights(NETWORK),
        class_names=tiny_dataset.class_names,
        framing=tiny_dataset.framing,
    )
    assert [evaluate(name, tiny_dataset).metrics.count for name in ("tiny", "latest", folder)] == [165] * 3
