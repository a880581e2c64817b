"""Answers that are unsure, of many classes, or of a picture with several characters: the page says what it knows."""

from __future__ import annotations

import base64
import io
import re
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from browsing import ONE, THREE, draw, new_page, text_of, wait, wait_for_answer
from running_servers import RunningServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

QUESTIONS = "**/predict?*"


def open_with_answer(browser: Browser, address: str, change: dict[str, Any], names: list[str] | None = None) -> Page:
    """The page of a server whose answers have other fields, and its model other classes."""
    page = new_page(browser, viewport={"width": 1100, "height": 900})

    def answered(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | change)

    def described(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | ({"class_names": names} if names else {}))

    page.route(QUESTIONS, answered)
    page.route(re.compile(r"/model(\?|$)"), described)
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    return page


def close(page: Page) -> None:
    page.unroute_all(behavior="ignoreErrors")
    page.context.close()


def ranked(probabilities: dict[str, float]) -> dict[str, Any]:
    return {"top": [{"label": label, "probability": each} for label, each in probabilities.items()]}


@pytest.mark.parametrize(
    ("probabilities", "headline", "said"),
    [
        ({"3": 0.97, "1": 0.01}, "3", "Sure: 97.0%."),
        ({"7": 0.767, "1": 0.171, "2": 0.01}, "7?", "Probably 7, maybe 1."),
        ({"0": 0.899, "2": 0.015, "8": 0.01}, "0?", "Probably 0: 89.9%."),
        ({"4": 0.44, "9": 0.3, "7": 0.2}, "?", "Can't tell: 4, 9 or 7?"),
        (
            {"4": 0.43, "0": 0.096, "2": 0.079},
            "?",
            "Can't tell. The closest is 4: 43.0%. It may be none of the classes.",
        ),
    ],
)
def test_an_unsure_answer_names_only_what_it_may_well_be(
    browser: Browser, server: RunningServer, probabilities: dict[str, float], headline: str, said: str
) -> None:
    page = open_with_answer(browser, server.address, ranked(probabilities))
    draw(page, THREE)
    page.wait_for_selector(".best")
    assert (text_of(page, "#answer"), text_of(page, "#sure")) == (headline, said)
    close(page)


def test_a_picture_of_several_characters_is_not_said_to_hold_nothing(browser: Browser, server: RunningServer) -> None:
    file = io.BytesIO()
    Image.new("L", (28, 28), 0).save(file, "PNG")
    seen = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    page = open_with_answer(browser, server.address, {"explain": {"seen": seen}, "doubt": "no ink"})
    draw(page, THREE, 0.45, (0.0, 0.2))
    draw(page, ONE, 0.45, (0.5, 0.2))
    page.wait_for_selector("#read-all:not([hidden])")
    assert text_of(page, "#sure") == "This looks like 2 characters, not one."
    wait(page, "document.getElementById('spoken').textContent.includes('2 characters')")
    page.click("#read-all button")
    page.wait_for_function("() => /3 ?1/.test(document.querySelector('#answer').textContent)")
    assert page.is_checked("input[value=several]")
    assert page.locator("#read-all").is_hidden()
    close(page)


def test_bars_of_names_of_any_length_begin_at_one_place(browser: Browser, server: RunningServer) -> None:
    names = ["i", "a name", "a much longer name of a class", *"1234567"]
    page = open_with_answer(browser, server.address, ranked({"i": 0.5, "a name": 0.4}), names)
    draw(page, THREE)
    page.wait_for_selector(".best")
    tracks = page.locator("#bars .track").all()
    assert len(tracks) == 10
    boxes = [box for track in tracks if (box := track.bounding_box())]
    assert len({(box["x"], box["width"]) for box in boxes}) == 1
    assert boxes[0]["width"] > 100
    close(page)


def test_of_many_classes_the_best_ten_are_shown_and_the_rest_counted(browser: Browser, server: RunningServer) -> None:
    names = [f"class {number}" for number in range(40)]
    best = {"class 39": 0.6, "class 5": 0.25}
    few = best | {name: 0.15 / 38 for name in names if name not in best}
    page = open_with_answer(browser, server.address, ranked(few), names)
    draw(page, THREE)
    wait_for_answer(page, "class 39")
    assert page.locator("#bars li .name").all_text_contents()[:2] == ["class 39", "class 5"]
    assert page.locator("#bars li").count() == 10
    assert text_of(page, "#rest") == "30 other classes: 11.8% together."
    close(page)


def test_bars_are_seen_in_forced_colours(browser: Browser, server: RunningServer) -> None:
    page = new_page(browser, forced_colors="active")
    page.goto(server.address)
    page.wait_for_selector("html[data-ready]")
    draw(page, THREE)
    page.wait_for_selector(".best .fill")
    ground = "each => getComputedStyle(each).backgroundColor"
    fill, track = (page.locator(f"#bars .best .{name}").evaluate(ground) for name in ("fill", "track"))
    assert fill != track
    close(page)


def test_where_there_is_no_answer_there_are_no_figures(browser: Browser, server: RunningServer) -> None:
    page = new_page(browser)
    page.goto(server.address)
    page.wait_for_selector("html[data-ready]")
    assert set(page.locator("#bars .percent").all_text_contents()) == {""}
    black = "() => getComputedStyle(document.getElementById('seen')).backgroundColor"
    assert page.evaluate(black) != "rgb(0, 0, 0)"
    close(page)
