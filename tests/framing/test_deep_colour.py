"""Colour pictures of 16 bits a channel: those whose values need fewer bits keep their levels, as grey ones do."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from imagewise.errors import PictureError
from imagewise.framing.decoding import read_picture

Wide = NDArray[np.uint16]


def png(values: Wide, *extra: bytes) -> bytes:
    """A PNG by its specification; its lines take turns with the filters None, Sub and Up. `extra` chunks come first."""
    height, width, channels = values.shape
    lines = np.frombuffer(values.astype(">u2").tobytes(), np.uint8).reshape(height, -1)
    left = np.zeros_like(lines)
    left[:, 2 * channels :] = lines[:, : -2 * channels]
    above = np.vstack([np.zeros_like(lines[:1]), lines[:-1]])
    filtered = (lines, lines - left, lines - above)
    content = b"".join(bytes([y % 3]) + filtered[y % 3][y].tobytes() for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = [b"IHDR" + header, *extra, b"IDAT" + zlib.compress(content), b"IEND"]
    packed = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def tiff(values: Wide, order: str = "<", packed: bool = False, orientation: int = 1) -> bytes:
    """A TIFF by its specification, in one strip."""
    height, width, channels = values.shape
    content = values.astype(f"{order}u2").tobytes()
    content = zlib.compress(content) if packed else content
    entries = [
        *((256, 3, 1, width), (257, 3, 1, height), (258, 3, channels, None), (259, 3, 1, 8 if packed else 1)),
        *((262, 3, 1, 2), (273, 4, 1, None), (274, 3, 1, orientation), (277, 3, 1, channels), (278, 3, 1, height)),
        (279, 4, 1, len(content)),
        *([(338, 3, 1, 2)] if channels == 4 else []),
    ]
    depths = 8 + 2 + 12 * len(entries) + 4
    directory = struct.pack(f"{order}H", len(entries))
    for tag, kind, count, value in entries:
        place = {258: depths, 273: depths + 2 * channels}.get(tag, value)
        short = kind == 3 and tag != 258
        directory += struct.pack(
            f"{order}HHI{'HH' if short else 'I'}", tag, kind, count, place, *([0] if short else [])
        )
    depth_values = struct.pack(f"{order}{channels}H", *[16] * channels)
    start = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    return start + directory + bytes(4) + depth_values + content


def rising(bits: int, channels: int = 3) -> Wide:
    """(32, 48, channels): every channel rises from 0 to the greatest value of that many bits, each in its own order."""
    values = np.linspace(0, 2**bits - 1, 32 * 48).astype(np.uint16)
    planes = [values, values[::-1], np.roll(values, 700), np.roll(values, 300)][:channels]
    return np.stack(planes, axis=1).reshape(32, 48, channels)


def wanted(values: Wide, bits: int) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.floor(values / (2**bits - 1) * 255 + 0.5).astype(np.uint8)
    return levels


KINDS: dict[str, Callable[[Wide], bytes]] = {
    "PNG": png,
    "TIFF": tiff,
    "TIFF, big-endian": lambda values: tiff(values, ">"),
    "TIFF, packed": lambda values: tiff(values, packed=True),
}


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("bits", [8, 9, 10, 12, 14, 15])
@pytest.mark.parametrize("write", KINDS.values(), ids=KINDS)
def test_colour_of_few_bits_in_a_wide_file_keeps_its_levels(
    write: Callable[[Wide], bytes], bits: int, channels: int
) -> None:
    values = rising(bits, channels)
    picture = read_picture(write(values))
    assert np.array_equal(np.asarray(picture), wanted(values, bits))
    assert picture.info.get("bits") == (None if bits == 8 else bits)


@pytest.mark.parametrize("write", KINDS.values(), ids=KINDS)
def test_colour_of_all_16_bits_is_what_pillow_reads(write: Callable[[Wide], bytes]) -> None:
    content = write(rising(16))
    picture = read_picture(content)
    assert np.array_equal(np.asarray(picture), np.asarray(Image.open(io.BytesIO(content))))
    assert np.abs(np.asarray(picture).astype(int) - wanted(rising(16), 16)).max() <= 1
    assert "bits" not in picture.info


def test_transparency_is_scaled_by_its_own_bits() -> None:
    values = rising(12, 4)
    values[..., 3] = 65535
    assert np.asarray(read_picture(png(values)))[..., 3].min() == 255


def test_a_black_picture_is_black() -> None:
    assert not np.asarray(read_picture(png(np.zeros((5, 4, 3), dtype=np.uint16)))).any()


def test_it_is_turned_upright() -> None:
    values = rising(12)
    picture = read_picture(tiff(values, orientation=6))
    assert np.array_equal(np.asarray(picture), np.rot90(wanted(values, 12), -1))


@pytest.mark.parametrize("wrap", [str, lambda path: path, Path.read_bytes, lambda path: io.BytesIO(path.read_bytes())])
def test_it_is_read_from_whatever_holds_it(tmp_path: Path, wrap: Callable[[Path], str | Path | bytes]) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(rising(10)))
    assert np.array_equal(np.asarray(read_picture(wrap(path))), wanted(rising(10), 10))


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    path.write_bytes(png(rising(12))[:-500])
    with pytest.raises(PictureError, match=r"cut\.png"):
        read_picture(path)


def test_one_colour_named_as_transparent_is_read_as_before() -> None:
    content = png(rising(12), b"tRNS" + bytes(6))
    assert read_picture(content).mode == "RGBA"
