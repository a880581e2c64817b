"""Where things are on the pages: nothing is cut off, out of line, or out of proportion."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from browsing import new_page, open_page, shoot, text_of
from running_servers import RunningServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator


@pytest.fixture
def many(runs: Path) -> Iterator[list[str]]:
    """Runs with the names that `imagewise train` gives."""
    names = [f"mnist-quick-20261127-0141{number:02}" for number in range(8)]
    for name in names:
        shutil.copytree(runs / "first", runs / name)
    yield names
    for name in names:
        shutil.rmtree(runs / name)


def boxes(found: Locator) -> list[Any]:
    return [box for each in found.all() if (box := each.bounding_box())]


@pytest.mark.parametrize("width", [360, 390])
def test_on_a_phone_the_buttons_are_in_one_row_and_the_choices_in_line(
    browser: Browser, server: RunningServer, width: int
) -> None:
    phone: Any = {"viewport": {"width": width, "height": 740}, "is_mobile": True, "has_touch": True}
    page = open_page(browser, server.address, **phone)
    buttons = boxes(page.locator(".controls .buttons button:visible"))
    assert len(buttons) == 4
    assert len({box["y"] for box in buttons}) == 1
    first, second = boxes(page.locator("#how-many label"))
    assert first["x"] == second["x"] or first["y"] == second["y"]
    shoot(page, f"phone-controls-{width}")
    page.context.close()


def test_the_model_on_the_first_page_is_short_and_its_tables_are_folded_into_one(
    browser: Browser, server: RunningServer
) -> None:
    page = open_page(browser, server.address, viewport={"width": 1280, "height": 900})
    assert page.locator("#card > details").count() == 1
    assert page.locator("#card summary:visible").count() == 1
    assert "Accuracy on MNIST test" in text_of(page, "#card dl")
    page.click("#card summary")
    assert page.locator("#card summary:visible").count() > 2
    page.context.close()


def test_of_many_scores_the_test_s_comes_first_and_is_the_only_one_unfolded(
    browser: Browser, server: RunningServer
) -> None:
    page = open_page(browser, f"{server.address}/models/digits", viewport={"width": 1280, "height": 900})
    assert page.locator("#scores h2").count() > 2
    assert page.locator("#scores h2").first.text_content() == "Score on MNIST test"
    assert page.locator("#scores details[open]").count() == 2
    page.context.close()


def test_no_column_of_the_runs_is_cut_off_on_a_wide_screen(
    browser: Browser, server: RunningServer, many: list[str]
) -> None:
    page = open_page(browser, f"{server.address}/runs", viewport={"width": 1280, "height": 900})
    assert page.locator("#runs tbody tr").count() > len(many)
    assert page.evaluate("() => [...document.querySelectorAll('.wide')].every((w) => w.scrollWidth <= w.clientWidth)")
    shoot(page, "runs-wide")
    page.context.close()


def test_while_runs_are_chosen_the_way_to_the_comparison_is_on_the_screen(
    browser: Browser, server: RunningServer, many: list[str]
) -> None:
    page = open_page(browser, f"{server.address}/runs", viewport={"width": 390, "height": 400})
    for name in many[:6]:
        page.get_by_label(f"Compare {name}").check()
    page.wait_for_selector("#comparison:not([hidden])")
    hint = page.locator("#chosen")
    assert text_of(page, "#chosen").startswith("6 chosen, which is the most.")
    box = hint.bounding_box()
    assert box is not None
    assert 0 <= box["y"] <= 400 - box["height"]
    assert page.evaluate("() => scrollY") > 0  # the last box is below the first screen
    page.click("#chosen a")
    page.wait_for_function("() => document.getElementById('comparison-heading').getBoundingClientRect().top < 400")
    page.context.close()


def test_a_page_that_is_not_there_leads_back(browser: Browser, server: RunningServer) -> None:
    page = new_page(browser)
    page.goto(f"{server.address}/no/such/page")
    assert text_of(page, "h2") == "Page not found"
    page.click("main a")
    page.wait_for_selector("#pad")
    assert page.url == f"{server.address}/"
    page.context.close()
    assert httpx.get(f"{server.address}/no/such/page").json()["title"] == "Not Found"


@pytest.mark.parametrize("path", ["runs", "models"])
def test_on_a_phone_the_accuracy_is_on_the_screen(browser: Browser, server: RunningServer, path: str) -> None:
    page = open_page(browser, f"{server.address}/{path}", viewport={"width": 390, "height": 740})
    names = page.locator("thead th").all_text_contents()
    box = page.locator("thead th").nth(names.index("test accuracy")).bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390 - 16
    assert page.locator("tbody a").first.is_visible()
    page.context.close()
