"""Runs that fit a head on a pretrained network, on the pages: what they have instead of epochs, and no empty places."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from browsing import BOTH, NOTHING, faults, open_page, shoot, text_of
from conftest import make_tiny_dataset
from head_runs import EXPECTED, a_head_run
from imagewise.training.record import RunRecord
from running_servers import in_process

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`few`, finished; `going`, which computes features."""
    folder = tmp_path_factory.mktemp("head-runs")
    a_head_run(make_tiny_dataset(), folder / "few", expectation=EXPECTED)
    values = json.loads((folder / "few" / "run.json").read_text())
    going = {key: value for key, value in values.items() if key not in ("head", "results", "finished")}
    (folder / "going").mkdir()
    record = RunRecord.of(going | {"status": "running", "process": {"id": 1, "host": "elsewhere"}})
    (folder / "going" / "run.json").write_text(record.to_json())
    return folder


@pytest.fixture(scope="module")
def address(runs: Path) -> Iterator[str]:
    with in_process(files={"few": runs / "few" / "model.onnx"}, runs=runs) as found:
        yield found


def answer(address: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{address}/api/{path}").json()
    return found


def test_a_run_with_a_head_has_its_facts_and_no_epochs(address: str) -> None:
    run = answer(address, "runs/few")
    assert (run["trains"], run["backbone"], run["epochs"], run["planned_epochs"]) == ("head", "Small Net", 0, None)
    assert (run["history"], run["best_epoch"], run["problems"]) == ([], None, [])
    assert run["seconds"] == pytest.approx(13.14)
    assert run["validation_accuracy"] == run["validation"]["accuracy"]
    head = run["head"]
    assert (head["side"], head["features"], head["views"], head["strength"]) == (96, 1280, ["plain", "flipped"], 0.1)
    assert [each["strength"] for each in head["tried"]] == [0.01, 0.1, 1.0] * 2
    assert (head["feature_seconds"], head["head_seconds"], head["expectation"]) == (12.34, 0.8, EXPECTED)


def test_a_run_that_computes_features_is_training_and_names_its_network(address: str) -> None:
    run = answer(address, "runs/going")
    assert (run["state"], run["trains"], run["backbone"], run["head"]) == ("training", "head", "Small Net", None)
    assert (run["validation_accuracy"], run["seconds"]) == (None, 0)


def test_the_model_has_the_facts_of_its_head(address: str) -> None:
    card = answer(address, "models/few")
    assert card["backbone"]["licence"] == "Apache-2.0"
    assert card["training"]["head"]["temperature"] == 1.25
    assert card["training"]["engine"] is None


def test_the_page_of_the_run_lists_what_was_tried_and_says_nothing_of_epochs(browser: Browser, address: str) -> None:
    page = open_page(browser, f"{address}/runs/few", viewport={"width": 1100, "height": 900})
    facts = text_of(page, "#facts")
    for part in (
        "NetworkSmall Net (pretrained)",
        "Headlogistic regression on 1,280 features of 96 \u00d7 96 pixels; views: plain, flipped; regularisation 0.1",
        "Expected accuracy91% (95% interval 85% to 95%, 5-fold cross-validation, 120 pictures)",
        "Training time13.1 s (features 12.3 s, head 0.8 s)",
        "Validation accuracy",
        "Devicefake",
    ):
        assert part in facts
    assert "poch" not in (page.locator("main").inner_text() or "")
    assert page.locator("#by-epoch").is_hidden()
    assert page.locator("#head tbody tr").count() == 6
    assert "0.1 (chosen)plain, flipped85%0.1500" in text_of(page, "#head tr.chosen")
    shoot(page, "head-run")
    page.context.close()


def test_the_page_of_a_run_that_computes_features_waits_for_the_head(browser: Browser, address: str) -> None:
    page = open_page(browser, f"{address}/runs/going")
    assert page.locator("#no-curves").inner_text() == "Waiting for the head …"
    assert page.locator("#head section").count() == 0
    shoot(page, "head-run-going")
    page.context.close()


def test_the_list_and_the_comparison_have_a_dash_for_epochs(browser: Browser, address: str) -> None:
    page = open_page(browser, f"{address}/runs?compare=few&compare=going", viewport={"width": 1100, "height": 900})
    assert page.locator("#runs tbody tr").first.locator("td").nth(3).inner_text() == NOTHING
    page.wait_for_selector("#tables tr")
    assert page.locator("#curves").is_hidden()
    shoot(page, "head-runs")
    page.context.close()


def test_the_page_of_the_model_names_network_licence_and_citation(browser: Browser, address: str) -> None:
    page = open_page(browser, f"{address}/models/few", viewport={"width": 1100, "height": 900})
    facts = text_of(page, "#facts")
    for part in (
        "NetworkSmall Net (pretrained)",
        "Pretrained weightssmall_net",
        "Licence of the weightsApache-2.0",
        "CitationA. Author: Small networks, 2020.",
        "Headlogistic regression",
    ):
        assert part in facts
    assert "poch" not in facts
    assert page.locator("#facts a[href='https://example.org/small']").count() == 1
    shoot(page, "head-model")
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    assert "NetworkSmall Net (pretrained)" in text_of(page, "#card")
    assert "Licence of the weightsApache-2.0" in text_of(page, "#card")
    shoot(page, "head-index")
    page.context.close()


@BOTH
def test_these_pages_have_no_fault_that_axe_core_finds(
    browser: Browser, address: str, scheme: Any, viewport: Any
) -> None:
    found = {}
    for path in ("/runs/few", "/runs/going", "/models/few", "/"):
        page = open_page(browser, f"{address}{path}", viewport=viewport, color_scheme=scheme)
        found[path] = faults(page)
        page.context.close()
    assert not any(found.values()), found
