"""A server that is gone, frozen, busy or has another model: said in words, asked again, and right again by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from browsing import (
    NOTHING,
    ONE,
    THREE,
    HeldRequests,
    draw,
    new_page,
    open_again,
    open_page,
    text_of,
    wait_for_answer,
    wait_until,
)
from imagewise.model.model import shipped_model
from running_servers import WORDS, RunningServer, in_process, model_with

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

QUESTIONS = "**/predict?*"
# The time allowed for a request is over when the test says so, and not before.
DEADLINES = """
    window.deadlines = [];
    AbortSignal.timeout = () => {
        const controller = new AbortController();
        window.deadlines.push(() => controller.abort(new DOMException("time is up", "TimeoutError")));
        return controller.signal;
    };
"""


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[Page]:
    page = new_page(browser)
    page.add_init_script(DEADLINES)
    yield page
    page.context.close()


@pytest.fixture
def page(opened: Page, server: RunningServer) -> Page:
    return open_again(opened, server.address)


def _is_said_in_words(page: Page) -> None:
    page.wait_for_selector("#problem:not([hidden])")
    said = text_of(page, "#problem").lower()
    assert "server" in said
    assert "fetch" not in said


def test_when_the_server_is_gone_the_old_answer_is_dimmed_and_the_next_comes_by_itself(page: Page) -> None:
    draw(page, ONE)
    wait_for_answer(page, "1")
    page.wait_for_selector(".answer:not(.old)")
    page.route(QUESTIONS, lambda route: route.abort("connectionrefused"))
    page.click("#clear")
    wait_for_answer(page, NOTHING)
    draw(page, THREE)
    _is_said_in_words(page)
    page.wait_for_selector(".answer.old")
    page.unroute(QUESTIONS)
    wait_for_answer(page, "3")
    page.wait_for_selector(".answer:not(.old)")
    page.wait_for_selector("#problem", state="hidden")


def test_a_server_that_is_busy_is_asked_again(page: Page) -> None:
    asked: list[str] = []

    def busy_twice(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > 2:
            route.continue_()
        else:
            route.fulfill(status=503, headers={"Retry-After": "1"}, body='{"detail": "Too many wait."}')

    page.route(QUESTIONS, busy_twice)
    draw(page, THREE)
    _is_said_in_words(page)
    wait_for_answer(page, "3")
    page.wait_for_selector("#problem", state="hidden")
    page.unroute(QUESTIONS)


def test_a_server_that_is_frozen_is_said_to_be_at_work_then_away_and_asked_again(page: Page) -> None:
    held = HeldRequests(page, QUESTIONS)
    draw(page, THREE)
    held.wait()
    page.wait_for_selector(".answer.old[aria-busy=true]")
    assert page.locator("#problem").is_hidden()
    page.evaluate("() => window.deadlines.forEach((end) => end())")
    _is_said_in_words(page)
    held.release()
    wait_for_answer(page, "3")
    page.wait_for_selector(".answer:not(.old):not([aria-busy=true])")
    page.wait_for_selector("#problem", state="hidden")


def test_clearing_the_pad_ends_the_wait_for_an_answer(page: Page) -> None:
    held = HeldRequests(page, QUESTIONS)
    draw(page, THREE)
    held.wait()
    page.wait_for_selector(".answer.old")
    page.click("#clear")
    page.wait_for_selector(".answer:not(.old)")
    wait_for_answer(page, NOTHING)
    held.release()


def test_a_picture_that_is_refused_is_not_sent_again(browser: Browser, server: RunningServer) -> None:
    page = open_page(browser, server.address)  # of its own, since its clock would stop the other tests'
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=422, body='{"detail": "an odd picture"}')

    page.route(QUESTIONS, refuse)
    page.clock.install()
    draw(page, ONE)
    page.clock.fast_forward(1000)  # the pen rests: the second question
    wait_until(page, lambda: len(asked) >= 2)
    page.wait_for_selector("#problem:not([hidden])")
    page.wait_for_selector(".answer:not([aria-busy=true])")
    before = len(asked)
    page.clock.fast_forward(60_000)
    page.evaluate("async () => (await fetch('readyz')).status")
    assert len(asked) == before
    page.context.close()


def test_a_page_opened_while_the_server_is_away_is_ready_once_it_is_back(
    browser: Browser, server: RunningServer
) -> None:
    page = new_page(browser)
    page.route("**/model", lambda route: route.abort("connectionrefused"))
    page.goto(server.address)
    _is_said_in_words(page)
    page.unroute("**/model")
    page.wait_for_selector("html[data-ready]")
    page.wait_for_selector("#problem", state="hidden")
    draw(page, THREE)
    wait_for_answer(page, "3")
    page.context.close()


def test_the_pages_of_models_and_runs_are_right_again_by_themselves(browser: Browser, server: RunningServer) -> None:
    page = new_page(browser)
    for address in ("models", "runs/first"):
        page.route("**/api/**", lambda route: route.abort("connectionrefused"))
        page.goto(f"{server.address}/{address}")
        _is_said_in_words(page)
        page.unroute("**/api/**")
        page.wait_for_selector("html[data-ready]")
        page.wait_for_selector("#problem", state="hidden")
    page.context.close()


def test_another_model_under_the_same_name_brings_its_card_and_its_classes(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "digits.onnx"
    file.write_bytes(shipped_model().read_bytes())
    with in_process(files={"digits": file}) as address:
        page = open_page(browser, address)
        draw(page, THREE)
        wait_for_answer(page, "3")
        before = httpx.get(f"{address}/model").json()["version"]
        model_with(file, class_names=WORDS)
        wait_until(page, lambda: httpx.get(f"{address}/model").json()["version"] != before)
        page.click("#clear")
        draw(page, THREE)
        wait_for_answer(page, "three")
        assert page.locator("#bars li .name").all_text_contents() == list(WORDS)
        assert text_of(page, "#bars li.best .name") == "three"
        assert "seven" in text_of(page, "#card")
        page.context.close()
