"""The pages of models and training runs in a real browser: curves that grow, runs side by side, the model's card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from browsing import CHROMIUM, open_page, shoot
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


def text(page: Page, selector: str) -> str:
    return " ".join((page.locator(selector).text_content() or "").split())


def wait(page: Page, expression: str) -> None:
    page.wait_for_function(f"() => {expression}")  # a function: the page's policy forbids to evaluate a string


def open_quiet(browser: Browser, address: str, **context: Any) -> tuple[Page, list[str]]:
    """A page, and what the browser complains of: a breach of the content security policy, a file that is missing."""
    page = open_page(browser, address, **context)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.reload()
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
    assert "Epoch 4: cost" in text(page, ".told")
    page.locator("input[type=range]").focus()
    page.keyboard.press("ArrowLeft")
    assert "Epoch 3: cost" in text(page, ".told")
    page.click("#curves summary")
    wait(page, "document.querySelectorAll('#curves tbody tr').length === 4")
    assert complaints == []
    shutil.rmtree(growing)
    page.wait_for_selector("#problem:not([hidden])")
    assert text(page, "#problem") == "There is no such run here, or not any more."
    page.context.close()


def test_a_hidden_tab_asks_nothing(browser: Browser, server: RunningServer, growing: Path) -> None:
    page, _ = open_quiet(browser, f"{server.address}/runs/growing")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hide = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => %s});"
    page.evaluate(hide % "true" + "document.dispatchEvent(new Event('visibilitychange'))")
    asked.clear()
    with (growing / "history.csv").open("a") as file:
        file.write("3,0.1,1,0.1,1,0.01,1\n")
    page.wait_for_timeout(2500)  # longer than the pause between two looks
    assert asked == []
    page.evaluate(hide % "false" + "document.dispatchEvent(new Event('visibilitychange'))")
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
    differing = page.get_by_role("region", name="Settings that differ")
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
    right = matrix.locator("tbody tr").first.locator("td").first
    assert right.get_attribute("class") in {f"right-{shade}" for shade in range(1, 7)}
    assert right.evaluate(ground) != page.locator("section").first.evaluate(ground)
    shoot(page, "model")
    page.click("#facts a:text-is('first')")
    page.wait_for_url("**/runs/first")
    page.wait_for_selector("html[data-ready]")
    page.click("text=served here as first")
    page.wait_for_url("**/models/first")
    page.click("nav >> text=Recognise")
    page.wait_for_selector("#pad")
    assert complaints == []
    page.context.close()


def test_what_a_file_does_not_carry_is_said_not_to_be_there(browser: Browser, server: RunningServer) -> None:
    page, _ = open_quiet(browser, f"{server.address}/models/digits")
    assert "no record of its run lies beside it" in text(page, "#facts")
    assert "There is no confusion matrix" in text(page, "#scores")
    assert page.locator(".confusion").count() == 0
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
