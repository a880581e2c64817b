"""A picture that trips our own code, or the network, is that picture's error and nobody else's."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from holding import Gate
from imagewise.framing import framing
from imagewise.model import text_recognition
from imagewise.model.model import Model
from running_servers import digit, encoded, in_process, queue_of, wait_until

ODD = (97, 83)  # a size that framing fails on, in these tests
ODD_PICTURE = encoded(Image.new("L", ODD, 255))
REASON = "box offset can't be negative"


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Framing raises ValueError for pictures of the size `ODD`."""
    frame = framing.frame

    def fail(picture: Image.Image, wanted: framing.Framing) -> framing.Pixels:
        if picture.size == ODD:
            raise ValueError(REASON)
        return frame(picture, wanted)

    monkeypatch.setattr(framing, "frame", fail)


@pytest.fixture
def address(faulty: None) -> Iterator[str]:
    """Of a server whose framing is faulty."""
    with in_process() as found:
        yield found


def forms(*contents: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("pictures", (f"{number}.png", content)) for number, content in enumerate(contents)]


def test_a_picture_that_cannot_be_framed_is_422_with_the_reason_and_in_the_log(
    faulty: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with in_process() as address:
        answer = httpx.post(f"{address}/predict", content=ODD_PICTURE)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert REASON in answer.json()["detail"]
    log = capsys.readouterr().err
    assert '"event": "failure"' in log
    assert "in fail" in log  # the traceback, needed to fix the fault


def test_the_others_of_its_batch_are_answered(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    contents = [digit(1, 90), ODD_PICTURE, digit(7, 90), ODD_PICTURE, digit(1, 70)]
    with httpx.Client(base_url=address, timeout=20) as client, ThreadPoolExecutor(len(contents) + 1) as senders:
        first = senders.submit(client.post, "/predict", content=digit())
        wait_until(lambda: queue_of(client) == 1)
        sent = [senders.submit(client.post, "/predict", content=content) for content in contents]
        wait_until(lambda: queue_of(client) == len(contents) + 1)
        gate.opened.set()
        answers = [future.result() for future in sent]
        assert [answer.status_code for answer in answers] == [200, 422, 200, 422, 200]
        assert [answer.json()["label"] for answer in answers if answer.status_code == 200] == ["1", "7", "1"]
        assert first.result().status_code == 200
        assert queue_of(client) == 0


def test_in_a_form_it_is_a_row_with_an_error(address: str) -> None:
    rows = httpx.post(f"{address}/predict", files=forms(digit(7, 90), ODD_PICTURE, digit(1, 90))).json()
    assert [row.get("label") for row in rows] == ["7", None, "1"]
    assert rows[1]["picture"] == "1.png"
    assert rows[1]["error"].startswith("1.png: ")
    assert REASON in rows[1]["error"]
    none = httpx.post(f"{address}/predict", files=forms(ODD_PICTURE, ODD_PICTURE))
    assert none.status_code == 422
    assert REASON in none.json()["detail"]


def test_by_the_open_inference_protocol_it_is_422_and_named(address: str) -> None:
    data = [base64.b64encode(content).decode() for content in (digit(7, 90), ODD_PICTURE)]
    tensor = {"name": "pictures", "datatype": "BYTES", "shape": [2], "data": data}
    answer = httpx.post(f"{address}/v2/models/digits/infer", json={"inputs": [tensor]})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("pictures[1]: ")
    assert REASON in answer.json()["error"]


def test_a_picture_that_cannot_be_cut_into_characters_is_422_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object) -> None:
        raise ValueError(REASON)

    monkeypatch.setattr(text_recognition, "segment", faulty)
    with in_process() as address:
        answer = httpx.post(f"{address}/segment", content=digit())
        assert answer.status_code == 422
        assert REASON in answer.json()["detail"]


@pytest.fixture
def allergic(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a server whose network fails on every batch with an empty picture in it."""
    outputs = Model.outputs

    def faulty(model: Model, pictures: NDArray[np.uint8]) -> Any:
        if any(not picture.any() for picture in pictures):
            raise RuntimeError("no empty pictures")
        return outputs(model, pictures)

    with in_process() as address:
        monkeypatch.setattr(Model, "outputs", faulty)
        yield address


EMPTY = encoded(Image.new("L", (28, 28), 255))


def test_a_network_that_fails_on_one_picture_answers_the_others_of_its_batch(
    allergic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    contents = [digit(1), EMPTY, digit(7)]
    with httpx.Client(base_url=allergic, timeout=20) as client, ThreadPoolExecutor(len(contents)) as senders:
        sent = [senders.submit(client.post, "/predict", content=content) for content in contents]
        wait_until(lambda: queue_of(client) == len(contents))
        gate.opened.set()
        answers = [future.result() for future in sent]
        assert [answer.status_code for answer in answers] == [200, 500, 200]
        assert queue_of(client) == 0


def test_a_network_that_fails_on_one_picture_of_a_form_gives_that_row_an_error(allergic: str) -> None:
    rows = httpx.post(f"{allergic}/predict", files=forms(digit(7), EMPTY, digit(1))).json()
    assert [row.get("label") for row in rows] == ["7", None, "1"]
    assert rows[1]["error"].startswith("1.png: ")
    assert "no empty pictures" not in rows[1]["error"]  # an error of ours: the log says what it is
    assert httpx.post(f"{allergic}/predict", files=forms(EMPTY)).status_code == 500
