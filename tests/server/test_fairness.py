"""Large pictures and many pictures of one client: others are answered meanwhile, and memory stays bounded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from holding import Gate
from imagewise.framing.decoding import read_picture
from imagewise.framing.finding.grey import grey_levels
from imagewise.server import worker
from imagewise.server.inference import pool
from imagewise.server.inference.fair_queue import FairQueue, Source, Turns
from imagewise.server.inference.memory import bytes_of
from imagewise.server.limits import Limits
from running_servers import PATIENCE, digit, encoded, in_process, noise, wait_until

SMALL = Limits(memory=28 * 40_000, large=14 * 10_000, large_queue=3, drain_seconds=0.1)
LARGE = (150, 150)


@dataclass(frozen=True)
class Item:
    source: Source
    name: str


def test_clients_take_turns_and_so_do_the_requests_of_each() -> None:
    turns: Turns[Item] = Turns()
    for name, source in {"a1": ("a", 1), "a2": ("a", 1), "a3": ("a", 2), "b1": ("b", 3), "a4": ("a", 1)}.items():
        turns.put(Item(source, name))
    taken = []
    while turns:
        taken.append(turns.take().name)
    assert taken == ["a1", "b1", "a3", "a2", "a4"]


def test_one_large_item_is_under_way_at_a_time_and_small_and_large_take_turns() -> None:
    queue: FairQueue[Item] = FairQueue()
    for number in range(2):
        queue.put(Item(("a", 0), f"large {number}"), large=True)
        queue.put(Item(("a", 0), f"small {number}"))

    def taken() -> str:
        found = queue.take()
        assert found is not None
        assert found[1] == found[0].name.startswith("large")
        return found[0].name

    assert [taken(), taken()] == ["large 0", "small 0"]
    assert taken() == "small 1"  # the first large one is not done
    queue.large_done()
    assert taken() == "large 1"
    queue.close()
    queue.large_done()
    assert queue.take() is None


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, threading.Event, list[int]]]:
    """A server of two threads in which decoding of large pictures waits for an event; the sizes that were begun."""
    monkeypatch.setattr(worker, "usable_cpus", lambda: 2)
    opened = threading.Event()
    begun: list[int] = []

    def wait_for_large(content: bytes, *arguments: Any) -> Image.Image:
        picture = read_picture(content, *arguments)
        if picture.size >= LARGE:
            begun.append(picture.width)
            opened.wait(PATIENCE)
        return picture

    monkeypatch.setattr(pool, "read_picture", wait_for_large)
    with in_process(SMALL) as address:
        try:
            yield address, opened, begun
        finally:
            opened.set()


def test_while_bombs_are_decoded_small_pictures_are_answered_and_too_many_bombs_are_refused(
    held: tuple[str, threading.Event, list[int]],
) -> None:
    address, opened, begun = held
    bomb = encoded(Image.new("RGB", LARGE, "white"))
    with httpx.Client(base_url=address, timeout=PATIENCE) as client, ThreadPoolExecutor(8) as senders:
        bombs = [senders.submit(client.post, "/predict", content=bomb) for _ in range(3)]
        wait_until(lambda: begun)
        for _ in range(20):
            assert client.post("/predict", content=digit()).json()["label"] == "7"
        wait_until(lambda: client.post("/predict", content=bomb, timeout=0.5).status_code == 503)
        assert len(begun) == 1
        opened.set()
        assert {answer.result().status_code for answer in bombs} == {200}


def test_pictures_that_take_too_much_memory_are_refused_by_their_kind() -> None:
    with in_process(SMALL) as address, httpx.Client(base_url=address, timeout=PATIENCE) as client:
        for mode, side, status in (("RGB", 250, 200), ("RGBA", 250, 413), ("P", 250, 413), ("RGB", 300, 413)):
            for path in ("/predict", "/segment"):
                answer = client.post(path, content=encoded(Image.new(mode, (side, side))))
                assert answer.status_code == status, (mode, side, path)
        jpeg = encoded(noise(500, 300), "JPEG")
        assert client.post("/predict", content=jpeg).status_code == 200  # decoded at a half of its size


HEADERS = [("RGBA", "PNG", 24), ("P", "PNG", 24), ("LA", "PNG", 24), ("P", "GIF", 24), ("L", "PNG", 8)]
HEADERS += [("RGB", "PNG", 14), ("RGB", "JPEG", 14), ("RGB", "WEBP", 14), ("I;16", "PNG", 32), ("F", "TIFF", 32)]


@pytest.mark.parametrize(("mode", "kind", "each"), HEADERS)
def test_memory_is_told_by_the_header(mode: str, kind: str, each: int) -> None:
    content = encoded(Image.new(mode, (100, 50)), kind)
    assert bytes_of(content, 10**9, 10**9) == (each * 5000, 10**9 // each)
    assert bytes_of(content, 10**9, each * 100) == (each * 100, 100)
    assert bytes_of(content, 10, 10**9) == (each * 10, 10)


def test_memory_of_a_colour_that_is_see_through_and_of_other_files() -> None:
    see_through = encoded(Image.new("RGB", (100, 50)), transparency=(0, 0, 0))
    assert bytes_of(see_through, 10**9, 10**9)[0] == 24 * 5000
    assert bytes_of(b"no picture", 10**9, 10**9) == (0, 10**9)


def test_see_through_pictures_are_laid_on_the_same_ground_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        picture = Image.fromarray(rng.integers(0, 256, (40, 30, 4), dtype=np.uint8), "RGBA")
        monkeypatch.setattr("imagewise.framing.finding.grey._PIXELS_AT_ONCE", 2**18)
        whole = grey_levels(picture, 100)
        monkeypatch.setattr("imagewise.framing.finding.grey._PIXELS_AT_ONCE", 70)
        assert np.array_equal(grey_levels(picture, 100), whole)


def test_a_form_of_many_pictures_does_not_hold_up_a_single_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "usable_cpus", lambda: 1)
    monkeypatch.setattr(pool, "MAX_BATCH", 1)
    gate = Gate(monkeypatch)
    order: list[int] = []
    with (
        in_process(Limits(drain_seconds=0.1)) as address,
        httpx.Client(base_url=address, timeout=PATIENCE) as client,
        ThreadPoolExecutor(2) as senders,
    ):
        files = [("pictures", (f"{number}.png", digit())) for number in range(60)]
        form = senders.submit(client.post, "/predict", files=files)
        assert gate.reached.wait(PATIENCE)
        single = senders.submit(client.post, "/predict", content=digit())
        wait_until(lambda: "imagewise_queue 61.0" in client.get("/metrics").text)
        single.add_done_callback(lambda _: order.append(1))
        form.add_done_callback(lambda _: order.append(60))
        gate.opened.set()
        assert single.result().json()["label"] == "7"
        assert len(form.result().json()) == 60
        assert order == [1, 60]
