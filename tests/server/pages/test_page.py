"""The page in a real browser, on a real server; and what `export --to web` writes, which needs none."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from browsing import (
    NOTHING,
    ONE,
    THREE,
    draw,
    drop,
    new_page,
    open_page,
    png_of,
    shoot,
    text_of,
    wait,
    wait_for_answer,
)
from imagewise.errors import ImagewiseError
from imagewise.export import web
from imagewise.model.model import load_model
from running_servers import RunningServer, in_process, static_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route


@pytest.fixture(scope="module")
def address(server: RunningServer) -> str:
    """The address of `imagewise serve`."""
    return f"{server.address}/"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the exported folder, served by a server that knows nothing of imagewise."""
    folder = tmp_path_factory.mktemp("web") / "digits"
    try:
        web.write_folder(load_model(), folder)
    except ImagewiseError as error:
        pytest.skip(str(error))
    with static_server(folder) as address:
        yield address


@pytest.fixture(scope="module")
def opened(browser: Browser, address: str) -> Page:
    return open_page(browser, address, viewport={"width": 1100, "height": 900})


@pytest.fixture
def page(opened: Page) -> Page:
    """One page for all tests, emptied: loading it takes two seconds."""
    opened.check("input[value=one]")
    opened.evaluate("document.activeElement.blur()")
    if opened.locator("#clear").is_enabled():
        opened.click("#clear")
    wait_for_answer(opened, NOTHING)
    return opened


def test_a_drawn_3_is_read_explained_spoken_and_undone(page: Page) -> None:
    draw(page, THREE)
    wait_for_answer(page, "3")
    page.wait_for_function("() => document.querySelector('#spoken').textContent.includes('3')")
    assert page.locator("#bars li").count() == 10
    assert page.locator("#bars li.best .name").text_content() == "3"
    grey = "getContext('2d').getImageData(0, 0, 28, 28).data.some(level => level > 128 && level < 255)"
    page.wait_for_function(f"() => document.getElementById('seen').{grey}")
    page.wait_for_function("() => document.getElementById('looked').getAttribute('aria-label').includes('3')")
    coloured = (
        "getContext('2d').getImageData(0, 0, 28, 28).data.some((v, i, all) => i % 4 === 0 && v - all[i + 2] > 60)"
    )
    assert page.evaluate(f"document.getElementById('looked').{coloured}")
    assert not page.evaluate(f"document.getElementById('seen').{coloured}")
    shoot(page, "drawn")
    page.click("#undo")
    wait_for_answer(page, NOTHING)
    assert page.locator("#clear").is_disabled()


def test_an_exported_folder_reads_a_drawn_3_without_a_server_of_ours(browser: Browser, exported: str) -> None:
    page = open_page(browser, exported, viewport={"width": 1100, "height": 900})
    draw(page, THREE)
    wait_for_answer(page, "3")
    page.wait_for_function("() => document.getElementById('looked').getAttribute('aria-label').includes('3')")


def test_the_page_of_the_api_is_shown(browser: Browser, address: str) -> None:
    page = new_page(browser, viewport={"width": 360, "height": 740}, color_scheme="dark")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{address}docs")
    assert page.locator("section").count() > 10
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert complaints == []
    shoot(page, "docs")


def test_a_photograph_dropped_on_the_page_is_read_as_python_reads_it(page: Page) -> None:
    rng = np.random.default_rng(0)
    picture = Image.new("L", (600, 500), 205)
    ImageDraw.Draw(picture).line([(x * 400 + 80, y * 400 + 40) for x, y in THREE], fill=60, width=26, joint="curve")
    levels = np.asarray(picture) * np.linspace(1, 0.75, 600) + rng.normal(0, 5, (500, 600))
    file = io.BytesIO()
    Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).save(file, format="PNG")
    prediction = load_model().predict(file.getvalue())
    drop(page, "three.png", file.getvalue())
    wait_for_answer(page, prediction.label)
    shown = page.locator("#bars li.best .percent").text_content() or ""
    assert float(shown.strip("%")) == pytest.approx(prediction.probability * 100, abs=0.2)
    shoot(page, "dropped")


def test_what_is_no_picture_is_said_and_the_page_goes_on(page: Page) -> None:
    page.set_input_files("#file", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    page.wait_for_selector("#problem:not([hidden])")
    assert "notes.txt" in text_of(page, "#problem")
    draw(page, THREE)
    wait_for_answer(page, "3")


def test_several_digits_are_shown_with_boxes(page: Page) -> None:
    page.check("input[value=several]")
    draw(page, THREE, 0.45, (0.0, 0.2))
    draw(page, ONE, 0.45, (0.5, 0.2))
    page.wait_for_function("() => /3 ?1/.test(document.querySelector('#answer').textContent)")
    marks = "() => document.getElementById('marks').getContext('2d').getImageData(0, 0, 560, 560).data.some(Boolean)"
    assert page.evaluate(marks)
    shoot(page, "several")


def test_a_server_with_a_key_is_opened_by_it_and_the_key_stays_in_the_tab(
    browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    with in_process(api_key="s3cret+100%") as address:
        page = new_page(browser)
        for opened_as, said in (("", "needs a key"), ("#key=wrong", "did not accept")):
            page.goto(f"{address}/{opened_as}")
            page.wait_for_function("said => document.querySelector('#problem').textContent.includes(said)", arg=said)
            assert page.locator("html[data-ready]").count() == 0
            shoot(page, f"key-{bool(opened_as)}")
        page.goto(f"{address}/#key=s3cret+100%")  # of an open page this changes the hash, no more
        page.wait_for_selector("html[data-ready]")
        assert page.evaluate("[location.href, navigation.entries().some(entry => entry.url.includes('key'))]") == [
            f"{address}/",
            False,
        ]
        draw(page, THREE)
        wait_for_answer(page, "3")
        page.reload()
        page.wait_for_selector("html[data-ready]")
        other = page.context.new_page()
        other.goto(address)
        other.wait_for_selector("#problem:not([hidden])")
        for path in ("", "models"):  # the key in the field, wrong and right
            other.goto(f"{address}/{path}")
            for key, shown in (("wrong", "#problem:not([hidden])"), ("s3cret+100%", "html[data-ready]")):
                other.fill("#key", key)
                with other.expect_navigation():
                    other.keyboard.press("Enter")
                other.wait_for_selector(shown)
            assert other.evaluate("location.href") == f"{address}/{path}"
            other.evaluate("() => sessionStorage.clear()")
        page.context.close()
    log = capsys.readouterr().err
    assert '"status": 200' in log
    assert '"status": 401' in log
    assert "s3cret" not in log


@pytest.mark.parametrize("level", [255, 0, 130])
def test_a_blank_picture_holds_nothing(page: Page, level: int) -> None:
    file = io.BytesIO()
    Image.new("L", (300, 200), level).save(file, "PNG")
    draw(page, THREE)
    wait_for_answer(page, "3")
    drop(page, "blank.png", file.getvalue())
    wait_for_answer(page, NOTHING)
    wait(page, "document.getElementById('spoken').textContent.includes('Nothing')")
    assert page.locator("#bars li.best").count() == 0
    assert "Nothing" in text_of(page, "#sure")


def test_a_dot_is_nothing_and_a_small_digit_is_something(page: Page) -> None:
    draw(page, [(0.5, 0.5)])
    wait(page, "document.getElementById('sure').textContent.startsWith('Nothing')")
    page.click("#clear")
    draw(page, ONE, 0.2, (0.4, 0.4))
    wait_for_answer(page, "1")


def test_a_page_of_several_characters_that_holds_none_says_so(page: Page) -> None:
    page.check("input[value=several]")
    drop(page, "blank.png", png_of([(0.0, 0.0), (0.0, 0.0)]))
    wait(page, "document.getElementById('sure').textContent.startsWith('Nothing')")


def test_it_works_by_keyboard_alone(page: Page) -> None:
    page.click("h1")  # so that the first Tab starts from the top
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "pad":
            break
    for key in ["ArrowUp"] * 8 + [" "] + ["ArrowDown"] * 16 + [" "]:
        page.keyboard.press(key)
    wait_for_answer(page, "1")
    shoot(page, "keyboard")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "undo"
    page.keyboard.press("Enter")
    wait_for_answer(page, NOTHING)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_answers_a_finger(browser: Browser, address: str, scheme: Any) -> None:
    phone = {"width": 360, "height": 740}
    page = open_page(browser, address, viewport=phone, has_touch=True, color_scheme=scheme, device_scale_factor=2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("getComputedStyle(document.getElementById('pad')).touchAction") == "none"
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(int(v) for v in ground[4:-1].split(",")) < 60) == (scheme == "dark")
    small = "() => [...document.querySelectorAll('button')].filter(b => b.offsetParent && b.offsetHeight < 44).length"
    assert page.evaluate(small) == 0
    draw(page, THREE)
    wait_for_answer(page, "3")
    page.wait_for_function("() => document.querySelector('#spoken').textContent.includes('3')")
    shoot(page, f"phone-{scheme}")
    page.context.close()


SMALL = [
    pytest.param({"width": 390, "height": 664}, True, id="phone"),
    pytest.param({"width": 360, "height": 600}, True, id="small phone"),
    pytest.param({"width": 550, "height": 450}, False, id="desktop at 200%"),
]


@pytest.mark.parametrize(("viewport", "mobile"), SMALL)
def test_the_answer_is_on_the_screen_beside_the_drawing(
    browser: Browser, address: str, viewport: Any, mobile: bool
) -> None:
    page = open_page(browser, address, viewport=viewport, is_mobile=mobile, has_touch=mobile)
    draw(page, THREE)
    wait_for_answer(page, "3")
    assert page.evaluate("() => scrollY") == 0
    for shown in ("#pad", "#answer", "#sure"):
        box = page.locator(shown).bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= viewport["height"]
    before = page.locator("#pad").bounding_box()
    drop(page, "notes.txt", b"no picture")  # a message does not move the drawing area away from the pen
    page.wait_for_selector("#problem:not([hidden])")
    assert page.locator("#pad").bounding_box() == before
    shoot(page, f"first-screen-{viewport['width']}")
    page.context.close()


def test_a_model_of_photographs_is_not_asked_for_several_characters(browser: Browser, address: str) -> None:
    def of_photographs(route: Route) -> None:
        answer = route.fetch()
        card = answer.json()
        card["framing"]["kind"] = "photo"
        route.fulfill(response=answer, json=card)

    page = new_page(browser)
    page.route("**/model", of_photographs)
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    assert page.locator("#how-many").is_hidden()
    page.context.close()


def test_whatever_is_marked_hidden_is_hidden(browser: Browser, address: str) -> None:
    page = new_page(browser)
    shown = """() => {
        const all = [...document.querySelectorAll("body *")];
        all.forEach((each) => each.setAttribute("hidden", ""));
        return all.filter((each) => getComputedStyle(each).display !== "none").map((each) => each.tagName);
    }"""
    found = {}
    for path in ("", "models", "models/digits", "runs", "runs/first", "docs", "nothing"):
        page.goto(f"{address}{path}")
        found[path] = page.evaluate(shown)
    assert found == {path: [] for path in found}
    page.context.close()
