"""The exported page opened as a file, which browsers do not run: it says how to open it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from browsing import new_page, shoot, text_of
from imagewise.web.files import render_page, static_files

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_opened_as_a_file_it_says_how_to_open_it(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    for name, content in static_files().items():
        (tmp_path / "static" / name).write_bytes(content)
    policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'"
    (tmp_path / "index.html").write_text(render_page("index", answers="browser", policy=policy))
    page = new_page(browser, viewport={"width": 390, "height": 664})
    page.goto((tmp_path / "index.html").as_uri())
    page.wait_for_selector("#problem:not([hidden])")
    assert "python3 -m http.server" in text_of(page, "#problem")
    assert "Loading" not in (page.locator("main").text_content() or "")
    assert page.locator("#invitation").is_hidden()
    assert page.locator("#choose").is_disabled()
    shoot(page, "as-a-file")
    page.context.close()
