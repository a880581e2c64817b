"""Training runs over HTTP: the list, one run, only what is new, and what is not there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from imagewise.model.model import Model
from running_servers import in_process

KEY = "correct horse"


@pytest.fixture
def growing(own_runs: Path) -> Path:
    """A copy of the run, as if it were at its second epoch."""
    folder = own_runs / "growing # 1"
    shutil.copytree(own_runs / "first", folder, ignore=shutil.ignore_patterns("model.onnx"))
    record = json.loads((folder / "run.json").read_text())
    record = {key: value for key, value in record.items() if key not in ("results", "finished")}
    (folder / "run.json").write_text(json.dumps(record | {"status": "running"}))
    lines = (folder / "history.csv").read_text().splitlines(keepends=True)
    (folder / "history.csv").write_text("".join(lines[:3]))
    return folder


@pytest.fixture
def own_client(growing: Path) -> Iterator[httpx.Client]:
    """Asks a server that shows the folder of `growing`."""
    with in_process(runs=growing.parent) as address, httpx.Client(base_url=address, timeout=20) as opened:
        yield opened


def test_the_list_has_every_run(own_client: httpx.Client, growing: Path) -> None:
    body = own_client.get("/api/runs").json()
    assert body["problem"] is None
    found = {run["name"]: run for run in body["runs"]}
    assert set(found) == {"first", growing.name}
    assert found["first"]["state"] == "finished"
    assert found[growing.name]["state"] == "training"
    assert (found[growing.name]["epochs"], found[growing.name]["planned_epochs"]) == (2, 4)
    assert found[growing.name]["test_accuracy"] is None


def test_a_run_says_which_model_here_is_its(client: httpx.Client) -> None:
    run = client.get("/api/runs/first").json()
    assert run["served"] == "first"
    assert client.get("/api/models/first").json()["run"] == "first"
    assert sum(map(sum, run["test"]["confusion"])) == run["test"]["count"] == 45


def test_only_new_rows_are_sent_and_nothing_when_there_are_none(own_client: httpx.Client, growing: Path) -> None:
    address = "/api/runs/growing%20%23%201"
    whole = own_client.get(address)
    assert (whole.json()["first"], len(whole.json()["history"])) == (0, 2)
    rest = own_client.get(f"{address}?after=2")
    assert rest.json()["history"] == []
    again = own_client.get(f"{address}?after=2", headers={"If-None-Match": rest.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    line = (growing.with_name("first") / "history.csv").read_text().splitlines(keepends=True)[3]
    with (growing / "history.csv").open("a") as file:
        file.write(line)
    new = own_client.get(f"{address}?after=2", headers={"If-None-Match": rest.headers["etag"]})
    assert [row[0] for row in new.json()["history"]] == [3]


def test_a_list_that_is_known_is_not_sent_again(client: httpx.Client) -> None:
    first = client.get("/api/runs")
    assert client.get("/api/runs", headers={"If-None-Match": first.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    "name",
    ["none", "%2e%2e", "..%2ffirst", "first%2frun.json", "%00", "first%00", "%ff", "first%2f..%2ffirst", "%2fetc"],
)
def test_another_path_is_no_run(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/api/runs/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "", "9" * 30, "%C2%B2"])
def test_a_number_of_rows_that_is_none_is_refused(client: httpx.Client, after: str) -> None:
    assert client.get(f"/api/runs/first?after={after}").status_code == 400


def test_a_run_that_vanishes_and_one_that_breaks_are_said_to(own_client: httpx.Client, growing: Path) -> None:
    (growing / "run.json").write_text('{"status"')
    broken = own_client.get("/api/runs/growing%20%23%201").json()
    assert (broken["state"], len(broken["history"])) == ("unknown", 2)
    assert "run.json is damaged" in broken["problems"][0]
    shutil.rmtree(growing)
    gone = own_client.get("/api/runs/growing%20%23%201")
    assert (gone.status_code, gone.json()["detail"]) == (404, "Run not found. It may have been deleted.")


def test_a_folder_that_vanishes_is_said_to_be_gone_and_the_key_is_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    with in_process(api_key=KEY, runs=folder) as address, httpx.Client(base_url=address) as client:
        for path in ("/runs", "/runs/x", "/models", "/models/digits", "/static/run.js"):
            assert client.get(path).status_code == 200
        for path in ("/api/runs", "/api/runs/x", "/api/models", "/api/models/digits"):
            assert client.get(path).status_code == 401
        client.headers["X-API-Key"] = KEY
        assert client.get("/api/runs").json() == {"runs": [], "problem": None}
        folder.rmdir()
        answer = client.get("/api/runs")
        assert answer.status_code == 200
        assert answer.json()["problem"] == "The runs folder cannot be read: No such file or directory."
        assert client.get("/api/runs/x").status_code == 404


def test_without_a_folder_of_runs_the_pages_say_how_to_show_one() -> None:
    with in_process() as address, httpx.Client(base_url=address) as client:
        for path in ("/runs", "/runs/x", "/api/runs", "/api/runs/x"):
            answer = client.get(path)
            assert answer.status_code == 404
            assert "imagewise serve --runs DIR" in answer.json()["detail"]
        assert "Training runs" not in client.get("/").text


def test_the_model_of_the_run_is_the_one_that_is_scored(client: httpx.Client, runs: Path) -> None:
    card = Model.open(runs / "first" / "model.onnx").card
    shown = client.get("/api/runs/first").json()["test"]
    assert shown.pop("class_names") == list(card.class_names)
    assert shown == card.metrics["test"].as_dict()
