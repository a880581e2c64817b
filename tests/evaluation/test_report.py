import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from imagewise.atomic import write_atomically
from imagewise.data.dataset import Split
from imagewise.evaluation.evaluate import Evaluation
from imagewise.evaluation.metrics import measure
from imagewise.evaluation.report.mistakes import worst_mistakes
from imagewise.evaluation.report.report import render, report_of_evaluation
from reports import CURVES, FIVE, a_report, metrics_of, scores

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Checks that tags are balanced, and keeps what a test asks about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.folded: set[str] = set()  # tags within <details>
        self.words = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if "details" in self.open:
            self.folded.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def classes(self, tag: str) -> set[str]:
        return {name for each in self.all(tag) for name in (each.get("class") or "").split()}


def test_a_page_holds_all_numbers_of_a_run() -> None:
    page = Page(render(a_report()))
    for words in (
        "digits · perceptron", "MNIST is not available.", "80%", "of 300 test pictures", "240 right, 60 wrong",
        "between 75% and 84%", "Calibration error", "Confusion matrix", "36 most confident of 60",
        "A finding.", "--set a=1", "Another one.", "Device", 'keep = "best"',
    ):  # fmt: skip
        assert words in page.words
    assert len(page.all("svg")) == 2
    assert len(page.all("img")) == 36


def test_the_verdict_comes_first_then_advice_notes_curves_and_pictures_and_the_recipe_is_folded() -> None:
    text = render(a_report())
    places = [text.index(part) for part in ("<h1>", 'class="verdict', "A finding", 'class="notices', "<svg", "<img")]
    assert places == sorted(places)
    assert text.index("<dt>Baseline") < text.index("A finding")
    assert "pre" in Page(text).folded


@pytest.mark.parametrize("count", [0, 1, 1200])
def test_the_pictures_that_were_skipped_are_counted_and_listed_folded(count: int) -> None:
    skipped = [(f"cat/{i}.jpg", "the file is empty") for i in range(count)]
    page = Page(render(replace(a_report(), notices=(), skipped=skipped)))
    assert ("Notes\n" in page.words) == (count > 0)
    for path, reason in skipped:
        assert f"{path}: {reason}" in page.words
    assert {1: "1 picture that", 1200: "1,200 pictures that"}.get(count, "") in page.words
    assert ("ul" in page.folded) == (count > 0)


def test_the_baseline_is_the_share_of_the_most_frequent_class() -> None:
    labels = np.repeat(np.arange(3), [28, 36, 36])
    labels[-8:] = 1  # 44 of 100
    metrics = measure(np.eye(3, dtype=np.float32)[labels], labels, ("cat", "dog", "owl"))
    text = re.sub(r"\s+", " ", render(replace(a_report(), metrics=metrics, mistakes=())))
    assert re.search(r"<dt>Baseline</dt><dd>44%</dd><dd>[^<]*<bdi>dog</bdi>", text)


def test_the_page_asks_the_network_for_nothing_and_has_no_script() -> None:
    text = render(a_report())
    page = Page(text)
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "iframe", "object", "base"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in {"src", "href", "xlink:href", "srcset", "action", "data", "poster"}:
                assert str(value).startswith(("data:image/", "#"))
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_the_page_can_be_used_without_seeing_it() -> None:
    page = Page(render(a_report()))
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert all(attributes.get("scope") for attributes in page.all("th"))
    assert all(attributes.get("alt") for attributes in page.all("img"))
    assert all(attributes.get("aria-label") for attributes in page.all("svg"))


@pytest.mark.parametrize(
    "name", ["<b>bold</b>", '"><script>alert(1)</script>', "a & b", "😀", "{{ title }} {% x %}", "שלום"]
)
def test_text_of_users_is_shown_and_never_run(name: str) -> None:
    plain = replace(a_report(), curves=None, title="t", facts={"f": "f"})
    report = replace(
        a_report((name, "1", "2", "3", "4")), curves=None, title=name, facts={name: name}, notices=[name], recipe=name
    )
    report = replace(
        report,
        mistakes=[replace(each, name=name) for each in report.mistakes],
        advice=[replace(each, reason=f"{name} {each.reason}") for each in report.advice],
    )
    page = Page(render(report))
    assert page.words.count(name) > 5 + len(report.mistakes)
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in Page(render(plain)).tags]


def test_names_are_isolated_so_that_right_to_left_ones_leave_a_sentence_in_order() -> None:
    text = render(a_report(("שלום", "1", "2", "3", "4")))
    body = text[text.index("<body") :]
    assert body.count("<bdi>שלום</bdi>") == len(re.findall(r">שלום<", body)) > 10


def test_a_file_name_that_is_no_text_can_still_be_written(tmp_path: Path) -> None:
    report = a_report()
    mistakes = [replace(report.mistakes[0], name="caf\udce9.png")]
    write_atomically(tmp_path / "report.html", render(replace(report, mistakes=mistakes)))
    assert "caf?.png" in (tmp_path / "report.html").read_text("utf-8")


def test_many_classes_are_listed_and_not_drawn_as_a_matrix() -> None:
    names = tuple(f"species {i}" for i in range(100))
    page = Page(render(replace(a_report(names), curves=None, recipe=None)))
    assert "matrix" not in page.classes("table")
    assert "All 100 classes" in page.words
    assert "table" in page.folded
    assert "matrix" in Page(render(replace(a_report(names[:30]), curves=None))).classes("table")


def test_a_report_of_evaluate_has_no_curves_and_no_recipe() -> None:
    split, probabilities = scores(FIVE, 300)
    metrics = measure(probabilities, split.labels, FIVE)
    evaluation = Evaluation("m.onnx", "folder", "all", metrics, split, probabilities, ("a notice",))
    page = Page(render(a_report()))
    assert {"svg", "pre"} <= {tag for tag, _ in page.tags}
    page = Page(report_of_evaluation(evaluation))
    assert not {"svg", "pre"} & {tag for tag, _ in page.tags}
    for words in ("m.onnx on folder", "a notice", "80%", "of 300 pictures", "240 right, 60 wrong"):
        assert words in page.words
    assert "useful" not in page.classes("p")
    assert "uncertain" in page.classes("p")


def test_pictures_that_the_model_was_trained_on_get_no_verdict_and_no_interval() -> None:
    split, probabilities = scores(FIVE, 300)
    metrics = measure(probabilities, split.labels, FIVE)
    page = Page(report_of_evaluation(Evaluation("m", "d", "all", metrics, split, probabilities, (), 0.5)))
    assert "unknown" in page.classes("p")
    head = page.words[: page.words.index("Baseline")]
    assert "interval" not in head
    assert "interval" in Page(render(a_report())).words


def test_a_model_without_mistakes_gets_a_page_too() -> None:
    page = Page(render(replace(a_report(), metrics=metrics_of(1.0), mistakes=(), curves=None, advice=())))
    assert "10,000 right, 0 wrong" in page.words
    assert not page.all("ol")
    assert not page.all("img")
    assert "Confusion matrix" not in page.words


def test_scores_of_the_pictures_that_chose_the_epoch_say_so() -> None:
    usual = Page(render(a_report()))
    chosen = Page(render(replace(a_report(), scored="validation")))
    by_hand = Page(render(replace(a_report(), scored="validation", chosen_by_validation=False)))
    assert len(chosen.all("p")) == len(by_hand.all("p")) + 1 == len(usual.all("p")) + 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_epochs_that_broke_down_are_dashes_in_the_table_and_gaps_in_the_curves(value: float) -> None:
    gap = (0.9, value, 0.4)
    curves = replace(CURVES, train_loss=gap, validation_loss=gap, train_accuracy=gap, validation_accuracy=gap)
    for each in (curves, replace(curves, train_loss=(value,) * 3, train_accuracy=(value,) * 3)):
        text = re.sub(r'src="data:[^"]*"', "", render(replace(a_report(), curves=each)))
        assert not re.search(r"\b(nan|inf)\b", text, flags=re.IGNORECASE)
        assert "<td>\N{EN DASH}</td>" in text


def test_training_without_validation_draws_and_lists_train_alone() -> None:
    curves = replace(CURVES, validation_loss=(None,) * 3, validation_accuracy=(None,) * 3, validation_count=0)
    page = Page(render(replace(a_report(), curves=curves, validation=None)))
    assert page.classes("polyline") == {"train"}
    assert page.classes("span") & {"train", "validation"} == {"train"}
    assert Page(render(a_report())).classes("polyline") == {"train", "validation"}


@pytest.mark.parametrize(
    ("shape", "size", "kind"),
    [((28, 28, 1), ("84", "84"), "png"), ((1, 60, 3), ("120", "2"), "png"), ((128, 128, 3), ("128", "128"), "jpeg"),
     ((300, 600, 3), ("132", "66"), "jpeg")],
)  # fmt: skip
def test_mistakes_are_shown_large_enough_to_see(shape: tuple[int, int, int], size: tuple[str, str], kind: str) -> None:
    picture = Page(render(replace(a_report(shape=shape), curves=None))).all("img")[0]
    assert (picture["width"], picture["height"]) == size
    assert str(picture["src"]).startswith(f"data:image/{kind};")


def test_the_worst_mistakes_are_the_wrong_ones_the_most_confident_first() -> None:
    images = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), dtype=np.uint8)
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]], dtype=np.float32)
    split = Split(images, np.array([0, 1, 0, 1]), ["a.png", "b.png", "c.png", "d.png"])
    found = worst_mistakes(split, probabilities, ("cat", "dog"))
    assert [(each.name, each.true, each.predicted) for each in found] == [
        ("c.png", "cat", "dog"), ("d.png", "dog", "cat"), ("b.png", "dog", "cat"),
    ]  # fmt: skip
    assert found[0].probability == pytest.approx(0.8)
    assert found[0].image[0, 0, 0] == 2
    assert [each.name for each in worst_mistakes(replace(split, names=None), probabilities, ("cat", "dog"), 1)] == [
        "picture 2"
    ]


def test_a_class_is_marked_as_weak_only_beyond_chance() -> None:
    labels = np.repeat(np.arange(3), 16)
    predicted = labels.copy()
    for wrong, marked in ((1, False), (8, True)):
        predicted[:wrong] = 2
        metrics = measure(np.eye(3, dtype=np.float32)[predicted], labels, ("cat", "dog", "owl"))
        page = Page(render(replace(a_report(), metrics=metrics, mistakes=(), curves=None)))
        assert ("weak" in page.classes("tr")) == marked


def test_drawing_a_report_needs_no_matplotlib() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from reports import a_report\n"
        "from imagewise.evaluation.report.report import render\n"
        "assert '<svg' in render(a_report())\n"
        "assert not {'torch', 'tensorflow', 'scipy', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
