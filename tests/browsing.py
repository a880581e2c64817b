"""The page in Debian's Chromium: opened, drawn on, photographed."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
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
NOTHING = "\u2013"
SHOTS = os.environ.get("IMAGEWISE_SCREENSHOTS")  # a folder; to look at the page


def open_page(browser: Browser, address: str, **context: Any) -> Page:
    """The page once its model is loaded; any error on it fails the test."""
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: pytest.fail(f"on the page: {error}"))
    page.goto(address)
    page.wait_for_selector("html[data-ready]", timeout=20_000)
    return page


def draw(
    page: Page, points: list[tuple[float, float]], size: float = 1.0, at: tuple[float, float] = (0.0, 0.0)
) -> None:
    box = page.locator("#pad").bounding_box()
    assert box is not None
    places = [
        (box["x"] + (at[0] + x * size) * box["width"], box["y"] + (at[1] + y * size) * box["height"]) for x, y in points
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=2)
    page.mouse.up()


def wait_for_answer(page: Page, text: str) -> None:
    page.wait_for_function("text => document.querySelector('#answer').textContent.startsWith(text)", arg=text)


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
