"""The camera: one stream at a time, stopped when its dialog closes, and no picture before there is one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from browsing import new_page, open_again, text_of, wait
from running_servers import RunningServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# A camera whose prompt is answered by `allow` or `deny`, and which shows a frame when `shine` says so.
CAMERA = """
    window.prompts = [];
    window.streams = [];
    navigator.mediaDevices.getUserMedia = () =>
        new Promise((resolve, reject) => window.prompts.push({ resolve, reject }));
    window.allow = () => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 120, height: 90 });
        const context = canvas.getContext("2d");
        const stream = canvas.captureStream(0);
        window.streams.push(stream);
        window.shine = () => {
            context.fillStyle = "#fff";
            context.fillRect(0, 0, 120, 90);
            context.fillStyle = "#000";
            context.fillRect(55, 15, 10, 60);
            stream.getTracks()[0].requestFrame();
        };
        window.prompts.shift().resolve(stream);
    };
    window.deny = () => window.prompts.shift().reject(new DOMException("no", "NotAllowedError"));
"""
LIVE = "() => window.streams.flatMap((s) => s.getTracks()).filter((t) => t.readyState === 'live').length"
OPEN = "document.getElementById('camera-dialog').open"


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[Page]:
    page = new_page(browser)
    page.add_init_script(CAMERA)
    yield page
    page.context.close()


@pytest.fixture
def page(opened: Page, server: RunningServer) -> Page:
    return open_again(opened, server.address)


def test_pressed_twice_before_the_prompt_is_answered_there_is_one_stream_and_close_stops_it(page: Page) -> None:
    page.click("#camera")
    page.evaluate("() => document.getElementById('camera').click()")
    page.evaluate("() => { while (window.prompts.length) window.allow(); }")
    wait(page, OPEN)
    assert page.evaluate("() => window.streams.length") == 1
    assert page.evaluate(LIVE) == 1
    page.click("#close-camera")
    wait(page, f"!{OPEN}")
    wait(page, f"({LIVE})() === 0")


def test_it_opens_again_after_it_was_closed_and_after_it_was_refused(page: Page) -> None:
    page.click("#camera")
    page.evaluate("() => window.deny()")
    page.wait_for_selector("#problem:not([hidden])")
    assert text_of(page, "#problem")
    for _ in range(2):
        page.click("#camera")
        page.evaluate("() => window.allow()")
        wait(page, OPEN)
        assert page.locator("#problem").is_hidden()
        page.keyboard.press("Escape")
        wait(page, f"!{OPEN}")
    wait(page, f"({LIVE})() === 0")


def test_no_picture_is_taken_before_the_first_frame(page: Page) -> None:
    page.click("#camera")
    page.evaluate("() => window.allow()")
    wait(page, OPEN)
    assert page.locator("#shoot").is_disabled()
    page.evaluate("() => document.getElementById('shoot').click()")
    assert page.evaluate(f"() => {OPEN}")
    assert page.locator("#clear").is_disabled()
    page.evaluate("() => window.shine()")
    wait(page, "!document.getElementById('shoot').disabled")
    page.click("#shoot")
    wait(page, "!document.getElementById('clear').disabled")
    wait(page, f"({LIVE})() === 0")


def test_after_the_dialog_was_closed_the_next_stream_has_to_bring_a_frame_too(page: Page) -> None:
    page.click("#camera")
    page.evaluate("() => window.allow()")
    wait(page, OPEN)
    page.evaluate("() => window.shine()")
    wait(page, "!document.getElementById('shoot').disabled")
    page.click("#close-camera")
    page.click("#camera")
    page.evaluate("() => window.allow()")
    wait(page, OPEN)
    assert page.locator("#shoot").is_disabled()
