"""One browser for all tests of pages. Every test of a page fails if anything was thrown on a page meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from browsing import CHROMIUM, QUIET, errors

if TYPE_CHECKING:
    from playwright.sync_api import Browser


# While it is open, nothing else in this process can run an event loop: tests outside this package may need one.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium (apt install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (make setup)")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture(autouse=True)
def _no_error_on_any_page() -> Iterator[None]:
    errors.clear()
    yield
    assert errors == []
