"""Framing: any picture in, one shape out, and MNIST's own pictures come out as they went in."""

from __future__ import annotations

import gzip
import io
import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from imagewise.errors import ModelError, PictureError, RecipeError
from imagewise.framing import ink
from imagewise.framing.decoding import MAX_PIXELS, read_picture
from imagewise.framing.framing import Framing, crop_box, describe_size, frame, frame_file, frame_many, written_framing

INK = Framing("ink", 28, 28, 1)
PHOTO = Framing("photo", 32, 48, 3)
LETTERBOX = Framing("letterbox", 32, 48, 3)
SQUASH = Framing("squash", 32, 48, 3)
FRAMINGS = [
    INK,
    PHOTO,
    LETTERBOX,
    SQUASH,
    Framing("letterbox", 28, 9, 1),
    Framing("squash", 9, 28, 1),
    Framing("photo", 28, 28, 1),
    Framing("ink", 20, 31, 3),
    Framing("ink", 1, 1, 1),
]
MODES = ["L", "RGB", "RGBA", "LA", "P", "I;16", "I", "F", "1", "CMYK", "YCbCr"]


def png(picture: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", **options)
    return file.getvalue()


def stroke(ground: int = 0, ink: int = 255, size: int = 100) -> Image.Image:
    """A thick 7, well inside its ground."""
    picture = Image.new("L", (size, size), ground)
    points = [(size * 0.3, size * 0.25), (size * 0.7, size * 0.25), (size * 0.4, size * 0.75)]
    ImageDraw.Draw(picture).line(points, fill=ink, width=size // 12)
    return picture


def picture_of(mode: str, values: NDArray[np.uint8]) -> Image.Image:
    rgb = Image.fromarray(np.repeat(values[:, :, None], 3, axis=2))
    if mode == "I;16":
        return Image.fromarray(values.astype(np.uint16) * 257)
    if mode == "I":
        return Image.fromarray(values.astype(np.int32) * 9 - 100)
    if mode == "F":
        return Image.fromarray(values.astype(np.float32) / 255)
    return rgb.convert(mode)


@settings(max_examples=150, deadline=None)
@given(
    values=arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))),
    mode=st.sampled_from(MODES),
    framing=st.sampled_from(FRAMINGS),
)
def test_any_picture_of_any_mode_and_size_is_framed_to_the_shape(
    values: NDArray[np.uint8], mode: str, framing: Framing
) -> None:
    framed = frame_file(picture_of(mode, values), framing)
    assert framed.shape == framing.shape
    assert framed.dtype == np.uint8


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 700), (513, 257)])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_extreme_sizes_are_framed(size: tuple[int, int], framing: Framing) -> None:
    assert frame(Image.new("RGB", size, "red"), framing).shape == framing.shape


USUAL_SHAPES = [(28, 28), (32, 32), (64, 64), (80, 80), (96, 96), (128, 128), (224, 224), (32, 48), (96, 64), (9, 7)]


@pytest.mark.parametrize("shape", USUAL_SHAPES)
@given(size=st.tuples(st.integers(1, 2000), st.integers(1, 2000)))
@example(size=(308, 400))
@example(size=(400, 308))
@example(size=(61, 61))
def test_a_photo_of_any_size_is_framed(shape: tuple[int, int], size: tuple[int, int]) -> None:
    framing = Framing("photo", *shape, 1)
    framed = frame(Image.new("L", size, 200), framing)
    assert framed.shape == framing.shape
    assert (framed == 200).all()


@pytest.mark.parametrize("shape", USUAL_SHAPES)
def test_the_part_of_a_photo_that_is_kept_never_reaches_beyond_it(shape: tuple[int, int]) -> None:
    framing = Framing("photo", *shape, 3)
    for side in range(1, 2001):
        for width, height in [(side, side), (side, side + 91), (side + 91, side), (side, 2001 - side), (side, 1)]:
            left, top, right, bottom = crop_box(width, height, framing)
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height


@pytest.fixture(scope="module")
def mnist_test_pictures() -> NDArray[np.uint8]:
    folder = os.environ.get("IMAGEWISE_DATA")
    if not folder:
        pytest.skip("IMAGEWISE_DATA is not set")
    path = Path(folder, "mnist", "t10k-images-idx3-ubyte.gz")
    if not path.exists():
        pytest.skip(f"there is no {path}")
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16).reshape(-1, 28, 28)


@pytest.mark.real_data
def test_mnist_pictures_as_png_come_out_as_they_went_in(mnist_test_pictures: NDArray[np.uint8]) -> None:
    sample = mnist_test_pictures[::5]
    unchanged = sum(np.array_equal(frame_file(png(Image.fromarray(p)), INK)[..., 0], p) for p in sample)
    assert unchanged >= 0.999 * len(sample)


@pytest.mark.real_data
def test_inverted_mnist_pictures_frame_the_same(mnist_test_pictures: NDArray[np.uint8]) -> None:
    for pixels in mnist_test_pictures[::100]:
        inverted = frame(Image.fromarray(255 - pixels), INK)
        assert np.abs(inverted.astype(int) - frame(Image.fromarray(pixels), INK)).mean() < 1


@pytest.mark.real_data
def test_a_large_scan_of_a_digit_frames_nearly_as_the_digit(mnist_test_pictures: NDArray[np.uint8]) -> None:
    """Enlarged tenfold, black on white, off centre: the ink still lands where MNIST's makers put it."""
    differences = []
    for pixels in mnist_test_pictures[::200]:
        paper = Image.new("L", (420, 380), 255)
        paper.paste(Image.fromarray(255 - pixels).resize((280, 280), Image.Resampling.BICUBIC), (120, 20))
        differences.append(np.abs(frame(paper, INK)[..., 0].astype(int) - pixels).mean())
    assert np.mean(differences) < 12


def test_ink_is_found_whatever_its_polarity() -> None:
    white_on_black, black_on_white = frame(stroke(0, 255), INK), frame(stroke(255, 0), INK)
    assert np.abs(white_on_black.astype(int) - black_on_white).mean() < 1
    assert white_on_black.max() > 200


def test_ink_lands_in_the_middle_wherever_it_was_drawn() -> None:
    paper = Image.new("L", (250, 250), 255)
    paper.paste(stroke(255, 0, 100), (140, 10))
    moved = frame(paper, INK)[..., 0].astype(int)
    assert np.abs(moved - frame(stroke(255, 0, 100), INK)[..., 0]).mean() < 3
    rows, columns = np.indices(moved.shape)
    centre = ((moved * rows).sum() / moved.sum(), (moved * columns).sum() / moved.sum())
    assert centre == pytest.approx((14, 14), abs=1)


def test_pale_ink_on_grey_paper_is_brought_to_full_strength() -> None:
    assert frame(stroke(120, 80), INK).max() > 200


def test_a_picture_without_ink_is_an_empty_square() -> None:
    for level in (0, 127, 255):
        assert not frame(Image.new("L", (50, 50), level), INK).any()


def test_a_photo_keeps_its_aspect_and_loses_its_sides() -> None:
    picture = Image.new("RGB", (300, 100), "white")
    picture.paste("black", (0, 0, 100, 100))
    framed = frame(picture, Framing("photo", 10, 10, 3))
    assert (framed[:, 1:] == 255).all()  # the filter looks a little beyond the crop


@pytest.mark.parametrize("framing", [PHOTO, LETTERBOX, SQUASH])
def test_a_photo_of_the_right_size_is_not_resampled(framing: Framing) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    assert np.array_equal(frame_file(png(Image.fromarray(pixels)), framing), pixels)


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [
        ((300, 100), slice(3, 6), slice(0, 10)),  # width, height: bars above and below
        ((100, 300), slice(0, 10), slice(3, 6)),
        ((1000, 1), slice(4, 5), slice(0, 10)),
        ((5, 5), slice(0, 10), slice(0, 10)),  # enlarged
    ],
)
def test_all_of_a_letterboxed_picture_is_between_grey_bars(size: tuple[int, int], rows: slice, columns: slice) -> None:
    framed = frame(Image.new("RGB", size, (250, 0, 0)), Framing("letterbox", 10, 10, 3))
    inside = np.zeros((10, 10), dtype=bool)
    inside[rows, columns] = True
    assert (framed[inside] == (250, 0, 0)).all()
    assert (framed[~inside] == 128).all()


@settings(max_examples=200, deadline=None)
@given(st.tuples(*[st.integers(1, 2000)] * 2), st.tuples(*[st.integers(1, 64)] * 2))
def test_a_letterboxed_picture_of_any_size_is_framed(size: tuple[int, int], shape: tuple[int, int]) -> None:
    framed = frame(Image.new("L", size, 255), Framing("letterbox", *shape, 1))
    assert framed.shape == (*shape, 1)
    rows, columns = np.flatnonzero((framed == 255).any(axis=(1, 2))), np.flatnonzero((framed == 255).any(axis=(0, 2)))
    assert len(rows) == shape[0] or len(columns) == shape[1]


def test_a_squashed_picture_is_all_there_and_takes_the_shape_of_the_framing() -> None:
    picture = np.zeros((10, 300, 3), dtype=np.uint8)
    picture[:, :100, 0], picture[:, 100:200, 1], picture[:, 200:, 2] = 250, 250, 250
    framed = frame(Image.fromarray(picture), Framing("squash", 30, 30, 3))
    assert (framed[:, :8] == (250, 0, 0)).all()
    assert (framed[:, 12:18] == (0, 250, 0)).all()
    assert (framed[:, 22:] == (0, 0, 250)).all()


@pytest.mark.parametrize("size", [(300, 100), (100, 300), (5, 5), (1, 1000)])
def test_squash_is_pillows_resize(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    wanted = Image.fromarray(pixels).resize((48, 32), Image.Resampling.BICUBIC)
    assert np.array_equal(frame(Image.fromarray(pixels), SQUASH), np.asarray(wanted))


def test_colour_turns_grey_and_grey_turns_colour_as_the_framing_says() -> None:
    grey = frame(Image.new("RGB", (28, 28), (255, 0, 0)), Framing("photo", 28, 28, 1))
    assert (grey == 76).all()
    colour = frame(Image.new("L", (28, 28), 9), Framing("photo", 28, 28, 3))
    assert (colour == 9).all()


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_camera_turned_on_its_side_is_turned_back(orientation: int) -> None:
    upright = Image.new("RGB", (60, 40), "white")
    upright.paste("red", (0, 0, 30, 20))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = png(upright.transpose(undo[orientation]), exif=exif)
    assert np.array_equal(np.asarray(read_picture(stored)), np.asarray(upright))


def test_sixteen_bits_keep_their_range() -> None:
    values = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    assert np.asarray(read_picture(png(Image.fromarray(values)))).tolist() == [[0, 1, 128, 255]]


@pytest.mark.parametrize(("values", "wanted"), [([0, 0.5, 1], [0, 128, 255]), ([0, 100, 255], [0, 100, 255])])
def test_float_pictures_are_taken_for_the_range_they_look_like(values: list[float], wanted: list[int]) -> None:
    assert np.asarray(read_picture(Image.fromarray(np.array([values], np.float32)))).tolist() == [wanted]


def test_float_pictures_with_holes_do_not_break() -> None:
    values = np.array([[np.nan, np.inf, -np.inf, 1]], np.float32)
    assert read_picture(Image.fromarray(values)).mode == "L"


def test_a_drawing_on_a_see_through_ground_is_found() -> None:
    """What a browser's canvas sends: black strokes with alpha, or white ones."""
    for level in (0, 255):
        drawing = Image.merge("LA", (Image.new("L", (100, 100), level), stroke(0, 255)))
        assert np.abs(frame(drawing, INK).astype(int) - frame(stroke(0, 255), INK)).mean() < 2


def test_see_through_parts_of_a_photo_are_white() -> None:
    assert (frame(Image.new("RGBA", (40, 40), (10, 20, 30, 0)), PHOTO) == 255).all()


def test_a_palette_with_transparency_is_read() -> None:
    palette = Image.new("P", (30, 30), 0)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    assert (frame_file(png(palette, transparency=0), PHOTO) == 255).all()


def test_a_picture_bomb_is_refused_before_it_is_unpacked() -> None:
    side = int(MAX_PIXELS**0.5) + 1
    with pytest.raises(PictureError, match="million pixels"):
        read_picture(png(Image.new("1", (side, side))))


def test_a_picture_beyond_pillows_own_alarm_is_refused() -> None:
    header = bytearray(png(Image.new("1", (8, 8))))
    header[16:24] = (60_000).to_bytes(4, "big") * 2
    with pytest.raises(PictureError):
        read_picture(bytes(header))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"nothing\.png: no such file"):
        read_picture(tmp_path / "nothing.png")


def test_what_is_no_picture_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "note.png").write_text("not a picture")
    with pytest.raises(PictureError, match=r"note\.png: not a picture.*Save it as PNG or JPEG"):
        read_picture(tmp_path / "note.png")
    for nothing in (b"", tmp_path):
        with pytest.raises(PictureError):
            read_picture(nothing)


def encoded(format_name: str) -> bytes:
    file = io.BytesIO()
    stroke(size=40).convert("L" if format_name == "PPM" else "RGB").save(file, format_name)
    return file.getvalue()


def test_formats_that_are_rarely_pictures_are_not_even_tried() -> None:
    """EPS is a program, which Pillow would hand to Ghostscript."""
    with pytest.raises(PictureError, match="Save it as PNG or JPEG"):
        read_picture(encoded("EPS"))


FORMATS = {name: encoded(name) for name in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")}


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(sorted(FORMATS)), data=st.data())
def test_damaged_bytes_give_a_picture_or_a_picture_error(name: str, data: st.DataObject) -> None:
    content = bytearray(FORMATS[name])
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on what it could still make of it
        try:
            picture = read_picture(bytes(content[:end]))
        except PictureError:
            return
        assert frame(picture, INK).shape == INK.shape


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
@example(b"\x89PNG\r\n\x1a\n")
def test_random_bytes_give_a_picture_error(content: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(PictureError):
            read_picture(content)


@pytest.mark.parametrize(
    "framing",
    [
        ("ink", 0, 28, 1),
        ("photo", 28, 28, 2),
        ("paint", 28, 28, 1),
        ("photo", 28.0, 28, 1),
        ("photo", "28", 28, 1),
        ("photo", 100_000, 100_000, 1),
        ("photo", True, 28, 1),
        ("photo", 28, 28, 1, None),
    ],
)
def test_a_framing_that_cannot_be_is_refused(framing: tuple[Any, ...]) -> None:
    with pytest.raises(ModelError, match="rain again"):
        Framing(*framing)


def test_a_framing_survives_json_with_its_version() -> None:
    assert json.loads(json.dumps(PHOTO.as_dict())) == {
        "kind": "photo",
        "height": 32,
        "width": 48,
        "channels": 3,
        "version": 2,
    }
    assert Framing(**PHOTO.as_dict()) == PHOTO


def test_a_framing_from_before_it_had_a_version_is_of_version_2() -> None:
    written: dict[str, Any] = {"kind": "photo", "height": 32, "width": 48, "channels": 3}
    assert Framing(**written_framing(written)) == PHOTO
    assert PHOTO.version == 2
    with pytest.raises(ModelError, match="version 2 of ink"):
        Framing(**written_framing(written | {"kind": "ink"}))


def test_letterbox_may_have_its_earlier_name_in_files_and_recipes() -> None:
    assert Framing(**written_framing(LETTERBOX.as_dict() | {"kind": "whole"})) == LETTERBOX
    assert Framing.parse("whole:32x48") == LETTERBOX
    with pytest.raises(ModelError, match="photo, letterbox, squash"):
        Framing(**written_framing(LETTERBOX.as_dict() | {"kind": ["whole"]}))


@pytest.mark.parametrize("version", [3, 2000])
def test_a_framing_of_a_newer_version_is_refused_with_how_to_go_on(version: int) -> None:
    with pytest.raises(ModelError, match=rf"version {version} .*Upgrade imagewise, or train again"):
        Framing(**(PHOTO.as_dict() | {"version": version}))


@pytest.mark.parametrize("framing", [PHOTO, INK])
def test_a_framing_of_an_older_version_is_refused_with_how_to_train_again(framing: Framing) -> None:
    older = framing.version - 1
    with pytest.raises(ModelError, match=rf"version {older} of {framing.kind} .*`imagewise train DATA`"):
        Framing(**(framing.as_dict() | {"version": older}))


@st.composite
def small_pictures(draw: st.DrawFn) -> list[Image.Image]:
    """Pictures of which some are framed already: nearly framed ones are what could be told wrongly."""
    made = []
    for _ in range(draw(st.integers(1, 5))):
        values = draw(arrays(np.uint8, (28, 28), elements=st.integers(0, 255), fill=st.just(0)))
        if draw(st.booleans()):
            values = frame(Image.fromarray(values), INK)[..., 0].copy()
        if draw(st.booleans()):
            values = np.roll(values, draw(st.integers(-4, 4)), axis=draw(st.integers(0, 1)))
        if draw(st.booleans()):
            values[draw(st.integers(0, 27)), draw(st.integers(0, 27))] ^= draw(st.integers(0, 255))
        if draw(st.booleans()):
            values = 255 - values
        made.append(Image.fromarray(values).convert(draw(st.sampled_from(["L", "L", "L", "RGB"]))))
    return made


@given(pictures=small_pictures(), framing=st.sampled_from(FRAMINGS))
def test_many_pictures_at_once_are_framed_as_one_by_one(pictures: list[Image.Image], framing: Framing) -> None:
    for together, alone in zip(frame_many(pictures, framing), [frame(p, framing) for p in pictures], strict=True):
        assert together.dtype == alone.dtype
        assert np.array_equal(together, alone)


@given(pictures=small_pictures())
def test_what_is_called_framed_is_what_placing_leaves_alone(pictures: list[Image.Image]) -> None:
    maps = np.stack([np.asarray(picture.convert("L")) for picture in pictures])
    for levels, framed in zip(maps, ink.is_framed(maps), strict=True):
        assert framed == (bool(levels.any()) and np.array_equal(ink.place(levels, 28, 28), levels))


@pytest.mark.real_data
def test_mnist_pictures_at_once_are_framed_as_one_by_one(mnist_test_pictures: NDArray[np.uint8]) -> None:
    pictures = [Image.fromarray(pixels) for pixels in mnist_test_pictures[::40]]
    alone = [frame(picture, INK) for picture in pictures]
    assert np.array_equal(np.stack(frame_many(pictures, INK)), np.stack(alone))
    assert ink.is_framed(mnist_test_pictures).mean() > 0.99


def test_people_read_sizes_as_width_by_height() -> None:
    assert describe_size((10, 20, 3)) == "20x10 colour"
    assert describe_size((28, 28, 1)) == "28x28 grey"
    assert describe_size(Framing("photo", 128, 96, 1).shape) == "96x128 grey"
    assert describe_size((128, 96)) == "96x128"


@pytest.mark.parametrize(
    ("text", "framing"),
    [
        ("photo:96", Framing("photo", 96, 96, 3)),
        ("photo:96:grey", Framing("photo", 96, 96, 1)),
        ("photo:128x96", Framing("photo", 128, 96, 3)),
        ("ink", Framing("ink", 28, 28, 1)),
        ("letterbox:96", Framing("letterbox", 96, 96, 3)),
        ("squash:96x64:grey", Framing("squash", 96, 64, 1)),
        (" INK:32:colour ", Framing("ink", 32, 32, 3)),
    ],
)
def test_a_framing_can_be_written_in_a_word(text: str, framing: Framing) -> None:
    assert Framing.parse(text) == framing


@pytest.mark.parametrize(
    "text", ["", "photo", "photo:0", "photo:12345", "ink:28x", "oil:28", "squash", "photo:96:red", "photo:-3"]
)
def test_another_word_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(RecipeError, match="write KIND:SIZE, as in photo:96"):
        Framing.parse(text)
