"""Files that a table names otherwise than they lie on the disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewise.data.sources.tables.load import files_of_table
from imagewise.errors import DataError


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def found(table: Path) -> list[str]:
    files, _ = files_of_table(table)
    return [Path(os.path.relpath(file.path, table.parent)).as_posix() for file in files]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def save(*files: str, labels: list[str] | None = None, name: str = "table.csv") -> Path:
        rows = zip(files, labels or ["x", "y"] * len(files), strict=False)
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("file,label\n" + "".join(f"{file},{label}\n" for file, label in rows))
        return path

    return save


CASES = {
    "without an ending": (["a", "b"], ["a.jpg", "b.jpg"]),
    "without endings of several kinds": (["a", "b", "c", "d"], ["a.jpg", "b.png", "c.JPEG", "d.tiff"]),
    "with another ending": (["a.jpg", "b.jpg"], ["a.png", "b.png"]),
    "in another case": (["IMG_1.JPG", "img_2.jpg"], ["img_1.jpg", "IMG_2.JPG"]),
    "of Windows": (["imgs\\a.jpg", "imgs\\b.jpg"], ["imgs/a.jpg", "imgs/b.jpg"]),
    "of another computer": (["C:\\Users\\me\\set\\a.jpg", "C:\\Users\\me\\set\\b.jpg"], ["set/a.jpg", "set/b.jpg"]),
    "of another home": (["/home/me/data/set/a.jpg", "/home/me/data/set/b.jpg"], ["a.jpg", "b.jpg"]),
    "with a dot before": (["./imgs/a.jpg", ".\\imgs\\b.jpg"], ["imgs/a.jpg", "imgs/b.jpg"]),
    "of a cloud": (["gs://bucket/set/a.jpg", "s3://bucket/set/b.jpg"], ["set/a.jpg", "set/b.jpg"]),
    "of the web": (["https://x.org/p/a.jpg?w=3", "https://x.org/p/b%20c.jpg"], ["a.jpg", "b c.jpg"]),
    "of label-studio's uploads": (["/data/upload/3/1a2b3c4d-a.jpg", "/data/upload/3/b.jpg"], ["a.jpg", "upload/b.jpg"]),
    "of label-studio's folders": (
        ["/data/local-files/?d=set%2Fa.jpg", "/data/local-files/?d=b.jpg"],
        ["set/a.jpg", "set/b.jpg"],
    ),
    "in train": (["a.jpg", "b.jpg"], ["train/a.jpg", "train/b.jpg"]),
    "in images": (["a", "b"], ["images/a.png", "images/b.png"]),
    "in a folder like the table": (["a", "b"], ["table/a.png", "table/b.png"]),
    "in a folder of any name": (["a.jpg", "b.jpg"], ["2024 summer/a.jpg", "2024 summer/b.jpg"]),
    "in several folders": (["a.jpg", "b.jpg"], ["part_1/a.jpg", "part_2/b.jpg"]),
    "two folders down": (["a.jpg", "b.jpg"], ["train/images/a.jpg", "train/images/b.jpg"]),
    "in a folder a class": (["a.jpg", "b.jpg"], ["train/x/a.jpg", "train/y/b.jpg"]),
    "by whole numbers": (["7", "8"], ["7.png", "8.png"]),
}


@pytest.mark.parametrize(("texts", "files"), CASES.values(), ids=CASES.keys())
def test_files_are_found(write: Callable[..., Path], tmp_path: Path, texts: list[str], files: list[str]) -> None:
    touch(tmp_path, *files)
    table = write(*texts)
    assert found(table) == files
    _, notices = files_of_table(table)
    assert len(notices) == 1
    assert notices[0].startswith("read table.csv: ")


@pytest.mark.parametrize("beside", ["images", "train", "pictures"])
def test_a_table_in_a_folder_of_its_own_finds_the_pictures_beside_it(
    write: Callable[..., Path], tmp_path: Path, beside: str
) -> None:
    touch(tmp_path, f"{beside}/a.jpg", f"{beside}/b.jpg")
    assert found(write("a.jpg", "b", name="annotations/table.csv")) == [f"../{beside}/a.jpg", f"../{beside}/b.jpg"]


def test_the_path_as_it_stands_comes_first_and_train_before_test(write: Callable[..., Path], tmp_path: Path) -> None:
    touch(tmp_path, "1.png", "train/1.png", "train/2.png", "test/2.png", "test/1.png")
    assert found(write("1.png", "2")) == ["1.png", "train/2.png"]
    assert files_of_table(write("1.png", "train/1.png"))[1] == []


@pytest.mark.parametrize("text", ["a", "imgs\\a.jpg", "C:\\Users\\me\\a.jpg", "/home/me/a.jpg", "deep/er/a.png"])
def test_files_that_are_nowhere_are_refused_with_the_first_path_tried(write: Callable[..., Path], text: str) -> None:
    table = write(text, "b.jpg")
    with pytest.raises(DataError) as refusal:
        files_of_table(table)
    message = str(refusal.value)
    assert str(table) in message
    assert "no such file" in message
    assert "none of its 2 files" in message
    assert text.replace("\\", "/").lstrip("/") in message.replace("\\", "/")


@pytest.mark.parametrize("address", ["https://x.org/a.jpg", "http://x.org/a", "HTTPS://x.org/b/a.png?x=1"])
def test_addresses_of_the_web_are_not_downloaded_and_said(write: Callable[..., Path], address: str) -> None:
    with pytest.raises(DataError, match="Download"):
        files_of_table(write(address))


def test_a_few_missing_files_keep_their_paths(write: Callable[..., Path], tmp_path: Path) -> None:
    touch(tmp_path, "imgs/a.jpg")
    files, _ = files_of_table(write("a", "gone", "away.png"))
    assert [file.name for file in files] == ["imgs/a.jpg", "gone", "away.png"]
    assert files[1].path == str(tmp_path / "gone")


def test_a_search_for_many_missing_files_ends(write: Callable[..., Path], tmp_path: Path) -> None:
    touch(tmp_path, "set/0.jpg", "set/2999.jpg")
    files, _ = files_of_table(write(*map(str, range(3000))))
    assert (files[0].name, files[2999].name) == ("set/0.jpg", "set/2999.jpg")


@pytest.mark.parametrize("text", ["a" * 5000, "../" * 500 + "a.jpg", "?d=", "://", "\\\\", "%00", "."])
def test_strange_paths_are_missing_and_no_more(write: Callable[..., Path], tmp_path: Path, text: str) -> None:
    touch(tmp_path, "a.jpg")
    assert len(files_of_table(write("a.jpg", text))[0]) == 2
