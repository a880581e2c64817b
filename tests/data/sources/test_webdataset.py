from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imagewise.data.dataset import SplitRule
from imagewise.data.loading import load_data
from imagewise.errors import DataError
from imagewise.framing.framing import Framing, frame_file

Draw = Callable[..., Path]
PHOTO = Framing("photo", 8, 8, 3)


@pytest.fixture
def png(tmp_path: Path, draw: Draw) -> Callable[[int], bytes]:
    return lambda seed: draw(tmp_path / f"{seed}.png", seed=seed, size=(12, 10)).read_bytes()


def write_tar(path: Path, files: list[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def test_pictures_are_read_in_the_tar_with_the_labels_beside_them(tmp_path: Path, png: Callable[[int], bytes]) -> None:
    files = [
        ("./sub/0001.png", png(1)),
        ("./sub/0001.cls", b"cat\n"),
        ("./sub/0002.JSON", b'{"label": "dog", "caption": "a.dog"}'),
        ("./sub/0002.seg.png", png(2)),
        ("./sub/0003.json", b"7"),
        ("./sub/0003.png", png(3)),
        ("./sub/.DS_Store", b"x"),
        ("./README.txt", b"no picture"),
    ]
    data = load_data(write_tar(tmp_path / "pets.tar", files), framing=PHOTO, strict=True)
    assert data.name == "pets"
    assert data.class_names == ("7", "cat", "dog")
    everything = data["all"]
    assert everything.names is not None
    found = dict(zip(everything.names, everything.images, strict=True))
    assert set(found) == {"pets.tar/sub/0001.png", "pets.tar/sub/0002.seg.png", "pets.tar/sub/0003.png"}
    assert np.array_equal(found["pets.tar/sub/0001.png"], frame_file(png(1), PHOTO))


def test_a_folder_of_tars_is_split_by_their_names(tmp_path: Path, png: Callable[[int], bytes]) -> None:
    for number, name in enumerate(["pets-train-0000", "pets-train-0001", "pets-val-0000", "pets-test-0000"]):
        files = [("a.png", png(2 * number)), ("a.cls", b"0"), ("b.png", png(2 * number + 1)), ("b.cls", b"1")]
        write_tar(tmp_path / "pets" / f"{name}.tar", files)
    data = load_data(tmp_path / "pets", framing=PHOTO)
    assert (data.name, data.split_rule) == ("pets", SplitRule.GIVEN)
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 4, "validation": 2, "test": 2}
    (tmp_path / "pets" / "pets-test-0000.tar").rename(tmp_path / "pets" / "more.tar")
    assert load_data(tmp_path / "pets", framing=PHOTO).split_rule == SplitRule.CONTENT


def test_a_tar_beside_class_folders_is_left_alone(tmp_path: Path, png: Callable[[int], bytes], draw: Draw) -> None:
    draw(tmp_path / "pets" / "cat" / "a.png")
    write_tar(tmp_path / "pets" / "pets.tar", [("a.png", png(1)), ("a.cls", b"dog")])
    assert load_data(tmp_path / "pets", framing=PHOTO).class_names == ("cat",)


def test_damaged_pictures_are_listed(tmp_path: Path, png: Callable[[int], bytes]) -> None:
    files = [("a.png", png(1)), ("a.cls", b"0"), ("b.png", b"<html>"), ("b.cls", b"0")]
    path = write_tar(tmp_path / "pets.tar", files)
    data = load_data(path, framing=PHOTO)
    assert len(data["all"]) == 1
    assert [name for name, _ in data.skipped] == ["pets.tar/b.png"]
    with pytest.raises(DataError, match="1 of 2 pictures cannot be read"):
        load_data(path, framing=PHOTO, strict=True)


def test_an_archive_that_is_cut_off_is_refused(tmp_path: Path, png: Callable[[int], bytes]) -> None:
    path = write_tar(tmp_path / "pets.tar", [("a.png", png(1)), ("a.cls", b"0"), ("b.cls", b"0"), ("b.png", png(2))])
    with tarfile.open(path) as archive:
        end = archive.getmember("b.png").offset_data + 40
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(DataError, match=r"pets\.tar: cannot be read as a tar file.*Copy or download it again"):
        load_data(path, framing=PHOTO)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([("a.png", b"x")], r"the picture a has no label\. Add it next to the picture"),
        ([("a.png", b"x"), ("a.json", b'{"caption": "a cat"}')], "the picture a has no label"),
        ([("a.png", b"x"), ("a.json", b'{"label": [1, 2]}')], "the picture a has no label"),
        ([("a.png", b"x"), ("a.cls", b" \n")], "the picture a has no label"),
        ([("a.png", b"x"), ("a.json", b'{"label": ')], r"a\.json cannot be read"),
        ([("a.png", b"x"), ("a.cls", b"\xff\xfe")], r"a\.cls cannot be read"),
        ([("a.txt", b"x")], "names no picture"),
    ],
)
def test_samples_without_a_label_are_refused_by_name(
    tmp_path: Path, files: list[tuple[str, bytes]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_data(write_tar(tmp_path / "x.tar", files), framing=PHOTO)


def test_what_is_no_tar_or_a_packed_one_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"no archive at all " * 100)
    with pytest.raises(DataError, match=r"x\.tar: cannot be read as a tar file.*Copy or download it again"):
        load_data(tmp_path / "x.tar")
    write_tar(tmp_path / "x.tar", [("a.png", b"x")])
    (tmp_path / "x.tar").write_bytes(gzip.compress((tmp_path / "x.tar").read_bytes()))
    with pytest.raises(DataError, match=r"compressed: unpack it once"):
        load_data(tmp_path / "x.tar")
    (tmp_path / "x.tar.gz").touch()
    with pytest.raises(DataError, match=r"x\.tar\.gz: cannot be unpacked"):
        load_data(tmp_path / "x.tar.gz")


def test_links_in_a_tar_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("a.png")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(DataError, match="names no picture"):
        load_data(path)


@pytest.mark.parametrize("sample", [1, 3, 7])
def test_a_tar_file_that_is_damaged_in_the_middle_is_not_read_as_a_shorter_one(
    tmp_path: Path, png: Callable[[int], bytes], sample: int
) -> None:
    tar = write_tar(
        tmp_path / "a.tar",
        [(f"{n}.{kind}", png(n) if kind == "png" else b"x") for n in range(8) for kind in ("cls", "png")],
    )
    content = bytearray(tar.read_bytes())
    header = content.index(f"{sample}.cls".encode())
    content[header + 100 : header + 160] = b"\xff" * 60
    tar.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.tar: .*damaged after"):
        load_data(tar)
