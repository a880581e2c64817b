"""A message stays until the person acts or its own question is answered, whatever else is answered meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from browsing import (
    ONE,
    THREE,
    HeldRequests,
    draw,
    drop,
    new_page,
    open_again,
    png_of,
    text_of,
    wait,
    wait_for_answer,
    wait_until,
)
from running_servers import RunningServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

SHOWN = "!document.getElementById('problem').hidden"
SPOKEN = "document.getElementById('spoken').textContent.includes('3')"


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[Page]:
    page = new_page(browser)
    yield page
    page.context.close()


@pytest.fixture
def page(opened: Page, server: RunningServer) -> Page:
    return open_again(opened, server.address)


def test_the_answer_to_an_older_question_leaves_the_message_about_a_file(page: Page) -> None:
    held = HeldRequests(page, "**/predict?*")
    draw(page, THREE)
    held.wait()
    drop(page, "notes.txt", b"no picture")
    wait(page, SHOWN)
    held.release()
    wait_for_answer(page, "3")
    wait(page, SPOKEN)  # the second question, with the explanation, is answered too
    assert page.locator("#problem").is_visible()
    assert "notes.txt" in text_of(page, "#problem")


@pytest.mark.parametrize("act", ["draw", "clear", "undo", "drop"])
def test_the_message_about_a_file_goes_with_the_next_change(page: Page, act: str) -> None:
    draw(page, THREE)
    wait_for_answer(page, "3")
    drop(page, "notes.txt", b"no picture")
    wait(page, SHOWN)
    if act == "draw":
        draw(page, ONE)
    elif act == "drop":
        drop(page, "one.png", png_of(ONE))
    else:
        page.click(f"#{act}")
    wait(page, f"!({SHOWN})")


def test_a_message_about_a_question_goes_with_the_answer_to_the_next(page: Page) -> None:
    def refuse(route: Route) -> None:
        problem = {"title": "Unprocessable", "detail": "the picture: 7x7 is odd"}
        route.fulfill(status=422, content_type="application/problem+json", body=json.dumps(problem))

    page.route("**/predict?*", refuse)
    draw(page, ONE)
    wait(page, SHOWN)
    assert "7x7 is odd" in text_of(page, "#problem")
    page.unroute("**/predict?*")
    draw(page, ONE)
    wait_for_answer(page, "1")
    wait(page, f"!({SHOWN})")


def test_a_newer_message_is_shown_and_the_older_one_returns_when_it_goes(page: Page) -> None:
    first: list[Route] = []
    page.route("**/predict?*", lambda route: route.continue_() if first else first.append(route))
    draw(page, THREE)
    wait_until(page, lambda: first)
    drop(page, "notes.txt", b"no picture")
    wait(page, SHOWN)
    first[0].fulfill(status=422, content_type="application/problem+json", body='{"detail": "an odd picture"}')
    wait(page, "document.getElementById('problem').textContent.includes('an odd picture')")
    wait_for_answer(page, "3")  # the second question is answered: the message about the first goes
    wait(page, "document.getElementById('problem').textContent.includes('notes.txt')")
    assert page.locator("#problem").is_visible()
