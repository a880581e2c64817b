"""Pictures that a program hands over: arrays as Keras and scikit-learn have them, lists, and tables in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import imagewise
from imagewise.errors import DataError, RecipeError

RNG = np.random.default_rng(1)
LABELS = np.arange(40) % 2
IMAGES = RNG.integers(0, 256, (40, 9, 8), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (40, 9, 8, 3), dtype=np.uint8)


def load(source: Any, **options: Any) -> Any:
    return imagewise.load_data(source, verbose=False, **options)


class Tensor:
    """A tensor of some framework."""

    def __init__(self, values: Any) -> None:
        self._values, self.shape = values, values.shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self._values, dtype)


class Frame:
    """A data frame, as pandas and Polars have it."""

    def __init__(self, **columns: Any) -> None:
        self._columns, self.columns = columns, list(columns)

    def __getitem__(self, key: str) -> Any:
        return self._columns[key]


@pytest.mark.parametrize(
    "images",
    [IMAGES, IMAGES[..., None], IMAGES / 255, IMAGES.astype(np.float32), IMAGES.astype(np.int64), Tensor(IMAGES)],
    ids=lambda images: type(images).__name__ + str(getattr(images, "dtype", "")),
)
@pytest.mark.parametrize("labels", [LABELS, LABELS.tolist(), Tensor(LABELS), LABELS[:, None]], ids=range(4))
def test_images_and_labels_are_a_data_set(images: Any, labels: Any) -> None:
    data = load((images, labels))
    assert data.class_names == ("0", "1")
    assert data.shape == (9, 8, 1)
    assert len(data) == 40
    assert np.array_equal(np.sort(data["all"].images, axis=0), np.sort(IMAGES[..., None], axis=0))


@pytest.mark.parametrize(
    "labels", [["cat", "dog"] * 20, np.array(["cat", "dog"] * 20), np.array(["cat", "dog"] * 20, object)]
)
def test_labels_may_be_names(labels: Any) -> None:
    data = load((COLOUR, labels))
    assert data.class_names == ("cat", "dog")
    assert data.shape == (9, 8, 3)


def test_channels_may_come_first_where_that_is_clear() -> None:
    assert load((np.moveaxis(COLOUR, 3, 1), LABELS)).fingerprint == load((COLOUR, LABELS)).fingerprint


def test_the_pairs_of_keras_are_train_and_test() -> None:
    data = load(((IMAGES, LABELS), (IMAGES[:10], LABELS[:10])))
    assert {name: len(split) for name, split in data.splits.items()}["test"] == 10
    assert np.array_equal(data["test"].images[..., 0], IMAGES[:10])
    three = load(((IMAGES, LABELS), (IMAGES[:6], LABELS[:6]), (IMAGES[:10], LABELS[:10])))
    assert {name: len(split) for name, split in three.splits.items()} == {"train": 40, "validation": 6, "test": 10}
    by_name = load({"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:10], "y_test": LABELS[:10]})
    assert by_name.fingerprint == data.fingerprint


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for number, pixels in enumerate(COLOUR):
        Image.fromarray(pixels).resize((20 + number % 5, 30)).save(tmp_path / f"{number}.png")
    return [tmp_path / f"{number}.png" for number in range(40)]


def test_lists_of_files_and_of_pictures_of_any_size_are_framed(files: list[Path]) -> None:
    names = ["cat", "dog"] * 20
    pictures = [Image.open(file) for file in files]
    for images in (files, [str(file) for file in files], np.array([str(file) for file in files], object), pictures,
                   [np.asarray(each) for each in pictures], [file.read_bytes() for file in files]):  # fmt: skip
        data = load((images, names), framing="photo:24")
        assert (data.shape, len(data), data.class_names) == ((24, 24, 3), 40, ("cat", "dog"))
    assert any("based on 40" in notice for notice in load((pictures, names)).notices)


def test_a_file_of_a_list_that_cannot_be_read_is_skipped_with_a_warning(files: list[Path]) -> None:
    files[3].write_bytes(b"no picture")
    with pytest.warns(imagewise.ImagewiseWarning, match=r"3\.png"):
        data = load((files, LABELS))
    assert [name for name, _ in data.skipped] == [str(files[3])]


def test_a_table_with_files_and_labels_is_a_data_set(files: list[Path]) -> None:
    for frame in (
        Frame(file=files, label=["cat", "dog"] * 20),
        Frame(File=[str(file) for file in files], Label=np.array(["cat", "dog"] * 20, object), note=range(40)),
        Frame(path=files, label=LABELS, split=["train"] * 20 + ["test"] * 20),
    ):
        assert len(load(frame)) == 40
    with pytest.raises(DataError, match=r"row 2 has no label"):
        load(Frame(file=files[:2], label=["cat", float("nan")]))
    with pytest.raises(DataError, match=r"column"):
        load(Frame(what=LABELS, why=LABELS))


def test_a_data_frame_of_pandas_is_a_table(files: list[Path]) -> None:
    pandas = pytest.importorskip("pandas")
    assert len(load(pandas.DataFrame({"file": files, "label": ["cat", "dog"] * 20}))) == 40


@pytest.mark.parametrize(
    "source",
    [3, 2.5, object(), (IMAGES,), [1, 2, 3, 4], (IMAGES, LABELS, IMAGES), {1, 2}, b"digits"],
    ids=lambda s: type(s).__name__,
)
def test_anything_else_is_a_type_error_that_says_what_is_accepted(source: Any) -> None:
    with pytest.raises(TypeError, match=r"\(images, labels\)"):
        load(source)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ((IMAGES, LABELS[:30]), "30 labels.*40 pictures"),
        ((IMAGES - 300.0, LABELS), "-300.*Scale"),
        (([IMAGES[0], IMAGES[1] / 170], [0, 1]), "picture 1 of the list.*Scale"),
        (([IMAGES[0]], [0, 1]), "1 picture with labels"),
        (([], []), "no pictures"),
        ({"pictures": IMAGES}, "holds pictures.*x_train"),
    ],
    ids=range(6),
)  # fmt: skip
def test_arrays_that_do_not_fit_are_refused_with_what_is_wrong(source: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        load(source)


def test_train_evaluate_and_the_rate_search_take_them_too(tmp_path: Path) -> None:
    options: dict[str, Any] = {"recipe": "perceptron", "engine": "numpy", "verbose": False}
    run = imagewise.train((IMAGES, LABELS), epochs=1, out=tmp_path / "run", **options)
    assert imagewise.evaluate(run.model, (IMAGES, LABELS), verbose=False).metrics.count > 0
    resumed = imagewise.train((IMAGES, LABELS), resume=run.folder, epochs=2, verbose=False)
    assert len(resumed.history) == 2
    with pytest.raises(DataError, match=r"pass it again to resume"):
        imagewise.train(resume=run.folder, epochs=3, verbose=False)


@pytest.mark.parametrize("framing", ["photo:20", "photo:24:grey", "ink"])
def test_a_framing_may_be_a_text(files: list[Path], framing: str) -> None:
    wanted = imagewise.Framing.parse(framing)
    assert load((files, LABELS), framing=framing).framing == wanted


@pytest.mark.parametrize("framing", ["photo", "big", "96"])
def test_a_text_that_is_no_framing_is_refused(files: list[Path], framing: str) -> None:
    with pytest.raises(RecipeError, match=r"photo:96"):
        load((files, LABELS), framing=framing)
    with pytest.raises(TypeError, match=r"photo:96"):
        load((files, LABELS), framing=96)
