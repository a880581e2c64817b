"""Several models behind one page: chosen there, by the address, or from the page of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from browsing import THREE, draw, new_page, open_page, text_of, wait_for_answer
from running_servers import RunningServer, in_process

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def page(browser: Browser, server: RunningServer) -> Iterator[Page]:
    opened = open_page(browser, f"{server.address}/", viewport={"width": 1100, "height": 900})
    yield opened
    opened.context.close()


def test_the_drawing_is_read_by_the_model_that_is_chosen(page: Page, server: RunningServer) -> None:
    assert page.locator("#which option").all_text_contents() == ["digits", "words", "whole", "first"]
    draw(page, THREE)
    wait_for_answer(page, "3")
    page.select_option("#which", "words")
    wait_for_answer(page, "three")
    assert page.url == f"{server.address}/?model=words"
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.input_value("#which") == "words"
    assert "words" in text_of(page, "#card")
    page.select_option("#which", "whole")
    page.wait_for_selector("#how-many", state="hidden")


def test_a_model_that_is_not_there_is_named_and_another_can_be_chosen(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.address}/?model=none")
    page.wait_for_selector("#problem:not([hidden])")
    assert text_of(page, "#problem") == "Model not found. Available: digits, words, whole, first."
    page.select_option("#which", "words")
    page.wait_for_selector("html[data-ready]")
    page.wait_for_selector("#problem", state="hidden")
    draw(page, THREE)
    wait_for_answer(page, "three")


@pytest.mark.parametrize("path", ["models", "models/words"])
def test_a_model_can_be_tried_from_its_page(page: Page, server: RunningServer, path: str) -> None:
    page.goto(f"{server.address}/{path}")
    page.wait_for_selector("html[data-ready]")
    page.click("a[href$='?model=words']")
    page.wait_for_selector("#pad")
    page.wait_for_selector("html[data-ready]")
    draw(page, THREE)
    wait_for_answer(page, "three")
    page.click("#card a:text-is('words')")
    page.wait_for_url("**/models/words")


def test_a_run_whose_model_is_served_can_be_tried(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.address}/runs/first")
    page.wait_for_selector("html[data-ready]")
    page.click("a:text-is('Try it')")
    page.wait_for_url("**/?model=first")


def test_of_one_model_there_is_no_choice(browser: Browser) -> None:
    with in_process() as address:
        page = new_page(browser)
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        assert page.locator("#which").is_hidden()
        page.context.close()
