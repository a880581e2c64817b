"""The pictures that the built-in digit model is trained on and scored on: repeatable, balanced, and kept apart."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from benchmarks.digits_scores import by_name, score, strangers, sureness
from benchmarks.digits_training_set import INK, drawn, no_digits, printed, together, with_ink, written
from benchmarks.handwriting.drawing import JUDGING, TRAINING, VALIDATION, draw, generate
from benchmarks.handwriting.printed import fonts, generate_printed
from PIL import Image

import imagewise
from benchmarks import digits_training_set
from imagewise.data.dataset import Split
from imagewise.framing.framing import frame


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits_training_set, "PART", 20)


def same(one: Split, other: Split) -> bool:
    return np.array_equal(one.images, other.images) and np.array_equal(one.labels, other.labels)


def test_a_generated_picture_is_framed_as_a_user_s_picture_and_keeps_its_label_and_way() -> None:
    split = written(40, TRAINING)
    wanted = [draw(index, TRAINING) for index in range(40)]
    pairs = [(one, framed) for one in wanted if (framed := frame(one.picture, INK)).any()]
    assert np.array_equal(split.images, np.stack([framed for _, framed in pairs]))
    assert split.labels.tolist() == [one.label for one, _ in pairs]
    assert split.names == [one.way for one, _ in pairs]


def test_the_set_is_the_same_by_one_process_and_by_two_and_in_parts_of_any_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = no_digits(60, TRAINING), written(60, TRAINING), printed(40, "train", TRAINING)
    monkeypatch.setattr(digits_training_set, "PART", 30)
    monkeypatch.setattr(digits_training_set, "usable_cpus", lambda: 1)
    again = no_digits(60, TRAINING), written(60, TRAINING), printed(40, "train", TRAINING)
    assert all(map(same, first, again))


def test_each_digit_is_drawn_equally_often() -> None:
    for make, count in (
        (partial(generate, seed=TRAINING), 100),
        (partial(generate_printed, seed=TRAINING, split="train"), 40),
    ):
        assert set(Counter(drawn(make, count).labels.tolist()).values()) == {count // 10}


def test_pictures_of_no_digit_have_every_label_equally_often_whatever_they_show() -> None:
    split = no_digits(180, TRAINING)
    counts = Counter(split.labels.tolist())
    assert set(counts) == set(range(10))
    assert max(counts.values()) - min(counts.values()) <= 1
    empty = ~split.images.any(axis=(1, 2, 3))
    assert 0 < empty.sum() <= 0.1 * (~empty).sum()


def test_a_digit_without_ink_is_left_out() -> None:
    images = np.zeros((3, 28, 28, 1), dtype=np.uint8)
    images[1, 4:24, 13] = 255
    assert with_ink(Split(images, np.array([0, 1, 2]), list("abc"))).names == ["b"]


def test_training_validation_and_judging_share_no_seed_and_no_group_of_fonts() -> None:
    assert len({TRAINING, VALIDATION, JUDGING}) == 3
    groups = [set(fonts(split)) for split in ("train", "validation", "test")]
    assert sum(map(len, groups)) == len(set.union(*groups))
    train, held_out = written(60, TRAINING), written(60, VALIDATION)
    assert not {image.tobytes() for image in train.images} & {image.tobytes() for image in held_out.images}


def test_the_data_set_has_the_licence_of_mnist_and_names_no_picture_of_it() -> None:
    digits = imagewise.load_data("mnist-sample")
    part = written(20, TRAINING)
    made = together([digits["train"], part], [digits["validation"], part], digits)
    assert made.licence == digits.licence
    assert len(made["train"]) == len(digits["train"]) + len(part)
    assert made["train"].names is None
    assert made.framing.version == INK.version


def test_strangers_are_split_by_person_and_by_form(tmp_path: Path) -> None:
    folder = tmp_path / "strangers"
    folder.mkdir()
    files = ["set1_3_0003.png", "set5_3_0013.png", "forms_3_0224.jpeg", "forms_3_0226.jpeg"]
    for file in files:
        Image.new("L", (30, 40), 255).save(folder / file)
    (folder / "labels.csv").write_text("file,label,kind\n" + "".join(f"{file},3,x\n" for file in files), "utf-8")
    found = [strangers(tmp_path, choose, forms).names for forms in (False, True) for choose in (True, False)]
    assert found == [[file] for file in files]


def test_scores_name_the_worst_way_first() -> None:
    model = imagewise.load_model()
    split = written(40, VALIDATION)
    worst = by_name(score(model, "some", split))
    assert [row[1] for row in worst] == sorted(row[1] for row in worst)
    assert sum(row[2] for row in worst) == len(split)
    right = (model.predict_batch(split.images).argmax(axis=1) == split.labels).mean()
    assert sum(row[1] * row[2] for row in worst) / len(split) == pytest.approx(right)


def test_sureness_is_by_kind_and_of_the_most_probable_digit() -> None:
    images = np.zeros((3, 28, 28, 1), dtype=np.uint8)
    found = {
        row.kind: row
        for row in sureness(imagewise.load_model(), Split(images, np.full(3, -1), ["junk a", "junk b x", "junk b"]))
    }
    assert (found["a"].count, found["b"].count) == (1, 2)
    assert found["a"].largest == found["b"].largest
    assert found["a"].sure in (0.0, 1.0)
