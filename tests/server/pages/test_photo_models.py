"""The page with a model of photographs: pictures are dropped, chosen or taken, nothing is drawn, and no answer waits
for the explanation of another one. On a server of ours, and exported."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from browsing import (
    BOTH,
    NOTHING,
    THREE,
    HeldRequests,
    draw,
    drop,
    faults,
    new_page,
    open_page,
    shoot,
    text_of,
    wait,
    wait_for_answer,
)
from contract import a_network, random_weights, write_model
from imagewise.errors import ImagewiseError
from imagewise.export import web
from imagewise.model.model import Model, shipped_model
from imagewise.networks.layers import Conv, Dense, GlobalPool, ReLU
from running_servers import in_process, static_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EXPLAINED = "document.getElementById('looked').getAttribute('aria-label').includes(' for ')"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of reddish and greenish photographs of 224 pixels."""
    network = a_network(Conv(2, 8, stride=8), ReLU(), GlobalPool(), Dense(2), shape=(224, 224, 3))
    weights = random_weights(network)
    weights["0.weight"][:] = 0
    weights["0.weight"][0, 0], weights["0.weight"][1, 1] = 0.1, 0.1  # red and green
    weights["0.bias"][:] = 0
    weights["3.weight"][:] = np.eye(2)
    weights["3.bias"][:] = 0
    path = tmp_path_factory.mktemp("photo") / "colours.onnx"
    return write_model(path, network, weights, class_names=("red", "green"))


@pytest.fixture(scope="module")
def served(model: Path) -> Iterator[str]:
    with in_process(files={"colours": model, "digits": shipped_model()}) as address:
        yield address


@pytest.fixture(scope="module")
def exported(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("web") / "colours"
    try:
        web.write_folder(Model.open(model), folder)
    except ImagewiseError as error:
        pytest.skip(str(error))
    with static_server(folder) as address:
        yield address


@pytest.fixture(params=["served", "exported"])
def address(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def photo(colour: tuple[int, int, int], size: tuple[int, int] = (640, 480)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def test_a_dropped_photograph_is_recognised_and_explained(browser: Browser, address: str) -> None:
    page = open_page(browser, address, viewport={"width": 1100, "height": 900})
    drop(page, "red.png", photo((250, 20, 20)))
    wait_for_answer(page, "red")
    wait(page, EXPLAINED)
    assert page.locator("#seen.large").evaluate("canvas => [canvas.width, canvas.height]") == [224, 224]
    shoot(page, "photo-model")
    drop(page, "green.png", photo((20, 250, 20), (4000, 3000)))
    wait_for_answer(page, "green")
    page.click("#undo")
    wait_for_answer(page, "red")
    page.click("#clear")
    wait_for_answer(page, NOTHING)
    page.context.close()


def test_nothing_is_drawn_for_a_model_of_photographs(browser: Browser, address: str) -> None:
    page = open_page(browser, address)
    assert text_of(page, "#draw-heading") == "Drop or upload a picture"
    assert "raw" not in page.locator("#recognise").inner_text().replace("Drawing", "")
    before = page.evaluate("() => document.getElementById('pad').toDataURL()")
    with page.expect_file_chooser():  # a click on the area chooses a file
        draw(page, [(0.5, 0.5)])
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("() => document.getElementById('pad').toDataURL()") == before
    assert page.locator("#pad").get_attribute("role") == "img"
    assert page.locator("#pad[tabindex]").count() == 0
    assert page.locator("#clear").is_disabled()
    assert page.locator("#how-many").is_hidden()
    page.context.close()


def test_strokes_are_forgotten_when_a_model_of_photographs_is_chosen(browser: Browser, served: str) -> None:
    page = open_page(browser, f"{served}/?model=digits")
    draw(page, THREE)
    wait_for_answer(page, "3")
    page.select_option("#which", "colours")
    wait_for_answer(page, NOTHING)
    page.wait_for_selector("#clear[disabled]")
    page.wait_for_selector("#undo[disabled]")
    page.select_option("#which", "digits")
    page.wait_for_selector("#pad[role=application][tabindex='0']")
    draw(page, THREE)
    wait_for_answer(page, "3")
    page.context.close()


def test_the_answer_is_shown_while_its_explanation_is_awaited(browser: Browser, served: str) -> None:
    page = open_page(browser, f"{served}/?model=colours")
    held = HeldRequests(page, "**/predict?*explain=occlusion*")
    drop(page, "red.png", photo((250, 20, 20)))
    wait_for_answer(page, "red")
    held.wait()
    page.wait_for_timeout(700)  # longer than the page waits before it says that an answer takes long
    assert text_of(page, "#sure").startswith("Sure")
    assert page.locator(".answer.old").count() == 0
    drop(page, "green.png", photo((20, 250, 20)))
    held.release()
    wait_for_answer(page, "green")
    wait(page, EXPLAINED)
    page.context.close()


def test_an_explanation_ends_when_there_is_another_picture(browser: Browser, exported: str) -> None:
    page = new_page(browser)
    page.add_init_script("""
        window.turns = 0;
        const later = window.setTimeout.bind(window);
        window.setTimeout = (go, ms, ...rest) => {
            if (ms === undefined) window.turns++;
            return later(go, ms, ...rest);
        };
    """)
    page.goto(exported)
    page.wait_for_selector("html[data-ready]")
    drop(page, "red.png", photo((250, 20, 20)))
    wait(page, "window.turns > 2")  # of 49 places, some are covered
    drop(page, "green.png", photo((20, 250, 20)))
    wait_for_answer(page, "green")
    wait(page, EXPLAINED)
    assert "green" in str(page.locator("#looked").get_attribute("aria-label"))
    page.context.close()


@BOTH
def test_the_page_has_no_fault_with_a_photograph(browser: Browser, served: str, scheme: Any, viewport: Any) -> None:
    page = open_page(browser, f"{served}/?model=colours", viewport=viewport, color_scheme=scheme)
    assert faults(page) == []
    drop(page, "red.png", photo((250, 20, 20)))
    wait_for_answer(page, "red")
    wait(page, EXPLAINED)
    shoot(page, f"photo-{scheme}")
    assert faults(page) == []
    page.context.close()
