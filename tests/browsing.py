"""The pages in Debian's Chromium: opened, drawn on, held back, photographed."""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

CHROMIUM = shutil.which("chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PATIENCE = 60.0  # seconds until a test gives up; an idle machine needs less than one
ONE = [(0.5, 0.15), (0.5, 0.85)]
THREE = [
    (0.32, 0.24),
    (0.5, 0.17),
    (0.66, 0.27),
    (0.62, 0.42),
    (0.48, 0.49),
    (0.64, 0.57),
    (0.68, 0.72),
    (0.5, 0.83),
    (0.31, 0.76),
]
SEVEN = [(0.28, 0.2), (0.7, 0.2), (0.42, 0.85)]
NOTHING = "\u2013"
GRAVE = {"moderate", "serious", "critical"}  # all but what axe-core calls minor
WIDE, PHONE = {"width": 1100, "height": 900}, {"width": 390, "height": 844}
BOTH = pytest.mark.parametrize(("scheme", "viewport"), [("light", WIDE), ("dark", PHONE)], ids=["light", "dark phone"])
SHOTS = os.environ.get("IMAGEWISE_SCREENSHOTS")  # a folder; to look at the page

# Thrown on pages since the last test; tests/server/pages/conftest.py asserts that there are none.
errors: list[str] = []

_HOLD_FILES = """
    window.decoding = [];
    window.decoded = 0;
    const decode = window.createImageBitmap.bind(window);
    window.createImageBitmap = async (source, ...rest) => {
        if (source.name?.startsWith("slow")) await new Promise((go) => window.decoding.push(go));
        try { return await decode(source, ...rest); } finally { window.decoded++; }
    };
"""


def new_page(browser: Browser, **context: Any) -> Page:
    """A page in a browser context of its own; an error on it fails the test."""
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(PATIENCE * 1000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return page


def open_page(browser: Browser, address: str, **context: Any) -> Page:
    """A page once its content is loaded."""
    page = new_page(browser, **context)
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    return page


def open_again(page: Page, address: str) -> Page:
    """A page as if it were newly opened, without what the test before did to it: a new one takes four times as long."""
    page.mouse.up()
    page.unroute_all(behavior="ignoreErrors")
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    return page


def draw(
    page: Page, points: list[tuple[float, float]], size: float = 1.0, at: tuple[float, float] = (0.0, 0.0)
) -> None:
    """Draw a stroke on the pad; `points` are fractions of its sides."""
    press(page, points, size, at)
    page.mouse.up()


def press(
    page: Page, points: list[tuple[float, float]], size: float = 1.0, at: tuple[float, float] = (0.0, 0.0)
) -> None:
    """Draw a stroke, and leave the pen down."""
    move_to(page, points[0], size, at)
    page.mouse.down()
    for point in points[1:]:
        move_to(page, point, size, at)


def move_to(page: Page, point: tuple[float, float], size: float = 1.0, at: tuple[float, float] = (0.0, 0.0)) -> None:
    """Move the mouse to a place on the pad."""
    box = page.locator("#pad").bounding_box()
    assert box is not None
    x, y = (start + part * size for start, part in zip(at, point, strict=True))
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=2)


def hold_files(page: Page) -> None:
    """Before the page is opened: files whose name begins with "slow" are decoded once `decode_held_files` says so."""
    page.add_init_script(_HOLD_FILES)


def decode_held_files(page: Page) -> None:
    """Decode the files held back, and wait until the page has had its chance to show them."""
    wait(page, "window.decoding.length > 0")
    before = page.evaluate("() => { window.decoding.splice(0).forEach((go) => go()); return window.decoded; }")
    page.wait_for_function("before => window.decoded > before", arg=before)
    page.evaluate("() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")


def drop(page: Page, name: str, content: bytes) -> None:
    """Drop a file on the page."""
    _offer(page, "drop", "DragEvent", "dataTransfer", name, content)


def paste(page: Page, name: str, content: bytes) -> None:
    """Paste a file into the page."""
    _offer(page, "paste", "ClipboardEvent", "clipboardData", name, content)


def _offer(page: Page, event: str, kind: str, field: str, name: str, content: bytes) -> None:
    script = """([event, kind, field, name, bytes]) => {
        const data = new DataTransfer();
        const type = name.endsWith(".png") ? "image/png" : "text/plain";
        data.items.add(new File([new Uint8Array(bytes)], name, { type }));
        document.getElementById("stage").dispatchEvent(new window[kind](event, { [field]: data, bubbles: true }));
    }"""
    page.evaluate(script, [event, kind, field, name, list(content)])


def png_of(points: list[tuple[float, float]], side: int = 200) -> bytes:
    """A PNG of one stroke, dark on white."""
    picture = Image.new("L", (side, side), 255)
    places = [(x * side, y * side) for x, y in points]
    ImageDraw.Draw(picture).line(places, fill=20, width=side // 14, joint="curve")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def pixels_of_pad(page: Page) -> str:
    """Everything that is on the pad, as a data URL to compare."""
    return str(page.evaluate("() => document.getElementById('pad').toDataURL()"))


class HeldRequests:
    """Requests of a page that are answered only when the test says so.

    Args:
        page: that asks.
        pattern: of addresses, as Playwright's `route` takes it.
    """

    def __init__(self, page: Page, pattern: str) -> None:
        self._page = page
        self._held: list[Route] = []
        self._released = False
        page.route(pattern, self._take)

    def _take(self, route: Route) -> None:
        if self._released:
            route.continue_()
        else:
            self._held.append(route)

    def wait(self, count: int = 1) -> None:
        """Wait until `count` requests are held."""
        wait_until(self._page, lambda: len(self._held) >= count)

    def release(self) -> None:
        """Let the held requests, and all later ones, reach the server."""
        self._released = True
        for route in self._held:
            route.continue_()


def wait_until(page: Page, condition: Callable[[], Any]) -> None:
    """Wait until `condition` holds, while the page goes on."""
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends, "it never came to pass"
        page.wait_for_timeout(20)


def wait(page: Page, expression: str) -> None:
    """Wait until a JavaScript expression is true; as a function, because the pages' policy forbids to evaluate text."""
    page.wait_for_function(f"() => {expression}")


def wait_for_answer(page: Page, text: str) -> None:
    """Wait until the answer begins with `text`."""
    page.wait_for_function("text => document.querySelector('#answer').textContent.startsWith(text)", arg=text)


def text_of(page: Page, selector: str) -> str:
    """The text of the one element, its white space evened out."""
    return " ".join((page.locator(selector).text_content() or "").split())


def shoot(page: Page, name: str) -> None:
    """Photograph the page where a folder for it is given."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def faults(page: Page) -> list[str]:
    """Faults found by axe-core, which the driver runs outside the page's content security policy."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-core (make setup)")
    found: list[dict[str, Any]] = axe.Axe().run(page).response["violations"]
    return [
        f"{rule['impact']}: {rule['id']}: {node['html'][:100]}: {node['failureSummary']}"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]
