"""Whatever a JSON file of others holds: what comes through can be sent, and what is right comes through whole."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewise.evaluation.metrics import measure
from imagewise.model.card import Score as StoredScore
from imagewise.server.pages.json_values import by_dotted_names, parse_json, sendable
from imagewise.server.pages.shapes import Score
from imagewise.training.record import RunRecord, RunResults

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
VALUES: Any = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
SCORE = measure(np.eye(3, dtype=np.float32)[[0, 1, 1, 2]], np.array([0, 1, 2, 2]), ["a", "b", "c"]).as_dict()
NAMES = {"class_names": ["a", "b", "c"]}  # in the matrix's order, which objects of JSON lose in a browser


def send(value: object) -> None:
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def shown(score: object) -> dict[str, Any] | None:
    """A score of a run's record, as its page shows it."""
    results = RunRecord.of_any(sendable({"results": {"test": score}})).results or RunResults()
    found = Score.of(results.test)
    return None if found is None else found.as_dict()


@given(VALUES)
def test_any_value_can_be_sent_afterwards(value: object) -> None:
    send(sendable(value))
    for field in ("recipe", "data", "results", "network", "versions", "framing", "status", "process", "class_names"):
        record = RunRecord.of_any(sendable({field: value, "engine": "numpy"}))
        assert record.engine == "numpy"
        send(record.as_dict())
    send(shown(value))
    send(shown({"accuracy": value, "classes": value, "confusion": value, "accuracy_interval": value}))
    send(shown(SCORE | {"classes": {"a": value}, "confusion": [value]}))


def test_what_json_cannot_say_becomes_none() -> None:
    assert sendable({"a": [float("nan"), float("inf"), 10**400, True, 3]}) == {"a": [None, None, None, True, 3]}
    assert sendable("half \ud83d") == "half ?"


def test_a_score_of_ours_comes_through_as_it_is() -> None:
    assert shown(json.loads(json.dumps(SCORE))) == SCORE | NAMES


@pytest.mark.parametrize(
    "confusion", [None, 3, [], [[1]], [[1, 0, 0]] * 2, [[1, 0]] * 3, [[1, 0, -1]] * 3, [[1, 0, None]] * 3]
)
def test_a_matrix_that_fits_no_classes_is_left_out(confusion: object) -> None:
    assert shown(SCORE | {"confusion": confusion}) == SCORE | NAMES | {"confusion": None}


@pytest.mark.parametrize("value", [None, [], "x", {}, {"accuracy": "high"}, {"accuracy": float("nan")}])
def test_without_an_accuracy_there_is_no_score(value: object) -> None:
    assert shown(value) is None


def test_a_stored_score_without_an_accuracy_is_none() -> None:
    assert Score.of(StoredScore(count=3)) is None
    assert Score.of(None) is None


def test_settings_go_by_dotted_names() -> None:
    settings = {"epochs": 3, "augment": {"pen": {"blur": 0.5}, "none": {}}, "hidden": [256, 256]}
    wanted = {"epochs": 3, "augment.pen.blur": 0.5, "augment.none": {}, "hidden": [256, 256]}
    assert by_dotted_names(settings) == wanted


@pytest.mark.parametrize("content", [b"", b'{"a', b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_one_kind_of_error(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  json's own words
        parse_json(content)
