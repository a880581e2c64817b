"""A file is written whole or not at all, and only where a file can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagewise.atomic import write_atomically
from imagewise.errors import OutputError


@pytest.mark.parametrize("name", [".", "..", "/", "folder", "folder/"])
def test_a_folder_is_refused_and_left_as_it_was(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="it is a folder") as refused:
        write_atomically(Path(name), "content")
    assert str(Path(name)) in str(refused.value)
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]


@pytest.mark.parametrize("name", ["a.txt", "new/a.txt", "ü b.txt"])
def test_a_file_and_its_folders_are_made(name: str, tmp_path: Path) -> None:
    write_atomically(tmp_path / name, "content")
    assert (tmp_path / name).read_text() == "content"
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == [Path(name).name]
