"""Decoding of numbers whose file names no range, and of JPEG files above the limit of pixels."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from imagewise.data.loading import load_data
from imagewise.errors import LargePictureError, PictureError
from imagewise.framing.decoding import read_picture
from imagewise.framing.framing import Framing, frame_file


def tiff(values: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "TIFF")
    return file.getvalue()


def jpeg(size: tuple[int, int], **options: object) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("bits", [8, 9, 10, 12, 14, 15, 16])
@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_pictures_of_few_bits_in_wide_files_keep_their_levels(bits: int, kind: type) -> None:
    values: NDArray[Any] = np.linspace(0, 2**bits - 1, 4096).astype(kind).reshape(64, 64)
    levels = frame_file(tiff(values), Framing("photo", 64, 64, 1))
    assert (levels.min(), levels.max()) == (0, 255)
    assert len(np.unique(levels)) == 256


@pytest.mark.parametrize("greatest", [40, 255, 300, 4080, 40_000])
def test_a_dark_picture_stays_dark_within_its_bits(greatest: int) -> None:
    bits = max(8, greatest.bit_length())
    values = np.full((8, 8), greatest, dtype=np.uint16)
    picture = read_picture(tiff(values))
    assert np.asarray(picture).max() == int(greatest * 255 / (2**bits - 1) + 0.5)
    assert picture.info.get("bits") == (None if bits in (8, 16) else bits)


@pytest.mark.parametrize(
    ("highest", "said"),
    [((4080, 4080), "12 of them use 12 bits"), ((1000, 4080), "use 10 to 12 bits"), ((255, 65535), None)],
)
def test_the_choice_of_a_framing_says_how_many_bits_are_used(
    tmp_path: Path, highest: tuple[int, int], said: str | None
) -> None:
    rng = np.random.default_rng(0)
    for name, top in zip(("cat", "dog"), highest, strict=True):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(6):
            values = rng.integers(0, top + 1, (16, 16)).astype(np.uint16)
            values[0, 0] = top
            (tmp_path / "set" / name / f"{number}.tif").write_bytes(tiff(values))
    told = " ".join(load_data(tmp_path / "set").notices)
    assert "bits of 16" in told if said else "bits" not in told
    assert said is None or said in told


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((100, 100), (100, 100)), ((160, 90), (80, 45)), ((130, 200), (65, 100)), ((301, 99), (151, 50))],
)
def test_a_jpeg_above_the_limit_is_decoded_smaller(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert read_picture(jpeg(size), most_pixels=10_000).size == wanted


def test_a_jpeg_above_the_limit_looks_as_it_does_when_it_is_made_smaller() -> None:
    whole, smaller = read_picture(jpeg((160, 120))), read_picture(jpeg((160, 120)), most_pixels=10_000)
    difference = np.asarray(whole.resize(smaller.size)).astype(int) - np.asarray(smaller)
    assert np.abs(difference).mean() < 2


@pytest.mark.parametrize(
    "content",
    [jpeg((200, 151)), jpeg((130, 100), progressive=True), tiff(np.zeros((101, 100), dtype=np.uint8))],
    ids=["more than three times the limit", "progressive", "another format"],
)
def test_other_pictures_above_the_limit_are_refused(content: bytes) -> None:
    with pytest.raises(LargePictureError):
        read_picture(content, most_pixels=10_000)


@pytest.mark.parametrize("wrap", [lambda path: path, Path.read_bytes, str, lambda path: path.open("rb")])
def test_a_large_jpeg_is_read_without_pillows_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrap: Callable[[Path], object]
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg((160, 90)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = wrap(path)
        assert read_picture(source, most_pixels=10_000).size == (80, 45)  # type: ignore[arg-type]
    if hasattr(source, "close"):
        source.close()


@pytest.mark.parametrize("content", [b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\x00\x10JFIF", jpeg((40, 40))[:200]])
def test_a_damaged_jpeg_is_told_as_any_picture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(PictureError, match=r"a\.jpg: "):
        read_picture(tmp_path / "a.jpg")
