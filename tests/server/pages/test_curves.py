"""The charts of training runs: readable with an outlier, with many epochs, and with runs of different length."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browsing import open_page, shoot, text_of
from running_servers import RunningServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WIDE = {"width": 1100, "height": 900}
MakeRun = Callable[[str, list[float]], None]


@pytest.fixture
def make_run(runs: Path) -> Iterator[MakeRun]:
    """Makes runs of that name with those losses, an epoch each."""
    made: list[Path] = []

    def make(name: str, losses: list[float]) -> None:
        folder = shutil.copytree(runs / "first", runs / name)
        made.append(folder)
        head = (folder / "history.csv").read_text().splitlines()[0]
        rows = [f"{epoch},{loss},0.9,{loss},0.9,0.01,1" for epoch, loss in enumerate(losses, 1)]
        (folder / "history.csv").write_text("\n".join([head, *rows]) + "\n")

    yield make
    for folder in made:
        shutil.rmtree(folder)


def test_one_outlier_does_not_flatten_a_curve(browser: Browser, server: RunningServer, make_run: MakeRun) -> None:
    make_run("outlier", [25.7, 0.5, 0.1, 0.05])
    page = open_page(browser, f"{server.address}/runs/outlier", viewport=WIDE)
    box = "() => [...document.querySelectorAll('.charts svg')[0].querySelectorAll('.mark.validation')].map"
    _, second, _, last = page.evaluate(f"{box}((each) => each.getBoundingClientRect().y)")
    assert last - second > 40  # pixels
    assert page.locator(".charts svg").nth(0).locator("text", has_text="logarithmic").count() == 1
    assert page.locator(".charts svg").nth(1).locator("text", has_text="logarithmic").count() == 0
    shoot(page, "logarithmic")
    page.context.close()


def test_no_label_of_an_axis_is_cut_off(browser: Browser, server: RunningServer, make_run: MakeRun) -> None:
    make_run("long", [1.0 - number / 20_000 for number in range(10_000)])
    page = open_page(browser, f"{server.address}/runs/long", viewport=WIDE)
    cut = """() => [...document.querySelectorAll(".charts svg")].flatMap((svg) => {
        const { left, right } = svg.getBoundingClientRect();
        const boxes = [...svg.querySelectorAll("text")].map((text) => text.getBoundingClientRect());
        return boxes.filter((box) => box.left < left || box.right > right);
    }).length"""
    assert page.locator(".charts svg").nth(0).locator("text", has_text="10000").count() == 1
    assert page.evaluate(cut) == 0
    page.context.close()


def test_at_the_end_the_last_epoch_of_each_run_is_read_out(
    browser: Browser, server: RunningServer, make_run: MakeRun
) -> None:
    make_run("short", [0.5, 0.4])
    page = open_page(browser, f"{server.address}/runs?compare=first&compare=short", viewport=WIDE)
    page.wait_for_selector(".readout p:nth-child(2)")
    assert "first, epoch 4: loss" in text_of(page, ".readout")
    assert "short, epoch 2: loss 0.4," in text_of(page, ".readout")
    page.locator("input[type=range]").focus()
    page.keyboard.press("ArrowLeft")
    assert "short, epoch 3: not trained." in text_of(page, ".readout")
    page.context.close()
