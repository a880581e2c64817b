"""Where folders are that no argument names."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagewise import paths


def test_the_cache_lies_in_the_platforms_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert paths.cache_dir("data", "mnist") == tmp_path / "imagewise" / "data" / "mnist"


def test_who_has_no_home_has_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(*_: object, **__: object) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr("platformdirs.user_cache_path", no_home)
    with pytest.raises(OSError, match="Not a directory"):
        paths.cache_dir("pictures").mkdir(parents=True)


@pytest.mark.parametrize(
    ("variable", "read"), [("IMAGEWISE_DATA", paths.data_dir), ("IMAGEWISE_WEIGHTS", paths.weights_dir)]
)
def test_a_variable_names_a_folder_and_an_empty_one_names_none(
    monkeypatch: pytest.MonkeyPatch, variable: str, read: object
) -> None:
    assert callable(read)
    monkeypatch.setenv(variable, "~/pictures")
    assert read() == Path.home() / "pictures"
    monkeypatch.setenv(variable, "")
    assert read() is None
