"""axe-core finds nothing serious on the page, whatever it shows, light or dark, wide or on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from browsing import BOTH, ONE, THREE, draw, faults, open_page, shoot, wait_for_answer
from running_servers import RunningServer, in_process

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def show_nothing(page: Page) -> None:
    assert page.locator("#clear").is_disabled()


def show_a_sure_answer(page: Page) -> None:
    draw(page, THREE)
    wait_for_answer(page, "3")
    page.wait_for_function("() => document.querySelector('#spoken').textContent.includes('3')")


def show_an_unsure_answer(page: Page) -> None:
    page.click("#clear")
    draw(page, [(0.2, 0.2), (0.8, 0.8)])
    draw(page, [(0.2, 0.8), (0.5, 0.5)])
    page.wait_for_selector(".answer.unsure")


def show_boxes(page: Page) -> None:
    page.click("#clear")
    page.check("input[value=several]")
    draw(page, THREE, 0.45, (0.0, 0.2))
    draw(page, ONE, 0.45, (0.5, 0.2))
    page.wait_for_function("() => /3 ?1/.test(document.querySelector('#answer').textContent)")


def show_an_error(page: Page) -> None:
    page.set_input_files("#file", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    page.wait_for_selector("#problem:not([hidden])")


def show_an_old_answer(page: Page) -> None:
    page.route("**/segment", lambda route: route.abort("connectionrefused"))
    draw(page, ONE)
    page.wait_for_selector(".answer.old")
    page.wait_for_selector("#problem:not([hidden])")


def show_all_of_the_card(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")


@pytest.fixture(scope="module")
def locked() -> Iterator[str]:
    with in_process(api_key="secret") as address:
        yield address


STATES: list[Callable[[Page], None]] = [
    show_nothing,
    show_a_sure_answer,
    show_an_unsure_answer,
    show_boxes,
    show_an_error,
    show_an_old_answer,
    show_all_of_the_card,
]


@BOTH
def test_the_page_has_no_fault_whatever_it_shows(
    browser: Browser, server: RunningServer, scheme: Any, viewport: Any
) -> None:
    page = open_page(browser, server.address, viewport=viewport, color_scheme=scheme)
    found = {}
    for show in STATES:
        show(page)
        shoot(page, f"{show.__name__}-{scheme}")
        found[show.__name__] = faults(page)
    assert found == {show.__name__: [] for show in STATES}
    page.context.close()


@BOTH
def test_the_pages_of_models_and_runs_have_none(
    browser: Browser, server: RunningServer, scheme: Any, viewport: Any
) -> None:
    addresses = ("/models", "/models/first", "/models/digits", "/runs", "/runs?compare=first", "/runs/first")
    found = {}
    with browser.new_context(viewport=viewport, color_scheme=scheme) as context:
        page = context.new_page()
        for address in addresses:
            page.goto(f"{server.address}{address}")
            page.wait_for_selector("html[data-ready]")
            shoot(page, f"page{address.replace('/', '-').replace('?', '-')}-{scheme}")
            found[address] = faults(page)
    assert found == {address: [] for address in addresses}


@BOTH
def test_the_page_of_the_api_has_none(browser: Browser, server: RunningServer, scheme: Any, viewport: Any) -> None:
    with browser.new_context(viewport=viewport, color_scheme=scheme) as opened:
        page = opened.new_page()
        page.goto(f"{server.address}/docs")
        assert faults(page) == []


@BOTH
def test_the_page_of_a_server_that_asks_for_a_key_has_none(
    browser: Browser, locked: str, scheme: Any, viewport: Any
) -> None:
    with browser.new_context(viewport=viewport, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(locked)
        page.wait_for_selector("#problem:not([hidden])")
        shoot(page, f"locked-{scheme}")
        assert faults(page) == []


def test_a_fault_would_be_found(browser: Browser, server: RunningServer) -> None:
    page = open_page(browser, server.address)
    page.evaluate("document.querySelector('#bars-heading').style.color = '#eee'")
    page.evaluate("document.querySelector('#undo').textContent = ''")
    found = faults(page)
    assert any(fault.startswith("serious: color-contrast: <h3") for fault in found)
    assert any(fault.startswith("critical: button-name") for fault in found)
    page.context.close()
