"""The audit finds what was planted: wrong labels, copies, outliers, dark, bright, blank, blurred and odd files."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from imagewise.auditing.audit import audit_dataset
from imagewise.auditing.copies import find_copies
from imagewise.auditing.findings import Audit, What
from imagewise.auditing.looks import look_scores, odd_ones, size_scores
from imagewise.auditing.page import audit_page
from imagewise.data.corrections.table import ACTIONS, COLUMNS
from imagewise.data.dataset import Dataset, Split, SplitRule
from imagewise.data.loading import load_data
from imagewise.errors import DataError, ModelError
from imagewise.framing.framing import Framing

WRONG = {5: 3, 40: 8, 77: 0, 120: 1, 160: 6}  # picture of the test split of `digits`: a label that it does not have


@pytest.fixture(scope="module")
def audited() -> Audit:
    """The test split of `digits`, five of whose labels are wrong; one picture is there twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imagewise.auditing.labels.default_engine", lambda: "numpy")
        digits = load_data("digits")
        test = digits["test"]
        labels, images = test.labels.copy(), test.images.copy()
        for picture, label in WRONG.items():
            assert labels[picture] != label
            labels[picture] = label
        images[100] = images[20]
        labels[100] = (labels[20] + 1) % 10
        return audit_dataset(replace(digits, splits=dict(digits.splits) | {"test": Split(images, labels)}), "test")


def photographs(count: int, side: int = 32) -> NDArray[np.uint8]:
    """Noisy colour pictures with edges, no two alike."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(30, 225, (count, side // 8, side // 8, 3)).repeat(8, axis=1).repeat(8, axis=2)
    return np.clip(coarse + rng.normal(0, 12, coarse.shape), 0, 255).astype(np.uint8)


def test_wrong_labels_come_first_with_the_right_one_suggested(audited: Audit) -> None:
    first = audited.of(What.LABEL)[: len(WRONG) + 2]
    truth = load_data("digits")["test"].labels
    assert set(WRONG) <= {each.index for each in first}
    assert {each.index: int(each.suggestion) for each in first if each.index in WRONG} == {
        picture: truth[picture] for picture in WRONG
    }
    scores = [each.score for each in audited.of(What.LABEL)]
    assert scores == sorted(scores)
    assert audited.count == 189
    assert "fitted on the 1,608 others" in audited.method


def test_a_copy_in_another_class_is_found_with_its_partner(audited: Audit) -> None:
    group = [each for each in audited.of(What.COPY) if each.group == 1]
    assert [each.index for each in group] == [20, 100]
    assert "equal to test/100 (" in group[0].detail


def test_the_table_has_a_row_for_each_finding_and_keeps_everything(audited: Audit) -> None:
    rows = list(csv.DictReader(io.StringIO(audited.to_csv())))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(audited.findings)
    assert {row["action"] for row in rows} == {ACTIONS[0]} == {"keep"}
    assert [row["what"] for row in rows] == sorted((row["what"] for row in rows), key=[*What].index)
    assert rows[0]["path"] == f"test/{audited.findings[0].index}"


def test_the_page_holds_everything_and_asks_nothing_of_the_network(audited: Audit) -> None:
    odd = replace(audited, dataset=replace(audited.dataset, name="<script>alert(1)</script>"))
    page = audit_page(odd, "digits-audit.csv")
    assert page.count('<img src="data:image/') == page.count("<img ") == len(audited.findings)
    assert "<script" not in page
    assert "http:" not in page
    assert "https:" not in page
    assert "--audit digits-audit.csv" in page
    assert all(what.heading in page for what in (What.LABEL, What.COPY, What.OUTLIER))


def test_the_json_counts_what_was_found(audited: Audit) -> None:
    values = audited.as_dict()
    assert values["counts"]["label"] == len(audited.of(What.LABEL)) >= len(WRONG)
    assert values["findings"][0]["path"] == f"test/{audited.findings[0].index}"
    assert repr(audited).startswith("Audit('digits', 189 pictures: label ")


def test_copies_are_found_across_splits_whether_exact_or_near() -> None:
    images = photographs(40)
    images[31] = images[4]
    images[35] = np.clip(images[9].astype(int) + 6, 0, 255)
    found = find_copies(Split(images, np.arange(40) % 2))
    assert [(each.members, each.exact) for each in found] == [((4, 31), True), ((9, 35), False)]


def test_dark_bright_blank_and_blurred_photographs_are_found_and_no_others() -> None:
    images = photographs(60)
    images[3] = images[3] // 8
    images[7] = 255 - (255 - images[7]) // 8
    images[11] = 128
    images[20] = images[20].mean(axis=(0, 1)).astype(np.uint8) + np.arange(32, dtype=np.uint8)[:, None, None]
    scores = look_scores(images, drawings=False)
    found = {what: [number for number, _ in odd_ones(values)] for what, values in scores.items()}
    assert found == {What.BLANK: [11], What.DARK: [3], What.BRIGHT: [7], What.BLURRED: [20]}


def test_a_picture_of_one_bright_colour_is_not_dark() -> None:
    images = photographs(20)
    images[6, ..., 1:] //= 8
    images[6, :4, :4] = (250, 0, 0)
    scores = look_scores(images, drawings=False)
    assert list(odd_ones(scores[What.DARK])) == []


def test_drawings_are_only_looked_at_for_blank_ones() -> None:
    images = np.zeros((5, 28, 28, 1), dtype=np.uint8)
    images[1:, 5:20, 10:14] = 255
    scores = look_scores(images, drawings=True)
    assert list(scores) == [What.BLANK]
    assert [number for number, _ in odd_ones(scores[What.BLANK])] == [0]


def test_sizes_far_from_the_others_are_odd_and_unknown_ones_are_not() -> None:
    sizes = [(640, 480), (480, 640), (600, 500), None, (60, 48), (2000, 160), (640, 480), (700, 500)]
    assert [number for number, _ in odd_ones(size_scores(sizes))] == [4, 5]
    assert list(odd_ones(size_scores([None, None]))) == []


def test_a_set_without_other_splits_is_cross_validated(monkeypatch: pytest.MonkeyPatch, tiny_dataset: Dataset) -> None:
    monkeypatch.setattr("imagewise.auditing.labels.default_engine", lambda: "numpy")
    train = tiny_dataset["train"]
    labels = train.labels.copy()
    labels[6] = 2
    dataset = replace(tiny_dataset, splits={"train": Split(train.images, labels)}, split_rule=SplitRule.GIVEN)
    found = audit_dataset(dataset, most=20)
    assert "in a 5-fold cross-validation" in found.method
    assert 6 in [each.index for each in found.of(What.LABEL)]
    assert len(found.of(What.LABEL)) <= 20


def test_a_handful_of_pictures_is_refused(tiny_dataset: Dataset) -> None:
    few = replace(tiny_dataset, splits={"train": tiny_dataset["train"][:9]})
    with pytest.raises(DataError, match="at least 10 different pictures"):
        audit_dataset(few)


def test_pictures_that_are_all_the_same_are_refused(tiny_dataset: Dataset) -> None:
    train = tiny_dataset["train"]
    same = Split(np.repeat(train.images[:1], 30, axis=0), train.labels[:30])
    with pytest.raises(DataError, match="at least 10 different pictures"):
        audit_dataset(replace(tiny_dataset, splits={"train": same}))


def test_a_split_that_lacks_classes_is_audited(tiny_dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagewise.auditing.labels.default_engine", lambda: "numpy")
    test = tiny_dataset["test"]
    tops = test.take(np.flatnonzero(test.labels == 2))
    found = audit_dataset(replace(tiny_dataset, splits={"train": tiny_dataset["train"], "test": tops}), "test")
    assert found.count == 15


def test_a_split_that_is_not_there_is_refused(tiny_dataset: Dataset) -> None:
    only = replace(tiny_dataset, splits={"train": tiny_dataset["train"]})
    with pytest.raises(DataError, match="no split 'test'"):
        audit_dataset(only, "test")


def test_without_cleanlab_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tiny_dataset: Dataset
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"cleanlab.*audit"):
        audit_dataset(tiny_dataset)


def test_photographs_are_compared_by_the_features_of_a_pretrained_network(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def no_backbone(**options: object) -> object:
        asked.append(options)
        raise ModelError("enough")

    monkeypatch.setattr("imagewise.auditing.labels.open_preferred", no_backbone)
    images = photographs(20, 64)
    dataset = Dataset(
        "photos", ("a", "b"), {"train": Split(images, np.arange(20) % 2)}, Framing.parse("photo:64"), SplitRule.GIVEN
    )
    with pytest.raises(ModelError, match="enough"):
        audit_dataset(dataset, offline=True)
    assert asked[0]["offline"] is True
