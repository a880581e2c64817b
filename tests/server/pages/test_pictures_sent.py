"""What the page sends of a picture: what it shows, if that is less than the file or in a format that servers lack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw, features

from browsing import THREE, new_page, text_of, wait_for_answer
from running_servers import RunningServer, encoded

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def three(width: int, height: int) -> Image.Image:
    picture = Image.new("L", (width, height), 255)
    ImageDraw.Draw(picture).line([(x * width, y * height) for x, y in THREE], fill=20, width=height // 14)
    return picture


SENT = """
    window.sent = [];
    const get = window.fetch;
    window.fetch = async (address, options) => {
        if (options.body) {
            const { width, height } = await createImageBitmap(options.body);
            window.sent.push({ type: options.body.type, size: [width, height] });
        }
        return get(address, options);
    };
"""


def sent_of(browser: Browser, address: str, name: str, kind: str, content: bytes) -> list[dict[str, Any]]:
    """Types and sizes of the pictures that the page sends of a file until it answers that it is a 3."""
    page = new_page(browser)
    page.add_init_script(SENT)
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": content})
    wait_for_answer(page, "3")
    assert page.locator("#problem").is_hidden(), text_of(page, "#problem")
    sent: list[dict[str, Any]] = page.evaluate("window.sent")
    page.context.close()
    return sent


def test_a_picture_larger_than_shown_is_sent_as_it_is_shown(browser: Browser, server: RunningServer) -> None:
    content = encoded(three(8000, 7000))  # above the server's limit of 50 million pixels
    sent = sent_of(browser, server.address, "large.png", "image/png", content)
    assert max(sent[0]["size"]) == 4096


def test_a_picture_of_an_ordinary_size_is_sent_as_it_is(browser: Browser, server: RunningServer) -> None:
    sent = sent_of(browser, server.address, "small.png", "image/png", encoded(three(900, 800)))
    assert sent[0] == {"type": "image/png", "size": [900, 800]}


@pytest.mark.skipif(not features.check("avif"), reason="needs a Pillow that writes AVIF")
def test_a_format_that_not_every_server_reads_is_sent_as_another(browser: Browser, server: RunningServer) -> None:
    sent = sent_of(browser, server.address, "three.avif", "image/avif", encoded(three(300, 300), "AVIF"))
    assert sent[0] == {"type": "image/webp", "size": [300, 300]}
