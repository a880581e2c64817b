"""The models' pages and cards: what the files say, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import httpx
import onnx
import pytest

from command_line import rewritten
from imagewise.model.model import load_model, shipped_model
from imagewise.server.models import open_model
from imagewise.server.pages.files import CSP
from imagewise.server.pages.models import card


def test_every_model_is_listed(client: httpx.Client) -> None:
    models = {model["name"]: model for model in client.get("/api/models").json()["models"]}
    assert list(models) == ["digits", "words", "whole", "first"]
    assert models["digits"]["size"] == shipped_model().stat().st_size
    assert models["digits"]["test_accuracy"] is None  # it has no test split, but scores by source
    assert models["digits"]["version"] == client.get("/v2/models/digits").json()["versions"][0]


def test_a_card_says_what_the_file_says(client: httpx.Client) -> None:
    found, told = client.get("/api/models/digits").json(), load_model().card
    assert found["class_names"] == list(told.class_names)
    assert found["recipe"] == told.recipe.as_dict()
    assert found["created"] == told.created
    for name, score in told.metrics.items():
        shown = found["metrics"][name]
        assert shown.pop("class_names") == list(told.class_names)
        assert shown == json.loads(json.dumps(score.as_dict() | {"confusion": shown["confusion"]}))
    assert (found["licence"], found["author"], found["training"], found["run"]) == (None, None, None, None)
    assert "sketch" not in found["data"]


def test_beside_its_run_s_record_a_card_says_what_that_says(client: httpx.Client) -> None:
    found = client.get("/api/models/first").json()
    assert found["training"]["engine"] == "fake"
    assert found["training"]["pictures"] == {"train": 90, "validation": 30, "test": 45}
    assert found["training"]["epochs"] == 4
    assert found["metrics"]["test"]["confusion"]


@pytest.mark.parametrize("record", ["{", "[]", '{"recipe": {}}', None])
def test_the_record_of_another_run_is_not_taken_for_its(runs: Path, tmp_path: Path, record: str | None) -> None:
    shutil.copy(runs / "first" / "model.onnx", tmp_path)
    if record is None:
        other = json.loads((runs / "first" / "run.json").read_text())
        other["data"]["fingerprint"] = "another"
        record = json.dumps(other)
    (tmp_path / "run.json").write_text(record)
    assert card(open_model("first", tmp_path / "model.onnx", 1)).training is None


def test_a_licence_that_the_file_carries_is_told(tmp_path: Path) -> None:
    model = onnx.load(str(shipped_model()))
    for key, value in (("model_license", "CC0"), ("model_author", "A. Person")):
        model.metadata_props.add(key=key, value=value)
    (tmp_path / "mine.onnx").write_bytes(model.SerializeToString())
    found = card(open_model("mine", tmp_path / "mine.onnx", 1))
    assert (found.licence, found.author) == ("CC0", "A. Person")


def test_a_pretrained_network_is_named_with_the_licence_of_its_weights(tmp_path: Path) -> None:
    backbone = {"name": "small_net", "title": "Small Net", "licence": "Apache-2.0", "later": 1}
    path = rewritten(shipped_model(), tmp_path / "mine.onnx", {"imagewise.backbone": json.dumps(backbone)})
    found = card(open_model("mine", path, 1)).as_dict()["backbone"]
    unknown = dict.fromkeys(("digest", "source", "citation"))
    assert found == {"name": "small_net", "title": "Small Net", "licence": "Apache-2.0"} | unknown
    assert card(open_model("digits", shipped_model(), 1)).backbone is None


def test_a_model_that_is_not_served_is_said_not_to_be(client: httpx.Client) -> None:
    answer = client.get("/api/models/none")
    assert answer.status_code == 404
    assert "Available: digits, words, whole, first." in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/models", "/models/digits", "/runs", "/runs/first"])
def test_a_page_lets_nothing_in_from_elsewhere_and_all_that_it_names_is_there(client: httpx.Client, path: str) -> None:
    page = client.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"<script>|<style|style=|\son\w+=|https?://", page.text)
    named = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert len(named) > 7
    for answer in (page, *(client.get(str(page.url.join(name))) for name in named)):
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"] == CSP
    modules = {str(page.url.join(name)) for name in named if name.endswith(".js")}
    for module in modules:
        for name in re.findall(r'from "\./([^"]+)"', client.get(module).text):
            assert client.get(f"/static/{name}").status_code == 200
