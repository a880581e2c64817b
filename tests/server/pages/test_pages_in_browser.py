"""The pages of models and training runs in a real browser: curves that grow, runs side by side, the model's card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from browsing import CHROMIUM, new_page, open_page, shoot, wait
from browsing import text_of as text
from running_servers import RunningServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium (apt install chromium)")
POINTS = "document.querySelectorAll('.charts svg')[{chart}].querySelectorAll('.mark.validation').length"


@pytest.fixture
def growing(runs: Path) -> Iterator[Path]:
    """A run that is at its second epoch, with another learning rate."""
    folder = runs / "growing"
    shutil.copytree(runs / "first", folder, ignore=shutil.ignore_patterns("model.onnx"))
    record = json.loads((folder / "run.json").read_text())
    record |= {"status": "running", "results": None, "finished": None}
    record["recipe"]["optimizer"]["learning_rate"] = 0.02
    (folder / "run.json").write_text(json.dumps(record))
    lines = (folder / "history.csv").read_text().splitlines(keepends=True)
    (folder / "history.csv").write_text("".join(lines[:3]))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def open_quiet(browser: Browser, address: str, **context: Any) -> tuple[Page, list[str]]:
    """A page, and what the browser complains of: a breach of the content security policy, a file that is missing."""
    page = new_page(browser, **context)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    return page, complaints


def test_a_curve_grows_while_its_run_trains(browser: Browser, server: RunningServer, growing: Path, runs: Path) -> None:
    page, complaints = open_quiet(browser, f"{server.address}/runs/growing", viewport={"width": 1100, "height": 900})
    assert text(page, ".state") == "training"
    for chart in (0, 1):
        assert page.evaluate(POINTS.format(chart=chart)) == 2
    end = "document.querySelector('.charts .line.validation').getPointAtLength(1e6).x"
    before = page.evaluate(end)
    shoot(page, "run-growing")
    lines = (runs / "first" / "history.csv").read_text().splitlines(keepends=True)
    with (growing / "history.csv").open("a") as file:
        for line in lines[3:]:
            file.write(line)
    wait(page, f"{POINTS.format(chart=0)} === 4 && {POINTS.format(chart=1)} === 4")
    assert page.evaluate(end) == pytest.approx(before, abs=1)  # the axis has grown with it
    assert "4 of 4" in text(page, "#facts")
    assert "Epoch 4: validation accuracy" in text(page, "#spoken")
    assert "Epoch 4: loss" in text(page, ".readout")
    page.locator("input[type=range]").focus()
    page.keyboard.press("ArrowLeft")
    assert "Epoch 3: loss" in text(page, ".readout")
    page.click("#curves summary")
    wait(page, "document.querySelectorAll('#curves tbody tr').length === 4")
    assert complaints == []
    shutil.rmtree(growing)
    page.wait_for_selector("#problem:not([hidden])")
    assert text(page, "#problem")
    page.context.close()


def test_a_hidden_tab_asks_nothing(browser: Browser, server: RunningServer, growing: Path) -> None:
    page = new_page(browser)
    page.clock.install()
    page.goto(f"{server.address}/runs/growing")
    page.wait_for_selector("html[data-ready]")
    hide = """hidden => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(hide, True)
    with (growing / "history.csv").open("a") as file:
        file.write("3,0.1,1,0.1,1,0.01,1\n")
    page.clock.fast_forward(3_600_000)
    page.evaluate("async () => (await fetch('/readyz')).status")  # whatever was to be asked has been asked by now
    assert [address for address in asked if "/api/" in address] == []
    page.evaluate(hide, False)
    wait(page, f"{POINTS.format(chart=0)} === 3")
    assert any("after=2" in address for address in asked)
    page.context.close()


def test_runs_are_compared_side_by_side_and_the_address_keeps_the_choice(
    browser: Browser, server: RunningServer, growing: Path
) -> None:
    page, complaints = open_quiet(browser, f"{server.address}/runs", viewport={"width": 1100, "height": 900})
    assert page.locator("#comparison").is_hidden()
    page.get_by_label("Compare growing").focus()
    page.keyboard.press("Space")
    page.get_by_label("Compare first").check()
    wait(page, "document.querySelectorAll('.charts svg:first-of-type .line').length === 8")
    assert page.locator(".legend li").count() == 4
    differing = page.get_by_role("region", name="Different settings")
    assert differing.locator("tbody tr").all_text_contents() == ["optimizer.learning_rate0.020.01"]
    assert "growing" in page.url
    shoot(page, "compared")
    page.reload()
    wait(page, "document.querySelectorAll('.legend li').length === 4")
    assert page.get_by_label("Compare first").is_checked()
    page.get_by_label("Compare growing").uncheck()
    wait(page, "document.querySelectorAll('.legend li').length === 2")
    shutil.rmtree(growing)
    wait(page, "!document.querySelector('#runs').textContent.includes('growing')")
    assert complaints == []
    page.context.close()


def test_a_model_s_page_has_its_card_scores_and_confusion_matrix(browser: Browser, server: RunningServer) -> None:
    page, complaints = open_quiet(browser, f"{server.address}/models", viewport={"width": 1100, "height": 900})
    page.click("#models a:text-is('first')")
    page.wait_for_selector("html[data-ready] .confusion")
    facts = text(page, "#facts")
    for said in ("linear", "tiny", "fake", "12 \u00d7 10 \u00d7 1", "3: bottom, middle, top", "Licencenot in the file"):
        assert said in facts
    matrix = page.locator(".confusion").first
    cells = [int(cell) for cell in matrix.locator("td").all_text_contents() if cell]
    assert (len(cells), sum(cells)) == (9, 45)
    ground = "cell => getComputedStyle(cell).backgroundColor"
    correct = matrix.locator("tbody tr").first.locator("td").first
    assert correct.get_attribute("class") in {f"correct-{shade}" for shade in range(1, 7)}
    assert correct.evaluate(ground) != page.locator("section").first.evaluate(ground)
    shoot(page, "model")
    page.click("#facts a:text-is('first')")
    page.wait_for_url("**/runs/first")
    page.wait_for_selector("html[data-ready]")
    page.click("text=first (served here)")
    page.wait_for_url("**/models/first")
    page.click("nav >> text=Recognise")
    page.wait_for_selector("#pad")
    assert complaints == []
    page.context.close()


def test_a_model_file_without_scores_and_run_record_is_shown_as_such(browser: Browser, server: RunningServer) -> None:
    page, _ = open_quiet(browser, f"{server.address}/models/whole")
    assert "no run record" in text(page, "#facts")
    assert "Not evaluated yet" in text(page, "#scores")
    assert page.locator(".confusion").count() == 0
    page.context.close()


@pytest.fixture
def others(growing: Path) -> Iterator[list[str]]:
    """Names of four more runs, which have names as people give them."""
    names = [f"flowers-photo-80-learning-rate-0.0{number}" for number in range(1, 5)]
    for name in names:
        shutil.copytree(growing, growing.parent / name)
    yield names
    for name in names:
        shutil.rmtree(growing.parent / name)


@pytest.mark.parametrize("width", [390, 1100])
def test_the_settings_of_compared_runs_are_readable(
    browser: Browser, server: RunningServer, others: list[str], width: int
) -> None:
    query = "&".join(f"compare={name}" for name in ("first", *others))
    page = open_page(browser, f"{server.address}/runs?{query}", viewport={"width": width, "height": 664})
    wait(page, "document.querySelectorAll('#tables table').length === 2")
    heads = page.locator("#tables tbody th").all()
    boxes = [box for head in heads if (box := head.bounding_box()) is not None]
    assert len(boxes) == len(heads) > 5
    assert min(box["width"] for box in boxes) >= 140
    assert max(box["height"] for box in boxes) <= 60  # two lines
    shoot(page, f"compared-{width}")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_a_phone(browser: Browser, server: RunningServer, growing: Path, scheme: Any) -> None:
    phone = {"width": 390, "height": 800}
    page = open_page(browser, f"{server.address}/models", viewport=phone, color_scheme=scheme, device_scale_factor=2)
    for name in ("models", "models/first", "runs?compare=first&compare=growing", "runs/first"):
        page.goto(f"{server.address}/{name}")
        page.wait_for_selector("html[data-ready]")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        shoot(page, f"phone-{scheme}-{name.split('?')[0].replace('/', '-')}")
    page.context.close()


@pytest.mark.parametrize("path", ["models/none", "runs/none"])
def test_the_page_of_a_thing_that_does_not_exist_shows_the_message_alone(
    browser: Browser, server: RunningServer, path: str
) -> None:
    page = new_page(browser)
    page.goto(f"{server.address}/{path}")
    page.wait_for_selector("#problem:not([hidden])")
    assert "not found" in text(page, "#problem")
    assert page.locator("section:visible").count() == 0
