"""Whatever stands in a JSON file of others: what comes through can be sent, and what is right comes through whole."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewise.metrics import measure
from imagewise.server import lenient

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
VALUES: Any = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
SCORE = measure(np.eye(3, dtype=np.float32)[[0, 1, 1, 2]], np.array([0, 1, 2, 2]), ["a", "b", "c"]).as_dict()


def send(value: object) -> None:
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


@given(VALUES)
def test_any_value_can_be_sent_afterwards(value: object) -> None:
    send(lenient.plain(value))
    send(lenient.flat(value))
    send(lenient.metrics(value))
    send(lenient.metrics({"accuracy": value, "classes": value, "confusion": value, "accuracy_interval": value}))
    send(lenient.metrics(SCORE | {"classes": {"a": value}, "confusion": [value]}))


def test_what_json_cannot_say_becomes_none() -> None:
    assert lenient.plain({"a": [float("nan"), float("inf"), 10**400, True, 3]}) == {"a": [None, None, None, True, 3]}
    assert lenient.text("half \ud83d") == "half ?"
    assert lenient.number(True) is None


def test_a_score_of_ours_comes_through_as_it_is() -> None:
    assert lenient.metrics(json.loads(json.dumps(SCORE))) == SCORE


@pytest.mark.parametrize(
    "confusion", [None, 3, [], [[1]], [[1, 0, 0]] * 2, [[1, 0]] * 3, [[1, 0, -1]] * 3, [[1, 0, None]] * 3]
)
def test_a_matrix_that_fits_no_classes_is_left_out(confusion: object) -> None:
    found = lenient.metrics(SCORE | {"confusion": confusion})
    assert found == SCORE | {"confusion": None}


@pytest.mark.parametrize("value", [None, [], "x", {}, {"accuracy": "high"}, {"accuracy": float("nan")}])
def test_without_an_accuracy_there_is_no_score(value: object) -> None:
    assert lenient.metrics(value) is None


def test_settings_go_by_dotted_names() -> None:
    settings = {"epochs": 3, "augment": {"pen": {"blur": 0.5}, "none": {}}, "hidden": [256, 256]}
    assert lenient.flat(settings) == {"epochs": 3, "augment.pen.blur": 0.5, "augment.none": {}, "hidden": [256, 256]}


@pytest.mark.parametrize("content", [b"", b'{"a', b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_one_kind_of_error(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  json's own words
        lenient.parse(content)
