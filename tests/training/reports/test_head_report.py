"""The report, the notebook's view and the printed result of a run without epochs: a head on a pretrained network."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine_runs import a_plan
from head_runs import EXPECTED, HEAD, a_head, a_head_run
from imagewise.cli.print_runs import print_interrupted, print_run
from imagewise.data.dataset import Dataset
from imagewise.framing.framing import Framing
from imagewise.model.card import ModelCard
from imagewise.training.head.record import HeadRecord
from imagewise.training.reports.head_report import advise_on_head, strengths_of
from imagewise.training.reports.run_report import report_of_run
from imagewise.training.result import Run
from imagewise.training.run import TrainingCallbacks, execute

PHOTO = Framing("photo", 96, 96, 3)


@pytest.fixture
def run(tiny_dataset: Dataset, tmp_path: Path) -> Run:
    return a_head_run(tiny_dataset, tmp_path / "run")


def words_of(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page[page.index("<body") :])))


def test_the_report_names_backbone_licence_citation_head_and_time(run: Run) -> None:
    words = words_of(report_of_run(run))
    for part in (
        "Network Small Net (pretrained), Dense(3)",
        "Pretrained weights small_net, https://example.org/small",
        "Licence of the weights Apache-2.0",
        "Citation A. Author: Small networks, 2020.",
        "Head logistic regression on 1,280 features of 96x96 pixels (plain and flipped views), regularisation 0.1",
        "Training time 13.1 s (features 12.3 s, head 0.8 s)",
        "Backbone a network that was trained on many other pictures before",
    ):
        assert part in words


def test_the_report_says_nothing_of_epochs_and_has_charts_of_the_strengths(run: Run) -> None:
    page = report_of_run(run)
    assert page.count("<svg") == 2
    assert page.count(">chosen: 0.1</text>") == 2
    assert "plain and flipped</li>" in page
    assert "epoch" not in words_of(page).partition("Recipe: every setting")[0].lower()
    assert "Epoch" not in words_of(page).partition("Glossary")[2]


def test_the_table_lists_everything_that_was_tried(run: Run) -> None:
    words = words_of(report_of_run(run))
    table = words[words.index("Everything that was tried") :]
    assert "strength views validation accuracy loss" in table
    assert "0.01 plain 70% 0.3000" in table
    assert "0.1 chosen plain and flipped 85%" in table


def test_one_strength_is_listed_without_a_chart_and_none_leave_the_section_out(run: Run) -> None:
    one = replace(run, head=a_head(tried=HEAD["tried"][4:5]))
    page = report_of_run(one)
    assert "<svg" not in page
    assert "<details open><summary>Everything that was tried" in page
    nothing = report_of_run(replace(run, head=HeadRecord.of({"backbone": {"name": "mine.onnx"}})))
    assert "Choice of the regularisation" not in nothing
    assert "Licence of the weights not in the file" in words_of(nothing)


def test_what_to_expect_comes_from_cross_validation_where_it_was_measured(run: Run) -> None:
    words = words_of(report_of_run(replace(run, head=a_head(expectation=EXPECTED))))
    expected = "Expect between 85% and 95% of new pictures of the same kind to be recognised (95% interval, 5-fold "
    assert expected + "cross-validation of 120 pictures: 91%)." in words
    assert words.count("Expect ") == 1
    assert "cross-validation" not in words_of(report_of_run(run))


def test_a_head_scored_on_validation_says_that_its_regularisation_was_chosen_there(run: Run) -> None:
    assert run.validation is not None
    words = words_of(report_of_run(replace(run, test=None, scored=run.validation)))
    assert "The strength of the regularisation was chosen on these same pictures" in words


def test_accuracies_are_of_the_pictures_that_were_chosen_on() -> None:
    counts: dict[Any, int] = {"train": 90, "validation": 30, "test": 45}
    assert strengths_of(a_head(chosen_on=77), counts).count == 77
    assert strengths_of(a_head(chosen_on=None), counts).count == 30
    crossed = strengths_of(a_head(chosen_on=None, chosen_by="cross-validation"), counts)
    assert (crossed.count, crossed.measure) == (120, "cross-validated accuracy")
    assert strengths_of(a_head(strength=7.0), counts).chosen is None


def advised(head: HeadRecord, accuracy: float = 0.99, layers: bool = True) -> list[tuple[str, str | None]]:
    values = {"class_names": ["a", "b"], "framing": PHOTO.as_dict(), "network": {"layers": []} if layers else {}}
    return [(each.kind, each.options) for each in advise_on_head(head, ModelCard.of(values), accuracy, 1000)]


def test_a_strength_at_the_edge_of_those_tried_suggests_one_more() -> None:
    assert advised(a_head()) == []
    assert advised(a_head(strength=1.0)) == [("edge-strength", "--set strengths=[0.01, 0.1, 1, 10]")]
    assert advised(a_head(strength=0.01)) == [("edge-strength", "--set strengths=[0.001, 0.01, 0.1, 1]")]
    assert advised(a_head(tried=HEAD["tried"][3:5], strength=0.1)) == []  # of two, each is at an edge


def test_fine_tuning_is_suggested_where_something_is_left_to_gain() -> None:
    assert advised(a_head(), 0.9) == [("fine-tune", "--recipe finetune")]
    assert advised(a_head(), 0.9, layers=False) == []  # a backbone that is an ONNX file
    assert advised(a_head(expectation=EXPECTED), 0.9) == []  # few pictures


def test_a_cross_validated_run_is_not_said_to_be_scored_on_what_it_was_trained_on(run: Run) -> None:
    assert run.test is not None
    scored = replace(run.test, split="train")
    words = words_of(report_of_run(replace(run, test=None, scored=scored, head=a_head(expectation=EXPECTED))))
    assert "of 45 pictures recognised" in words
    assert "Each picture was predicted by heads that were not fitted on it. Expect between 85% and 95%" in words
    assert "It is probably between 85% and 95% (95% interval)" in words
    assert "train pictures" not in words


def test_the_report_suggests_no_options_that_a_head_does_not_have(run: Run) -> None:
    words = words_of(report_of_run(run))
    assert "label_smoothing" not in words.partition("About this run")[0]
    assert "--epochs" not in words
    assert "augment" not in words.partition("About this run")[0]


def test_a_run_in_a_notebook_shows_how_the_head_was_fitted(run: Run) -> None:
    words = html.unescape(re.sub(r"<[^>]*>", " ", replace(run, head=a_head(expectation=EXPECTED))._repr_html_()))
    for part in ("Small Net (pretrained), Dense(3)", "1,280 features", "13.1 s", "91% (95% interval 85% to 95%"):
        assert part in words
    assert "epoch" not in words
    assert "<svg" not in run._repr_html_()


def test_a_run_at_the_prompt_names_its_backbone(run: Run) -> None:
    assert ": transfer, on Small Net, test " in repr(run)


def test_the_result_is_printed_with_what_to_expect_and_the_time(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    print_run(replace(run, head=a_head(expectation=EXPECTED)))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["test", "validation", "expected", "trained", "model"]
    assert lines[2].split(None, 1)[1] == "91% (95% interval 85% to 95%, 5-fold cross-validation, 120 pictures)"
    assert lines[3].split(None, 1)[1] == "13.1 s (features 12.3 s, head 0.8 s)"
    assert "epoch" not in "\n".join(lines)


def test_json_has_what_to_expect_where_it_was_measured(run: Run) -> None:
    assert "expected" not in run.as_dict()
    assert json.loads(json.dumps(replace(run, head=a_head(expectation=EXPECTED)).as_dict()))["expected"] == EXPECTED


@pytest.fixture
def fine_tuned(tiny_dataset: Dataset, tmp_path: Path) -> Run:
    """A run whose network was trained further after its head was fitted."""
    run = execute(a_plan(tiny_dataset, tmp_path / "fine-tuned"), TrainingCallbacks())
    return replace(run, head=a_head())


def test_a_fine_tuned_network_has_its_epochs_and_the_choice_of_its_head(fine_tuned: Run) -> None:
    page = report_of_run(fine_tuned)
    words = words_of(page)
    assert page.count("<svg") == 4
    assert "Epochs 4 trained; the model has the weights of epoch" in words
    assert "Head logistic regression" in words
    assert re.search(r"Training time 13\.[1-9] s \(features 12\.3 s, head 0\.8 s, epochs 0\.\d s\)", words)
    assert "--recipe finetune" not in words
    assert "Epoch one pass over all training pictures" in words
    assert "on Small Net, 4 epochs, test " in repr(fine_tuned)
    shown = fine_tuned._repr_html_()
    assert "<svg" in shown
    assert "epochs" in shown


def test_the_folder_of_such_a_run_has_neither_history_nor_checkpoint(run: Run) -> None:
    assert {path.name for path in run.folder.iterdir()} == {"model.onnx", "run.json"}


def test_a_head_that_fine_tuning_did_not_beat_is_named_as_the_model(
    fine_tuned: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = replace(fine_tuned, head=a_head(kept=True), best_epoch=0)
    print_run(kept)
    assert "kept        the head: fine-tuning was not better" in capsys.readouterr().out
    print_interrupted(kept)
    assert "Stopped. The model is the head" in capsys.readouterr().err
    assert "fine-tuning was not better" in kept._repr_html_()
    words = words_of(report_of_run(kept))
    assert "Epochs 4 trained; the model has the head before them, since they were not better on validation" in words
