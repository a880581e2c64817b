"""A set in one packed file: read as the folder that it is, and nothing is written elsewhere."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewise.data.loading import load_data
from imagewise.data.sources import archives
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

Draw = Callable[..., Path]
INK = Framing("ink", 8, 8, 1)


@pytest.fixture
def pets(tmp_path: Path, draw: Draw) -> Path:
    for number in range(6):
        draw(tmp_path / "pets" / "cat" / f"{number}.png", seed=number, size=(9, 9))
        draw(tmp_path / "pets" / "dog" / f"{number}.png", seed=50 + number, size=(9, 9))
    return tmp_path / "pets"


@pytest.mark.parametrize(("kind", "suffix"), [("zip", "zip"), ("gztar", "tar.gz"), ("tar", "tar"), ("xztar", "tar.xz")])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_packed_set_is_read_as_its_folder(pets: Path, kind: str, suffix: str, wrapped: bool) -> None:
    top = {"root_dir": pets.parent, "base_dir": "pets"} if wrapped else {"root_dir": pets}
    shutil.make_archive(str(pets.parent / "my pets"), kind, **top)
    packed = pets.parent / f"my pets.{suffix}"
    data = load_data(packed, framing=INK)
    assert data.name == "my pets"
    assert data.class_names == ("cat", "dog")
    assert data["all"].names == load_data(pets, framing=INK)["all"].names
    assert load_data(packed, framing=INK).fingerprint == data.fingerprint


@pytest.mark.parametrize("name", ["../evil.png", "/abs/evil.png", "a/../../evil.png", "C:\\evil.png", "..\\evil.png"])
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    packed = tmp_path / f"set.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, b"evil")
    else:
        with tarfile.open(packed, "w:gz") as tar:
            info = tarfile.TarInfo(name)
            info.size = 4
            tar.addfile(info, io.BytesIO(b"evil"))
    with pytest.raises(DataError, match=r"set\.(zip|tar\.gz): the name .* leads out"):
        load_data(packed)
    assert not list(tmp_path.parent.rglob("evil.png"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "set.tgz", "w:gz") as tar:
        info = tarfile.TarInfo("cat/a.png")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(DataError, match=r"set\.tgz: 'cat/a\.png' is a link or a device"):
        load_data(tmp_path / "set.tgz")


@pytest.mark.parametrize("name", ["set.zip", "set.tar.gz", "set.tgz", "set.tar.xz"])
@pytest.mark.parametrize("content", [b"", b"no archive at all", b"PK\x03\x04 cut off", b"\x1f\x8b\x08 cut off"])
def test_a_damaged_archive_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}: cannot be unpacked"):
        load_data(tmp_path / name)


@pytest.mark.parametrize("name", ["set.7z", "set.rar", "set.zst"])
def test_other_packed_files_are_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=rf"{name}: a packed file\. Unpack it"):
        load_data(tmp_path / name)


@pytest.mark.parametrize(("limit", "value"), [("MOST_BYTES", 300), ("MOST_FILES", 3)])
def test_an_archive_that_is_too_large_is_refused(
    pets: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(archives, limit, value)
    shutil.make_archive(str(pets.parent / "pets"), "zip", root_dir=pets)
    with pytest.raises(DataError, match=r"pets\.zip: over"):
        load_data(pets.parent / "pets.zip")


def test_errors_and_notices_name_the_archive(pets: Path) -> None:
    (pets / "bird").mkdir()
    (pets / "bird" / "a.cr2").touch()
    shutil.make_archive(str(pets.parent / "pets"), "zip", root_dir=pets)
    with pytest.raises(DataError, match=r"pets\.zip/bird: the folder of class 'bird' holds no picture"):
        load_data(pets.parent / "pets.zip")


@pytest.mark.parametrize("kind", ["zip", "gztar", "bztar", "xztar"])
def test_an_archive_that_is_damaged_in_the_middle_is_named(pets: Path, kind: str) -> None:
    packed = Path(shutil.make_archive(str(pets.parent / "pets"), kind, root_dir=pets))
    content = bytearray(packed.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = bytes(400)
    packed.write_bytes(content)
    with pytest.raises(DataError, match=r"pets\.[a-z0-9.]+: .*Copy or download it again") as caught:
        load_data(packed)
    assert "unpacked into" not in str(caught.value)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_whose_content_is_damaged_is_named(pets: Path, compression: int) -> None:
    packed = pets.parent / "pets.zip"
    with zipfile.ZipFile(packed, "w", compression) as archive:
        archive.writestr("cat/0.png", (pets / "cat" / "0.png").read_bytes() * 40)
    content = bytearray(packed.read_bytes())
    content[60:90] = bytes(30)
    packed.write_bytes(content)
    with pytest.raises(DataError, match=r"pets\.zip: cannot be unpacked \(.*Copy or download it again"):
        load_data(packed)


@pytest.mark.parametrize(("offset", "value", "said"), [(6, 1, "is encrypted"), (8, 9, "Python cannot read how")])
def test_a_zip_that_python_cannot_unpack_is_refused_with_what_to_do(
    pets: Path, offset: int, value: int, said: str
) -> None:
    packed = pets.parent / "pets.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(pets / "cat" / "0.png", "cat/0.png")
    content = bytearray(packed.read_bytes())
    content[offset] = value  # of the file's own header, then of its entry in the directory
    content[content.index(b"PK\x01\x02") + offset + 2] = value
    packed.write_bytes(content)
    with pytest.raises(DataError, match=rf"pets\.zip: .*{said}.*Unpack it, and name the folder"):
        load_data(packed)


@pytest.mark.parametrize("kind", ["zip", "gztar", "xztar"])
def test_an_archive_that_is_made_to_fill_a_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(archives, "SMALL", 100_000)
    (tmp_path / "set" / "cat").mkdir(parents=True)
    (tmp_path / "set" / "cat" / "a.bmp").write_bytes(bytes(3_000_000))
    packed = Path(shutil.make_archive(str(tmp_path / "set"), kind, root_dir=tmp_path / "set"))
    with pytest.raises(DataError, match=r"over 100 times its size"):
        load_data(packed)
    assert not archives.kept_bytes()


def test_the_archives_that_were_used_longest_ago_make_room(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = [Path(shutil.make_archive(str(pets.parent / name), "zip", root_dir=pets)) for name in "abc"]
    folders = [archives.unpack(path) for path in packed[:2]]
    for number, folder in enumerate(folders):
        os.utime(folder, (number, number))
    archives.unpack(packed[0])  # used now
    monkeypatch.setattr(archives, "KEPT_BYTES", archives.kept_bytes())
    abandoned = folders[0].with_name("unpacking-x")
    abandoned.mkdir()
    os.utime(abandoned, (0, 0))
    third = archives.unpack(packed[2])
    assert [folder.exists() for folder in (*folders, abandoned, third)] == [True, False, False, True]
    assert archives.clear() > 0
    assert not archives.kept_bytes()
