"""The drawing area: whatever happens while the pen is down, and which of several files is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from browsing import (
    ONE,
    SEVEN,
    THREE,
    decode_held_files,
    draw,
    drop,
    hold_files,
    move_to,
    new_page,
    open_again,
    paste,
    pixels_of_pad,
    png_of,
    press,
    wait,
    wait_for_answer,
)
from running_servers import RunningServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BLUR = "() => document.activeElement.blur()"
CORNER = [(0.1, 0.1), (0.2, 0.1)]


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[Page]:
    page = new_page(browser)
    hold_files(page)
    yield page
    page.context.close()


@pytest.fixture
def page(opened: Page, server: RunningServer) -> Page:
    return open_again(opened, server.address)


def _undo_by_key(page: Page) -> None:
    page.keyboard.press("Control+z")


def _delete_by_key(page: Page) -> None:
    page.keyboard.press("Delete")


def _clear(page: Page) -> None:
    page.evaluate("() => document.getElementById('clear').click()")


def _undo(page: Page) -> None:
    page.evaluate("() => document.getElementById('undo').click()")


def _drop(page: Page) -> None:
    _wait_for_another(page, lambda: drop(page, "seven.png", png_of(SEVEN)))


def _paste(page: Page) -> None:
    _wait_for_another(page, lambda: paste(page, "seven.png", png_of(SEVEN)))


def _wait_for_another(page: Page, act: Callable[[], None]) -> None:
    before = pixels_of_pad(page)
    act()
    page.wait_for_function("before => document.getElementById('pad').toDataURL() !== before", arg=before)


INTERRUPTIONS = pytest.mark.parametrize("interrupt", [_undo_by_key, _delete_by_key, _clear, _undo, _drop, _paste])


@pytest.mark.parametrize("earlier", [False, True], ids=["alone", "after another stroke"])
@INTERRUPTIONS
def test_a_stroke_that_is_interrupted_takes_no_further_moves(
    page: Page, interrupt: Callable[[Page], None], earlier: bool
) -> None:
    if earlier:
        draw(page, CORNER)
    press(page, ONE)
    interrupt(page)
    after = pixels_of_pad(page)
    for point in SEVEN:
        move_to(page, point)
    page.mouse.up()
    assert pixels_of_pad(page) == after
    draw(page, ONE)  # the next stroke is taken
    assert pixels_of_pad(page) != after


@pytest.mark.parametrize("earlier", [False, True], ids=["alone", "after another stroke"])
@INTERRUPTIONS
def test_a_stroke_by_keyboard_that_is_interrupted_takes_no_further_moves(
    page: Page, interrupt: Callable[[Page], None], earlier: bool
) -> None:
    if earlier:
        draw(page, CORNER)
    page.focus("#pad")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    interrupt(page)
    after = pixels_of_pad(page)
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown"):  # the cursor is back where it was
        page.keyboard.press(key)
    assert pixels_of_pad(page) == after
    for key in ("Space", "ArrowRight", "Space", "ArrowLeft"):
        page.keyboard.press(key)
    assert pixels_of_pad(page) != after  # the next stroke is taken


def test_the_keyboard_s_pen_does_not_join_the_mouse_s_stroke(page: Page) -> None:
    press(page, CORNER)
    page.keyboard.press("Space")
    page.evaluate(BLUR)
    after = pixels_of_pad(page)
    for point in SEVEN:
        move_to(page, point)
    page.mouse.up()
    assert pixels_of_pad(page) == after


def test_undo_brings_back_what_clear_or_a_file_took_away(page: Page) -> None:
    draw(page, THREE)
    drawn = pixels_of_pad(page)
    page.click("#clear")
    page.click("#undo")
    assert pixels_of_pad(page) == drawn
    _drop(page)
    shown = pixels_of_pad(page)
    draw(page, CORNER)
    page.click("#undo")
    assert pixels_of_pad(page) == shown
    page.click("#undo")
    assert pixels_of_pad(page) == drawn
    page.click("#undo")
    assert page.locator("#undo").is_disabled()
    assert page.locator("#clear").is_disabled()


def test_of_two_files_the_last_one_dropped_is_shown(page: Page) -> None:
    drop(page, "slow.png", png_of(ONE))
    drop(page, "fast.png", png_of(SEVEN))
    wait_for_answer(page, "7")
    shown = pixels_of_pad(page)
    decode_held_files(page)
    assert pixels_of_pad(page) == shown


def test_of_two_files_the_last_one_is_shown_though_the_first_is_no_picture(page: Page) -> None:
    drop(page, "slow.txt", b"no picture")
    drop(page, "fast.png", png_of(SEVEN))
    wait_for_answer(page, "7")
    decode_held_files(page)
    assert page.locator("#problem").is_hidden()


def test_a_file_that_is_still_decoded_does_not_wipe_out_a_drawing(page: Page) -> None:
    drop(page, "slow.png", png_of(SEVEN))
    draw(page, THREE)
    wait_for_answer(page, "3")
    drawn = pixels_of_pad(page)
    decode_held_files(page)
    assert pixels_of_pad(page) == drawn


def test_a_file_that_is_still_decoded_does_not_undo_clear(page: Page) -> None:
    draw(page, THREE)
    drop(page, "slow.png", png_of(SEVEN))
    page.click("#clear")
    empty = pixels_of_pad(page)
    decode_held_files(page)
    assert pixels_of_pad(page) == empty
    wait(page, "document.getElementById('clear').disabled")
