"""Safetensors files: as the safetensors package reads them, and every kind of damage is named."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import random
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load, save

from imagewise.backbones.formats.safetensors_file import MOST_HEADER, read_safetensors
from imagewise.backbones.formats.stored import UnreadableError

RNG = np.random.default_rng(0)
ARRAYS: dict[str, NDArray[Any]] = {
    "features.0.weight": RNG.normal(size=(8, 3, 3, 3)).astype(np.float32),
    "features.0.bias": RNG.normal(size=8).astype(np.float32),
    "counted": np.array(7),
    "mask": np.array([[True, False]]),
}
CONTENT = save(ARRAYS)


def read(content: bytes) -> dict[str, NDArray[Any]]:
    return read_safetensors(io.BytesIO(content))


def written(header: Mapping[str, Any] | bytes, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(begin: int, end: int, *, shape: object = (2,), dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_a_file_is_read_as_the_package_reads_it() -> None:
    expected, tensors = load(CONTENT), read(CONTENT)
    assert tensors.keys() == expected.keys()
    for name, array in expected.items():
        assert tensors[name].shape == array.shape
        np.testing.assert_array_equal(tensors[name], array)
    assert tensors["features.0.weight"].dtype == np.float32


@pytest.mark.parametrize("kind", ["float16", "float64"])
def test_half_and_double_become_float32(kind: str) -> None:
    array = np.linspace(-4, 4, 999).astype(kind)
    tensors = read(save({"a": array}))
    assert tensors["a"].dtype == np.float32
    np.testing.assert_array_equal(tensors["a"], array.astype(np.float32))


def test_bfloat16_becomes_float32_as_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save as save_torch

    tensor = torch.linspace(-1e30, 1e30, 999).to(torch.bfloat16)
    np.testing.assert_array_equal(read(save_torch({"a": tensor}))["a"], tensor.float().numpy())


def test_a_length_that_looks_like_a_web_page_is_no_web_page() -> None:
    for first in (0x3C, 0x7B, 0x80, 0x20):
        header = json.dumps({"a": tensor(0, 8)}).encode()
        padded = header + b" " * ((first - len(header)) % 256)
        content = written(padded, bytes(8))
        assert content[0] == first
        assert read(content)["a"].shape == (2,)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
        (b"\xef\xbb\xbf\n  <html>", "a web page"),
        (b'{"error":"Entry not found"}', "a message of a server"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n", "a pointer of Git LFS"),
        (pickle.dumps({"a": 1}), "a pickle, which could run code"),
        (b"PK\x03\x04" + bytes(50), "a zip archive, as PyTorch writes"),
        (gzip.compress(b"content", mtime=0), "a gzip file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "an HDF5 file"),
        (bytes(100), "not a safetensors file"),
        (b"abc", "not a safetensors file"),
        (struct.pack("<Q", MOST_HEADER + 1) + b"{" + bytes(100), "not a safetensors file"),
        (struct.pack("<Q", 2**63) + b"{}" + bytes(100), "not a safetensors file"),
        (CONTENT[:60], "it is cut: 60 bytes, and its header alone has"),
        (CONTENT[:-1], f"it is cut: {len(CONTENT) - 1:,} bytes of {len(CONTENT):,}"),
        (CONTENT + b"more", "its header accounts for"),
        (written(b"{" + b"[" * 100_000), "its header is damaged"),
        (written(b'{"a": nothing}'), "its header is damaged"),
        (written(b'{"\xff": 1}'), "its header is damaged"),
        (written({"a": 5}), "its header is damaged"),
        (written({"a": {"dtype": "F32"}}), "its header is damaged"),
        (written({"a": tensor(0, 8, dtype="F8_E4M3")}, bytes(8)), "numbers of type 'F8_E4M3'"),
        (written({"a": tensor(0, 4)}, bytes(4)), "another size than its shape"),
        (written({"a": tensor(0, 8, shape=[2.0])}, bytes(8)), "impossible shape"),
        (written({"a": tensor(0, 8, shape=[-2])}, bytes(8)), "impossible shape"),
        (written({"a": tensor(0, 0, shape=[0, 3])}), "impossible shape"),
        (written({"a": tensor(0, 4, shape=[1] * 70)}, bytes(4)), "impossible shape"),
        (written({"a": tensor(0, 2**42, shape=[2**30, 2**10])}), "too large"),
        (written({"a": tensor(8, 16)}, bytes(16)), "overlap, or leave room"),
        (written({"a": tensor(-8, 0)}), "overlap, or leave room"),
        (written({"a": tensor(0, 8), "b": tensor(4, 12)}, bytes(12)), "overlap, or leave room"),
        (written({"a": tensor(0, 8), "b": tensor(12, 20)}, bytes(20)), "overlap, or leave room"),
    ],
)
def test_the_message_says_what_is_wrong(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        read(content)
    assert reason in str(refused.value)


def test_a_name_of_strangers_is_printed_in_brief_and_without_control_characters() -> None:
    with pytest.raises(UnreadableError) as refused:
        read(written({"\x1b[2J" + "a" * 10_000: tensor(0, 4)}, bytes(4)))
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_a_damaged_file_is_refused_or_read_but_never_fails_otherwise() -> None:
    chance = random.Random(0)
    refused = 0
    for _ in range(2000):
        damaged = bytearray(CONTENT[: chance.choice((len(CONTENT), chance.randrange(len(CONTENT))))])
        for _ in range(chance.choice((1, 2, 8))):
            if damaged:
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            read(bytes(damaged))
        except UnreadableError:
            refused += 1
    assert refused > 500
