import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from imagewise.advice import Advice, advise
from imagewise.atomic import write_atomically
from imagewise.dataset import Split
from imagewise.history import EpochRecord
from imagewise.metrics import Metrics, measure
from imagewise.report import Report, render, worst_mistakes
from imagewise.report_tables import percent

VOID = {"meta", "img", "br"}
RECIPE = """
keep = "best"
patience = 0
epochs = 3
label_smoothing = 0.0
network = { name = "perceptron" }
optimizer = { name = "adam", learning_rate = 0.001 }
augment = { rotate = 0.0, translate = 0.0 }
"""


class Page(HTMLParser):
    """Checks that tags are balanced, and keeps what a test asks about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
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


def an_epoch(epoch: int, cost: float, accuracy: float, validation: tuple[float, float] | None) -> EpochRecord:
    validation_cost, validation_accuracy = validation or (None, None)
    return EpochRecord(epoch, cost, accuracy, validation_cost, validation_accuracy, 0.001, 1.5)


HISTORY = (
    an_epoch(1, 0.9, 0.70, (0.8, 0.72)),
    an_epoch(2, 0.5, 0.80, (0.6, 0.80)),
    an_epoch(3, 0.4, 0.85, (0.59, 0.81)),
)


def scores(
    names: tuple[str, ...], count: int = 300, accuracy: float = 0.8, shape: tuple[int, int, int] = (28, 28, 1)
) -> tuple[Split, np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    """Calibrated probabilities: the guess has probability `accuracy`, and is right as often."""
    rng = np.random.default_rng(0)
    labels = np.arange(count, dtype=np.int64) % len(names)
    guesses = np.where(np.arange(count) < accuracy * count, labels, (labels + 1) % len(names))
    probabilities = np.full((count, len(names)), (1 - accuracy) / (len(names) - 1), dtype=np.float32)
    probabilities[np.arange(count), guesses] = accuracy
    order = rng.permutation(count)
    images = rng.integers(0, 256, (count, *shape), dtype=np.uint8)
    return Split(images, labels[order]), probabilities[order]


def a_report(names: tuple[str, ...] = ("0", "1", "2", "3", "4"), shape: tuple[int, int, int] = (28, 28, 1)) -> Report:
    split, probabilities = scores(names, shape=shape)
    return Report(
        title="digits · perceptron",
        facts={"Data": "digits", "Device": "cpu"},
        class_names=names,
        history=HISTORY,
        best_epoch=3,
        scored="test",
        metrics=measure(probabilities, split.labels, names),
        validation_accuracy=0.81,
        mistakes=worst_mistakes(split, probabilities, names),
        recipe=RECIPE,
        notices=("MNIST could not be had.",),
    )


def metrics_of(accuracy: float, count: int = 10_000) -> Metrics:
    split, probabilities = scores(("0", "1", "2", "3", "4"), count, accuracy)
    return measure(probabilities, split.labels, ("0", "1", "2", "3", "4"))


def test_a_page_says_all_that_a_run_has_to_tell() -> None:
    page = Page(render(a_report()))
    for words in (
        "digits · perceptron", "MNIST could not be had.", "80.0%", "of 300 test pictures recognised",
        "expect between 75.1% and 84.1%", "Calibration error", "How it learnt", "What it takes for what",
        "Class by class", "The worst 36 of 60", "What to try next", 'keep = "best"',
    ):  # fmt: skip
        assert words in page.words
    assert len(page.all("svg")) == 2
    assert render(a_report()).count("best epoch: 3") >= 2


def test_the_page_asks_the_network_for_nothing() -> None:
    text = render(a_report())
    page = Page(text)
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "iframe", "object", "base"}
        for name, value in attributes.items():
            if name in {"src", "href", "xlink:href", "srcset", "action", "data", "poster"}:
                assert str(value).startswith(("data:image/", "#"))
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", text))
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_the_page_can_be_used_without_seeing_it() -> None:
    page = Page(render(a_report()))
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert all(attributes.get("scope") for attributes in page.all("th"))
    assert all(attributes.get("alt") for attributes in page.all("img"))
    assert all(attributes.get("aria-label") for attributes in page.all("svg"))


@pytest.mark.parametrize("name", ["<b>bold</b>", '"><script>alert(1)</script>', "a & b", "😀", "$title ${x}", "שלום"])
def test_text_of_users_is_shown_and_never_run(name: str) -> None:
    plain = replace(a_report(), history=(), title="t", facts={"f": "f"})
    report = replace(a_report((name, "1", "2", "3", "4")), history=(), title=name, facts={name: name}, notices=[name])
    report = replace(
        report, recipe=f"{RECIPE}# {name}", mistakes=[replace(each, name=name) for each in report.mistakes]
    )
    page = Page(render(report))
    assert page.words.count(name) > 5 + len(report.mistakes)
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in Page(render(plain)).tags]


def test_a_file_name_that_is_no_text_can_still_be_written(tmp_path: Path) -> None:
    report = a_report()
    mistakes = [replace(report.mistakes[0], name="caf\udce9.png")]
    write_atomically(tmp_path / "report.html", render(replace(report, mistakes=mistakes)))
    assert "caf?.png" in (tmp_path / "report.html").read_text("utf-8")


def test_many_classes_are_listed_and_not_drawn_as_a_matrix() -> None:
    names = tuple(f"species {i}" for i in range(100))
    text = render(replace(a_report(names), history=()))
    page = Page(text)
    assert 'class="matrix' not in text
    assert "All 100 classes" in page.words
    assert "The weakest" in page.words
    assert 'class="matrix' in render(replace(a_report(names[:30]), history=()))


def test_a_report_of_evaluate_has_no_history_and_no_recipe() -> None:
    report = replace(a_report(), history=(), best_epoch=None, recipe=None, validation_accuracy=None, notices=())
    page = Page(render(report))
    assert not page.all("svg")
    assert "How it learnt" not in page.words
    assert "Validation" not in page.words


@pytest.mark.parametrize("best_epoch", [1, None])
def test_one_epoch_is_drawn_as_points(best_epoch: int | None) -> None:
    page = Page(render(replace(a_report(), history=HISTORY[:1], best_epoch=best_epoch)))
    assert len(page.all("svg")) == 2
    assert "still improving" not in page.words


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_broke_down_leave_gaps(value: float) -> None:
    broken = an_epoch(4, value, value, (value, value))
    for history in ((*HISTORY, broken), (broken,)):
        text = re.sub(r'src="data:[^"]*"', "", render(replace(a_report(), history=history)))
        assert not re.search(r"\b(nan|inf)\b", text, flags=re.IGNORECASE)
    assert "Training broke down" in text


def test_training_without_validation_draws_the_curve_of_train_alone() -> None:
    history = [an_epoch(i + 1, 1 / (i + 1), 0.5 + i / 10, None) for i in range(3)]
    text = render(replace(a_report(), history=history, best_epoch=None, validation_accuracy=None))
    assert "stroke: var(--train)" in text
    assert "stroke: var(--validation)" not in text


def test_a_model_without_mistakes_gets_a_page_too() -> None:
    metrics = metrics_of(1.0)
    page = Page(render(replace(a_report(), metrics=metrics, mistakes=(), history=(), validation_accuracy=1.0)))
    assert "10,000 right, 0 wrong" in page.words
    assert "Nothing stands out" in page.words


def test_scores_of_the_pictures_that_chose_the_epoch_say_so() -> None:
    assert "chose the best epoch" in render(replace(a_report(), history=(), scored="validation"))
    assert "chose the best epoch" not in render(replace(a_report(), history=()))


@pytest.mark.parametrize(
    ("shape", "size", "kind"),
    [((28, 28, 1), ("84", "84"), "png"), ((1, 60, 3), ("120", "2"), "png"), ((128, 128, 3), ("128", "128"), "jpeg"),
     ((300, 600, 3), ("132", "66"), "jpeg")],
)  # fmt: skip
def test_mistakes_are_shown_large_enough_to_see(shape: tuple[int, int, int], size: tuple[str, str], kind: str) -> None:
    picture = Page(render(replace(a_report(shape=shape), history=()))).all("img")[0]
    assert (picture["width"], picture["height"]) == size
    assert str(picture["src"]).startswith(f"data:image/{kind};")


def test_the_worst_mistakes_are_the_wrong_ones_surest_first() -> None:
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


def test_percents_have_the_digits_that_the_count_supports_and_never_round_up_to_all() -> None:
    assert percent(0.98154, 10_000) == "98.15%"
    assert percent(0.98154, 500) == "98.2%"
    assert percent(0.98154, 50) == "98%"
    assert percent(0.99999, 20_000) == "over 99.99%"
    assert percent(1.0, 20_000) == "100.00%"


def titles(history: tuple[EpochRecord, ...], best_epoch: int, recipe: str = RECIPE) -> list[Advice]:
    return advise(metrics_of(0.9), "test", 0.9, history, best_epoch, recipe)


def test_over_fitting_is_told_by_the_gap_and_answered_with_options_not_used_yet() -> None:
    history = tuple(an_epoch(i + 1, 0.5 / (i + 1), 0.9 + i / 100, (0.3 + i / 20, 0.9)) for i in range(9))
    first, second = titles(history, 1)
    assert "over-fitting" in first.title
    assert "98.0% of the training pictures, but on 90.0%" in first.reason
    assert "from 0.3 to 0.7" in first.reason
    assert first.options == "--set augment.rotate=10 --set augment.translate=0.1"
    assert second.options == "--set patience=5"
    used = RECIPE.replace("rotate = 0.0", "rotate = 5.0").replace("patience = 0", "patience = 4")
    assert [each.options for each in titles(history, 1, used)] == ["--set augment.translate=0.1"]


def test_a_run_that_still_improves_is_told_how_many_epochs_to_give() -> None:
    history = tuple(an_epoch(i + 1, 2 / (i + 2), 0.8 + i / 50, (2 / (i + 2), 0.8 + i / 50)) for i in range(6))
    (found,) = titles(history, 6)
    assert found.options == "--epochs 12"


def test_a_perceptron_that_does_not_fit_is_told_of_the_convnet() -> None:
    history = tuple(an_epoch(i + 1, 0.7, 0.7, (0.7, 0.7)) for i in range(5))
    (found,) = titles(history, 1)
    assert found.options == "--recipe convnet"
    assert titles(history, 1, RECIPE.replace("perceptron", "convnet")) == []


def test_a_last_epoch_worse_than_the_kept_best_is_told_only_where_the_last_was_kept() -> None:
    history = (an_epoch(1, 0.3, 0.92, (0.3, 0.92)), an_epoch(2, 0.3, 0.92, (0.3, 0.90)))
    (found,) = titles(history, 1, RECIPE.replace('"best"', '"last"'))
    assert found.options == "--set keep=best"
    assert titles(history, 1) == []


def test_a_cost_that_explodes_asks_for_smaller_steps() -> None:
    history = (an_epoch(1, 0.5, 0.8, (0.5, 0.8)), an_epoch(2, 2.3, 0.2, (2.3, 0.2)))
    (found,) = titles(history, 1)
    assert found.options == "--learning-rate 0.0002"


def test_a_sound_run_gets_no_advice() -> None:
    history = tuple(an_epoch(i + 1, 0.3, 0.905, (0.3, 0.9)) for i in range(5))
    assert titles(history, 5) == []


def test_few_pictures_are_told_as_uncertainty() -> None:
    (found,) = advise(metrics_of(0.9, 100), "test")
    assert "100 pictures leave the accuracy uncertain" in found.title
    assert "about 900 pictures" in found.reason


def test_test_pictures_harder_than_those_of_validation_are_told() -> None:
    (found,) = advise(metrics_of(0.9), "test", 0.95)
    assert "harder" in found.title


def test_poor_calibration_is_told_beyond_what_chance_explains() -> None:
    (found,) = advise(replace(metrics_of(0.9), calibration_error=0.08), "test")
    assert found.options == "--set label_smoothing=0.1"
    (found,) = advise(replace(metrics_of(0.9), calibration_error=0.08), "test", recipe="label_smoothing = 0.2")
    assert found.options == "--set label_smoothing=0"
    assert advise(replace(metrics_of(0.9, 1000), calibration_error=0.05), "test") == []


def test_a_weak_class_is_named_with_what_it_is_taken_for() -> None:
    labels = np.repeat(np.arange(3), 1000)
    guesses = labels.copy()
    guesses[:300] = 2
    metrics = measure(np.eye(3, dtype=np.float32)[guesses], labels, ("cat", "dog", "owl"))
    found = advise(replace(metrics, calibration_error=0.0), "test")
    assert [each.title for each in found] == ["One class is weaker than the rest"]
    assert "“cat” (70.0% found, mostly taken for “owl”)" in found[0].reason
