"""Whatever people hand over as pictures is recognised where its meaning is clear, and refused by name where not."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import imagewise
from contract import a_network, random_weights, write_model
from imagewise.data.dataset import Dataset, Split
from imagewise.errors import ModelError, PictureError
from imagewise.framing.framing import Framing
from imagewise.framing.levels import to_levels
from imagewise.model.inputs import ACCEPTED
from imagewise.model.model import Model, load_model
from imagewise.model.prediction import Prediction
from imagewise.networks.layers import Dense, Flatten

RNG = np.random.default_rng(5)
COLOUR = RNG.integers(0, 256, (40, 30, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (40, 30), dtype=np.uint8)
OWN = RNG.integers(0, 256, (12, 10), dtype=np.uint8)


def a_model(folder: Path, channels: int) -> Model:
    network = a_network(Flatten(), Dense(4), shape=(12, 10, channels))
    framing = Framing("photo", 12, 10, channels)
    return Model.open(write_model(folder / f"model{channels}.onnx", network, random_weights(network), framing=framing))


@pytest.fixture
def grey(tmp_path: Path) -> Model:
    return a_model(tmp_path, 1)


@pytest.fixture
def colour(tmp_path: Path) -> Model:
    return a_model(tmp_path, 3)


class Tensor:
    """An array of some framework: it has `__array__`, and nothing else that NumPy knows."""

    def __init__(self, values: Any) -> None:
        self._values = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self._values, dtype)


def close(one: Prediction, other: Prediction) -> bool:
    return one.label == other.label and abs(one.probability - other.probability) < 1e-5


# ---- one picture


@pytest.mark.parametrize(
    "given",
    [
        lambda: COLOUR,
        lambda: COLOUR.astype(np.int64),
        lambda: COLOUR.astype(np.float32),
        lambda: COLOUR / 255,
        lambda: (COLOUR / 255).astype(np.float32),
        lambda: COLOUR.tolist(),
        lambda: np.moveaxis(COLOUR, 2, 0),
        lambda: Tensor(COLOUR),
        lambda: Tensor(COLOUR / 255),
        lambda: Image.fromarray(COLOUR),
        lambda: np.dstack([COLOUR, np.full((40, 30), 255, np.uint8)]),
    ],
)
def test_a_colour_picture_of_any_size_and_kind_is_one_answer(colour: Model, given: Callable[[], Any]) -> None:
    answer = colour.predict(given())
    assert isinstance(answer, Prediction)
    assert close(answer, colour.predict(Image.fromarray(COLOUR)))


@pytest.mark.parametrize(
    "given",
    [
        lambda: GREY,
        lambda: GREY[..., None],
        lambda: GREY / 255,
        lambda: GREY.astype(np.uint16),
        lambda: GREY.tolist(),
        lambda: Tensor(GREY),
        lambda: np.repeat(GREY[..., None], 3, axis=2),
    ],
)
def test_a_grey_picture_is_recognised_by_models_of_grey_and_of_colour(
    grey: Model, colour: Model, given: Callable[[], Any]
) -> None:
    for model in (grey, colour):
        answer = model.predict(given())
        assert isinstance(answer, Prediction)
        assert close(answer, model.predict(Image.fromarray(GREY)))


@pytest.mark.parametrize("given", [OWN, OWN[..., None], OWN.astype(np.float64), OWN / 255, OWN.astype(np.int32)])
def test_an_array_of_the_models_own_shape_is_taken_as_it_is(grey: Model, given: Any) -> None:
    assert close(grey.predict(given), grey.predict(OWN))


def test_tensors_of_pytorch_have_their_channels_first(colour: Model, grey: Model) -> None:
    torch = pytest.importorskip("torch")
    picture = torch.from_numpy(np.moveaxis(COLOUR, 2, 0).copy())
    wanted = colour.predict(Image.fromarray(COLOUR))
    for tensor in (picture, picture / 255, (picture / 255).requires_grad_(), (picture / 255).half()):
        answer = colour.predict(tensor)
        assert isinstance(answer, Prediction)
        assert abs(answer.probability - wanted.probability) < 1e-2
    assert close(colour.predict(picture[None])[0], wanted)
    single = grey.predict(torch.from_numpy(OWN)[None])
    assert isinstance(single, Prediction)
    assert close(single, grey.predict(OWN))
    with pytest.raises(ModelError, match=r"may be 3 grey pictures, or one"):
        grey.predict(torch.zeros(3, 12, 10))


# ---- several


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "photos" / "more").mkdir(parents=True)
    paths = [tmp_path / "photos" / "a.png", tmp_path / "photos" / "b.jpg", tmp_path / "photos" / "more" / "c.png"]
    for number, path in enumerate(paths):
        Image.fromarray(np.roll(COLOUR, number * 7, axis=0)).save(path)
    return paths


def test_lists_generators_columns_splits_and_folders_give_a_list(colour: Model, files: list[Path]) -> None:
    wanted = [colour.predict(path) for path in files]

    def one_by_one() -> Iterator[Path]:
        yield from files

    column = np.array([str(path) for path in files], dtype=object)
    folder = files[0].parent
    several: list[Any] = [
        files, tuple(files), [str(path) for path in files], one_by_one(), column, column.astype(str), folder,
        str(folder), [path.read_bytes() for path in files], [io.BytesIO(path.read_bytes()) for path in files],
        [Image.open(path) for path in files], [bytearray(path.read_bytes()) for path in files],
    ]  # fmt: skip
    for given in several:
        assert colour.predict(given) == wanted, type(given)
    several[3], several[9] = one_by_one(), [io.BytesIO(path.read_bytes()) for path in files]  # they are read up
    for given in several:
        np.testing.assert_allclose(
            colour.predict_batch(given).max(axis=1), [each.probability for each in wanted], rtol=1e-5
        )


def test_predictions_of_files_name_them(colour: Model, files: list[Path]) -> None:
    assert [each.picture for each in colour.predict(files)] == [str(path) for path in files]
    assert [each.picture for each in colour.predict([files[0].read_bytes()])] == [None]
    answers: Any = colour.predict(files[0].parent)
    assert [each.picture for each in answers] == [str(path) for path in files]


def test_a_column_of_a_table_is_several(colour: Model, files: list[Path]) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"file": [str(path) for path in files], "note": ["x", "y", "z"]})
    assert colour.predict(frame["file"]) == [colour.predict(path) for path in files]
    with pytest.raises(TypeError, match=r"column.*'file', 'note'"):
        colour.predict(frame)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 65])
def test_arrays_of_several_pictures_give_as_many_answers(grey: Model, colour: Model, count: int) -> None:
    for model, shape in (
        (grey, (12, 10, 1)),
        (grey, (12, 10)),
        (grey, (50, 31)),
        (colour, (20, 30, 3)),
        (grey, (9, 9, 3)),
    ):
        images = RNG.integers(0, 256, (count, *shape), dtype=np.uint8)
        answers: Any = model.predict(images)
        assert len(answers) == count
        assert model.predict_batch(images).shape == (count, 4)
        assert all(close(answer, model.predict(image)) for answer, image in zip(answers, images, strict=True))


def test_a_batch_with_its_channels_first_is_turned(colour: Model) -> None:
    images = RNG.integers(0, 256, (6, 20, 30, 3), dtype=np.uint8)
    turned = colour.predict_batch(np.moveaxis(images, 3, 1))
    assert np.array_equal(turned, colour.predict_batch(images))


def test_a_list_of_one_is_answered_by_a_list(grey: Model) -> None:
    for given in ([OWN], OWN[None], (OWN,)):
        answers = grey.predict(given)
        assert isinstance(answers, list)
        assert len(answers) == 1


def test_a_split_and_a_sample_of_it_are_pictures(grey: Model, tiny_dataset: Dataset) -> None:
    test = tiny_dataset["test"]
    answers: Any = grey.predict(test)  # type: ignore[arg-type]
    assert len(answers) == 45
    sample: Any = test[0]
    assert grey.predict(sample) == answers[0]
    with pytest.raises(TypeError, match=r"split.*data\['train'\]"):
        grey.predict(tiny_dataset)  # type: ignore[call-overload]


# ---- one that is bad, among many


@pytest.mark.parametrize("place", [0, 1, 3])
def test_one_bad_file_does_not_lose_the_others(colour: Model, files: list[Path], place: int) -> None:
    bad = files[0].with_name("gone.png")
    given = [*files[:place], bad, *files[place:]]
    with pytest.raises(PictureError, match=r"gone\.png.*errors='keep'"):
        colour.predict(given)
    with pytest.raises(PictureError, match=r"gone\.png"):
        colour.predict_batch(given)
    answers = colour.predict(given, errors="keep")
    assert [type(each) for each in answers].index(PictureError) == place
    assert [each for each in answers if isinstance(each, Prediction)] == [colour.predict(path) for path in files]
    with pytest.warns(imagewise.ImagewiseWarning, match=r"gone\.png"):
        rows = colour.predict_batch(given, errors="keep")
    assert np.flatnonzero(np.isnan(rows).all(axis=1)).tolist() == [place]
    assert not np.isnan(np.delete(rows, place, axis=0)).any()


@pytest.mark.parametrize("bad", [None, float("nan"), object(), np.full((5, 5), -1.0), np.zeros((2, 9, 9, 3), np.uint8)])
def test_what_is_no_picture_among_pictures_is_kept_as_an_error_where_it_is(colour: Model, bad: Any) -> None:
    with pytest.raises((TypeError, ModelError)):
        colour.predict([COLOUR, bad])
    first, second = colour.predict([COLOUR, bad], errors="keep")
    assert isinstance(first, Prediction)
    assert isinstance(second, PictureError)


def test_errors_are_raised_or_kept_and_nothing_else(grey: Model) -> None:
    with pytest.raises(ValueError, match="'raise' or 'keep'"):
        grey.predict([OWN], errors="ignore")  # type: ignore[call-overload]


# ---- refused


@pytest.mark.parametrize("given", [None, 3, 2.5, True, {"image": 1}, object(), Image.Image, print], ids=range(8))
def test_what_is_no_picture_is_a_type_error_that_says_what_is(grey: Model, given: Any) -> None:
    for ask in (grey.predict, grey.predict_batch):
        with pytest.raises(TypeError, match=ACCEPTED[:40]):
            ask(given)


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/a.png", "http://example.org/a.png", "s3://bucket/a.png", "file:///tmp/a.png",
        "data:image/png;base64," + "A" * 5000, Path("https://example.org/a.png"),
    ],
    ids=lambda address: str(address)[:20],
)  # fmt: skip
def test_an_address_is_said_to_be_one(grey: Model, address: Any) -> None:
    with pytest.raises(PictureError, match=r"an address.*Download") as caught:
        grey.predict(address)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["gone.png", "", "x" * 5000, "a\0b"], ids=["gone", "empty", "long", "null"])
def test_a_name_of_no_file_is_an_error_of_the_picture(grey: Model, name: str) -> None:
    with pytest.raises(PictureError):
        grey.predict(name)


def test_a_folder_without_pictures_is_said_to_hold_none(grey: Model, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(PictureError, match="empty"):
        grey.predict(tmp_path / "empty")


# ---- levels


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 0.0, 0.0], [0, 0, 0]),
        ([0.0, 1.0000001, -1e-7], [0, 255, 0]),
        ([0.0, 128.0, 255.0], [0, 128, 255]),
        ([0.0, 1.4, 3.0], [0, 1, 3]),
        ([False, True, True], [0, 255, 255]),
        ([0, 1, 255], [0, 1, 255]),
        ([0, 2048, 4095], [0, 128, 255]),
        ([0, 32768, 65535], [0, 128, 255]),
        ([0, 512, 1023], [0, 128, 255]),
    ],
    ids=str,
)
def test_levels_come_from_the_range_that_the_numbers_are_in(values: list[Any], wanted: list[int]) -> None:
    levels = to_levels(np.array(values))
    assert levels.dtype == np.uint8
    assert levels.tolist() == wanted


@pytest.mark.parametrize(
    ("values", "word"),
    [([-1.0, 1.0], "normalised"), ([-2.1, 2.6], "normalised"), ([0.0, 1.5], "Scale"), ([0.0, 256.0], "Scale"),
     ([np.nan, 0.5], "Scale"), ([-1, 5], "normalised")],
)  # fmt: skip
def test_numbers_of_no_clear_range_are_refused(values: list[Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        to_levels(np.array(values))


# ---- in one line


def test_one_line_recognises_one_picture_or_several(grey: Model, files: list[Path]) -> None:
    assert isinstance(imagewise.predict(files[0]).label, str)
    assert imagewise.predict(files[0], grey) == grey.predict(files[0])
    assert imagewise.predict(files, model=grey.name) == grey.predict(files)
    assert len(imagewise.predict([*files, Path("gone.png")], grey, errors="keep")) == 4
    assert imagewise.predict(files[0], grey, top=1).top == grey.predict(files[0], top=1).top


def test_a_device_is_chosen_by_name_and_refused_with_what_to_install(grey: Model) -> None:
    assert load_model(grey.name).device == load_model(grey.name, device="cpu").device == "cpu"
    with pytest.raises(imagewise.ImagewiseError, match="onnxruntime-gpu"):
        load_model(grey.name, device="cuda")
    with pytest.raises(imagewise.ImagewiseError, match="auto, cpu, cuda"):
        load_model(grey.name, device="gpu")  # type: ignore[arg-type]


def test_a_gpu_is_taken_by_auto_where_onnxruntime_has_it() -> None:
    from imagewise.model.session import providers_of

    both = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    assert providers_of("cpu", both) == ["CPUExecutionProvider"]
    assert [provider[0] for provider in providers_of("cuda", both)[:1]] == ["CUDAExecutionProvider"]
    assert providers_of("auto", both) == providers_of("cuda", both)
    assert providers_of("auto", both[2:]) == ["CPUExecutionProvider"]


def test_part_of_a_split_keeps_names_and_labels() -> None:
    split = Split(np.zeros((4, 2, 2, 1), np.uint8), np.array([0, 1, 2, 3]), ["a", "b", "c", "d"])
    assert [label for _, label in split] == [0, 1, 2, 3]
    part = split[1:3]
    assert (part.names, part.labels.tolist(), part.images.shape) == (["b", "c"], [1, 2], (2, 2, 2, 1))
    assert (split[-1].label, split[np.int64(2)].label) == (3, 2)
    for index in (4, -5):
        with pytest.raises(IndexError, match="4"):
            split[index]
    with pytest.raises(TypeError, match="number or a slice"):
        split["a"]  # type: ignore[call-overload]
