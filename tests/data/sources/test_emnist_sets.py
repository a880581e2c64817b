"""EMNIST's sets by their names: out of NIST's zip, which holds all of them, or out of its files."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from imagewise.data import named_sets as named
from imagewise.data.catalog import SetFile, named_sets
from imagewise.data.loading import load_data
from imagewise.errors import DataError, DownloadError

CODES = {
    "emnist-letters": {n: f"{64 + n} {96 + n}" for n in range(1, 27)},
    "emnist-balanced": {n: str(ord(c)) for n, c in enumerate(named_sets()["emnist-balanced"].class_names)},
}
NAMES = list(CODES)


def idx(array: NDArray[np.uint8]) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def contents() -> dict[str, bytes]:
    """The files of both sets, three pictures a class, each with a white left edge once it is upright."""
    files = {}
    for name, codes in CODES.items():
        labels = np.array(list(codes) * 3, dtype=np.uint8)
        images = np.random.default_rng(len(codes)).integers(0, 200, (len(labels), 28, 28), dtype=np.uint8)
        images[:, 0, :] = 255  # stored with rows and columns exchanged
        for part in ("train", "test"):
            files[f"{name}-{part}-images-idx3-ubyte.gz"] = gzip.compress(idx(images), mtime=0)
            files[f"{name}-{part}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels), mtime=0)
        files[f"{name}-mapping.txt"] = "".join(f"{label} {code}\n" for label, code in codes.items()).encode()
    return files


def pack(target: Path) -> bytes:
    with zipfile.ZipFile(target, "w") as archive:
        for file, content in contents().items():
            archive.writestr(f"gzip/{file}", content)
    return target.read_bytes()


@pytest.fixture
def served(mirrors: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes | None], None]:
    """The zip on a mirror of this machine, in the catalog in place of NIST's; other content where it is given."""

    def serve(content: bytes | None = None) -> None:
        packed = pack(tmp_path / "origin.zip")
        mirrors.files["/a/gzip.zip"] = packed if content is None else content
        files = (SetFile("gzip.zip", packed_md5=hashlib.md5(packed).hexdigest()),)
        changed = {n: dataclasses.replace(named_sets()[n], mirrors=(f"{mirrors.url}/a/",), files=files) for n in NAMES}
        entries = named_sets() | changed
        for module in ("data.catalog", "data.named_sets", "data.loading"):
            monkeypatch.setattr(f"imagewise.{module}.named_sets", lambda: entries)

    return serve


@pytest.mark.parametrize("first", NAMES)
def test_both_sets_come_out_of_one_download(served: Callable[..., None], mirrors: Any, first: str) -> None:
    served()
    for name in sorted(NAMES, key=lambda each: each != first):
        data = load_data(name)
        assert (data.name, data.class_names) == (name, named_sets()[name].class_names)
        assert (data.framing.kind, data.shape, data.notices) == ("photo", (28, 28, 1), ())
        assert len(data["test"]) == 3 * len(data.class_names)
        assert data["test"].images[:, :, 0].min() == 255
        assert data.attribution is not None
        assert "Cohen" in data.attribution
        assert [check.ok for check in named.verify(name)] == [True]
    assert [path for path, _ in mirrors.asked] == ["/a/gzip.zip"]
    assert {status.name for status in named.data_sets() if status.place == "cache"} == set(NAMES)


@pytest.mark.parametrize("below", ["emnist", "emnist/gzip"])
@pytest.mark.parametrize("name", NAMES)
def test_files_that_were_unpacked_by_hand_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str, name: str
) -> None:
    monkeypatch.setenv("IMAGEWISE_DATA", str(tmp_path))
    (tmp_path / below).mkdir(parents=True)
    for file, content in contents().items():
        (tmp_path / below / file).write_bytes(content)
    assert load_data(name, offline=True).class_names == named_sets()[name].class_names
    assert all(check.ok and "only the packed file" in check.detail for check in named.verify(name))


@pytest.mark.parametrize("content", [b"", b"<html>moved</html>", b"PK\x03\x04 cut"])
def test_another_file_than_nists_is_not_taken(served: Callable[..., None], content: bytes) -> None:
    served(content)
    with pytest.raises(DownloadError, match="md5 of the packed file is"):
        load_data("emnist-letters")


@pytest.mark.parametrize("name", NAMES)
def test_a_zip_without_the_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("IMAGEWISE_DATA", str(tmp_path))
    (tmp_path / "emnist").mkdir()
    with zipfile.ZipFile(tmp_path / "emnist" / "gzip.zip", "w") as archive:
        archive.writestr("gzip/readme.txt", "x")
    with pytest.raises(DataError, match=f"gzip.zip does not hold {name}"):
        load_data(name)
    assert not named.verify(name)[0].ok


def test_emnist_alone_asks_which_set() -> None:
    with pytest.raises(DataError, match=r"Did you mean .*emnist-"):
        load_data("emnist")
