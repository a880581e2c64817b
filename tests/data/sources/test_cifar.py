from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imagewise.data.dataset import SplitRule
from imagewise.data.loading import load_data
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

NAMES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]


def batch(number: int, count: int = 20) -> bytes:
    records = np.random.default_rng(number).integers(0, 256, (count, 3073), dtype=np.uint8)
    records[:, 0] = np.arange(count) % 10
    return records.tobytes()


BATCHES = {name: batch(number) for number, name in enumerate(NAMES)}


def pack(contents: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMAGEWISE_DATA", str(tmp_path))
    (tmp_path / "cifar10").mkdir()
    return tmp_path / "cifar10"


@pytest.fixture
def archive(folder: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = folder / "cifar-10-binary.tar.gz"
        path.write_bytes(content)
        return path

    return write


def test_the_archive_is_read_in_the_order_of_its_files(archive: Callable[[bytes], Path]) -> None:
    shuffled = dict(sorted(BATCHES.items(), key=lambda item: item[0][::-1]))
    archive(pack({"readme.html": b"hello"} | {f"cifar-10-batches-bin/{name}": c for name, c in shuffled.items()}))
    data = load_data("cifar10")
    assert data.framing == Framing("photo", 32, 32, 3)
    assert data.class_names[0] == "airplane"
    assert data.split_rule == SplitRule.VALIDATION_BY_CONTENT
    assert len(data["train"]) + len(data["validation"]) == 100
    record = np.frombuffer(BATCHES["test_batch.bin"], np.uint8).reshape(-1, 3073)[3]
    assert data["test"].labels[3] == record[0]
    red, green, blue = record[1:].reshape(3, 32, 32)
    assert np.array_equal(data["test"].images[3], np.stack([red, green, blue], axis=-1))


@pytest.mark.parametrize("below", [".", "cifar-10-batches-bin"])
def test_unpacked_files_give_the_same(archive: Callable[[bytes], Path], folder: Path, below: str) -> None:
    packed = archive(pack(BATCHES))
    wanted = load_data("cifar10").fingerprint
    packed.unlink()
    (folder / below).mkdir(exist_ok=True)
    for name, content in BATCHES.items():
        (folder / below / name).write_bytes(content)
    assert load_data("cifar10").fingerprint == wanted


def test_members_are_never_written_anywhere(archive: Callable[[bytes], Path], folder: Path) -> None:
    archive(pack({"../../evil.txt": b"evil"} | BATCHES))
    load_data("cifar10")
    assert [path.name for path in folder.parent.rglob("*")] == ["cifar10", "cifar-10-binary.tar.gz"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a tar", "damaged or cut"),
        (pack(BATCHES)[:-50], "damaged or cut"),
        (pack({"test_batch.bin": BATCHES["test_batch.bin"]}), r"data_batch_1\.bin, .* is not inside"),
        (pack(BATCHES | {"test_batch.bin": BATCHES["test_batch.bin"][:-1]}), "no multiple of 3073"),
        (pack(BATCHES | {"data_batch_2.bin": b"\x0a" * 3073}), r"a label is outside 0\.\.9"),
    ],
)
def test_bad_archives_are_refused_by_name(archive: Callable[[bytes], Path], content: bytes, message: str) -> None:
    archive(content)
    with pytest.raises(DataError, match=message) as caught:
        load_data("cifar10")
    assert "cifar-10-binary.tar.gz" in str(caught.value)
    assert "imagewise data fetch cifar10" in str(caught.value)


def test_a_framing_of_another_shape_is_refused(archive: Callable[[bytes], Path]) -> None:
    archive(pack(BATCHES))
    with pytest.raises(DataError, match="32x32 colour, but 28x28 grey"):
        load_data("cifar10", framing=Framing("ink", 28, 28, 1))


@pytest.mark.parametrize("place", ["cifar-10-batches-bin", ".", "cifar-10-binary.tar.gz"])
def test_the_binary_edition_is_read_by_its_path(tmp_path: Path, place: str) -> None:
    unpacked = tmp_path / "cifar-10-batches-bin"
    if place.endswith(".gz"):
        (tmp_path / place).write_bytes(pack({f"cifar-10-batches-bin/{name}": BATCHES[name] for name in NAMES}))
    else:
        unpacked.mkdir()
        for name in NAMES:
            (unpacked / name).write_bytes(BATCHES[name])
    data = load_data(tmp_path / place)
    assert data.class_names[0] == "airplane"
    assert (len(data["train"]) + len(data["validation"]), len(data["test"])) == (100, 20)
    assert data.licence
