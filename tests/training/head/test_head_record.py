"""The record of a head in run.json, and what people see of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from head_runs import EXPECTED, HEAD, a_head
from imagewise.errors import ModelError
from imagewise.training.head.facts import expectation_text, head_text, seconds_text, views_text
from imagewise.training.head.record import HeadExpectation, HeadRecord
from imagewise.training.record import RunRecord


def test_a_record_with_a_head_survives_json() -> None:
    record = RunRecord.of({"format": 1, "head": HEAD | {"expectation": EXPECTED, "later": 1}})
    again = RunRecord.read(record.to_json().encode(), "run.json")
    assert again == record
    assert again.head is not None
    assert again.head.tried[4].strength == 0.1
    assert again.head.as_dict()["later"] == 1  # of a newer version


def test_a_record_of_a_run_with_epochs_has_no_head() -> None:
    assert RunRecord.read(b'{"format": 1}', "run.json").head is None
    assert "head" not in json.loads(RunRecord.of({"format": 1}).to_json())


@pytest.mark.parametrize(
    "wrong", [{"strength": "0.1"}, {"tried": [{"views": ["plain"]}]}, {"backbone": None}, {"chosen_by": "chance"}]
)
def test_a_wrong_head_is_named_and_left_out_of_what_pages_show(wrong: dict[str, Any]) -> None:
    content = {"format": 1, "engine": "numpy", "head": HEAD | wrong}
    with pytest.raises(ModelError, match=r"run\.json: damaged \(head"):
        RunRecord.read(json.dumps(content).encode(), "run.json")
    shown = RunRecord.of_any(content)
    assert shown.engine == "numpy"
    assert shown.head is None or shown.head.backbone.name == "small_net"


def test_a_head_in_words() -> None:
    text = "logistic regression on 1,280 features of 96x96 pixels (plain and flipped views), regularisation 0.1, "
    assert head_text(a_head()) == text + "temperature 1.25"
    assert head_text(HeadRecord.of({"backbone": {"name": "mine.onnx"}})) == "logistic regression"
    assert [views_text(views) for views in ((), ("plain",), ("plain", "flipped", "crops"))] == [
        "plain",
        "plain",
        "plain, flipped and crops",
    ]


def test_the_time_in_words() -> None:
    assert seconds_text(a_head()) == "13.1 s (features 12.3 s, head 0.8 s)"
    assert seconds_text(a_head(seconds={"head": 0.8})) == "0.8 s (head 0.8 s)"
    assert seconds_text(a_head(seconds={})) == "0.0 s"


def test_what_to_expect_in_words() -> None:
    wanted = "91% (95% interval 85% to 95%, 5-fold cross-validation, 120 pictures)"
    assert expectation_text(HeadExpectation.of(EXPECTED)) == wanted
    without = HeadExpectation.of({"accuracy": 0.5, "low": 0.25, "high": 0.75})
    assert expectation_text(without) == "50% (95% interval 25% to 75%, cross-validation)"
