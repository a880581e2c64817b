from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagewise.errors import DownloadError, OutputError
from imagewise.fetch import download

CONTENT = bytes(range(256)) * 2000
OTHER = CONTENT[::-1]


def fault(path: Path) -> str | None:
    return None if path.exists() and path.read_bytes() == CONTENT else "wrong content"


@pytest.fixture
def get(mirrors: Any, tmp_path: Path) -> Callable[..., Path]:
    """Download from the mirrors named, in that order, and return the target."""

    def run(*names: str, **options: Any) -> Path:
        target = tmp_path / "new folder" / "file.bin"
        download([f"{mirrors.url}/{name}/file.bin" for name in names], target, fault=fault, **options)
        return target

    return run


@pytest.fixture
def partial(tmp_path: Path) -> Path:
    path = tmp_path / "new folder" / "file.bin.partial"
    path.parent.mkdir()
    return path


def test_a_file_arrives_whole_and_leaves_no_partial(mirrors: Any, get: Callable[..., Path]) -> None:
    mirrors.files["/a/file.bin"] = CONTENT
    target = get("a")
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


def test_progress_ends_at_the_total(mirrors: Any, get: Callable[..., Path]) -> None:
    mirrors.files["/a/file.bin"] = CONTENT
    seen: list[tuple[str, int, int | None]] = []
    get("a", progress=lambda *report: seen.append(report))
    assert seen[-1] == ("file.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_a_cut_transfer_is_resumed_where_it_broke(mirrors: Any, get: Callable[..., Path]) -> None:
    mirrors.files["/a/file.bin"] = CONTENT
    mirrors.cuts["/a/file.bin"] = [100_000, 50_000]
    assert get("a").read_bytes() == CONTENT
    assert [asked for _, asked in mirrors.asked] == [None, "bytes=100000-", "bytes=150000-"]


def test_a_partial_of_an_earlier_run_is_resumed(mirrors: Any, get: Callable[..., Path], partial: Path) -> None:
    mirrors.files["/a/file.bin"] = CONTENT
    partial.write_bytes(CONTENT[:1000])
    assert get("a").read_bytes() == CONTENT
    assert mirrors.asked == [("/a/file.bin", "bytes=1000-")]


def test_a_server_that_ignores_range_is_read_from_the_start(
    mirrors: Any, get: Callable[..., Path], partial: Path
) -> None:
    mirrors.files["/a/file.bin"] = CONTENT
    mirrors.deaf.add("/a/file.bin")
    partial.write_bytes(OTHER[:1000])
    assert get("a").read_bytes() == CONTENT
    assert len(mirrors.asked) == 1


@pytest.mark.parametrize("left", [CONTENT + b"more", OTHER[:1000], OTHER], ids=["too long", "wrong", "whole, wrong"])
def test_a_partial_that_is_no_good_costs_one_more_request(
    left: bytes, mirrors: Any, get: Callable[..., Path], partial: Path
) -> None:
    mirrors.files["/a/file.bin"] = CONTENT
    partial.write_bytes(left)
    assert get("a").read_bytes() == CONTENT
    assert len(mirrors.asked) == 2


def test_a_partial_that_is_whole_already_is_taken(mirrors: Any, get: Callable[..., Path], partial: Path) -> None:
    mirrors.files["/a/file.bin"] = CONTENT
    partial.write_bytes(CONTENT)
    assert get("a").read_bytes() == CONTENT


def test_a_wrong_file_is_refused_and_the_next_mirror_asked(mirrors: Any, get: Callable[..., Path]) -> None:
    mirrors.files |= {"/bad/file.bin": OTHER, "/good/file.bin": CONTENT}
    assert get("bad", "good").read_bytes() == CONTENT
    assert mirrors.asked == [("/bad/file.bin", None), ("/good/file.bin", None)]


def test_a_transfer_begun_on_one_mirror_is_ended_on_another(mirrors: Any, get: Callable[..., Path]) -> None:
    mirrors.files |= {"/a/file.bin": CONTENT, "/b/file.bin": CONTENT}
    mirrors.cuts["/a/file.bin"] = [100_000, 0, 0, 0]
    assert get("a", "b").read_bytes() == CONTENT
    assert mirrors.asked[-1] == ("/b/file.bin", "bytes=100000-")


def test_a_busy_server_is_asked_again_but_not_for_ever(mirrors: Any, get: Callable[..., Path]) -> None:
    mirrors.files["/a/file.bin"] = CONTENT
    mirrors.statuses["/a/file.bin"] = [503, 500]
    get("a").unlink()
    mirrors.statuses["/a/file.bin"] = [503] * 50
    with pytest.raises(DownloadError, match="503"):
        get("a")
    assert len(mirrors.statuses["/a/file.bin"]) == 47


def test_every_mirror_is_listed_with_its_reason(mirrors: Any, get: Callable[..., Path], tmp_path: Path) -> None:
    mirrors.files["/bad/file.bin"] = OTHER
    with pytest.raises(DownloadError) as caught:
        get("gone", "bad")
    message = str(caught.value)
    assert f"{mirrors.url}/gone/file.bin: the server answers 404 Not Found" in message
    assert f"{mirrors.url}/bad/file.bin: wrong content" in message
    assert "IMAGEWISE_DATA" in message
    assert caught.value.exit_code == 1
    assert not list((tmp_path / "new folder").iterdir())


def test_nobody_listening_is_said_so(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/file.bin"
    with pytest.raises(DownloadError, match=r"no connection .*refused"):
        download([url], tmp_path / "file.bin", fault=fault)


def test_a_server_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagewise.connection.CONNECT_SECONDS", 0.1)
    monkeypatch.setattr("imagewise.connection.READ_SECONDS", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(DownloadError, match="no answer within"):
            download([f"http://127.0.0.1:{silent.getsockname()[1]}/x"], tmp_path / "x", fault=fault)


def test_what_came_is_kept_when_all_mirrors_break_off(mirrors: Any, get: Callable[..., Path], tmp_path: Path) -> None:
    mirrors.files["/a/file.bin"] = CONTENT
    mirrors.cuts["/a/file.bin"] = [100_000, 0, 0, 0]
    with pytest.raises(DownloadError, match="broke off after 100000 of 512000 bytes"):
        get("a")
    assert (tmp_path / "new folder" / "file.bin.partial").read_bytes() == CONTENT[:100_000]


def test_ctrl_c_keeps_what_came(mirrors: Any, get: Callable[..., Path], tmp_path: Path) -> None:
    mirrors.files["/a/file.bin"] = CONTENT

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get("a", progress=interrupt)
    kept = (tmp_path / "new folder" / "file.bin.partial").read_bytes()
    assert kept
    assert CONTENT.startswith(kept)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match=r"taken.*IMAGEWISE_DATA"):
        download([], tmp_path / "taken" / "file.bin", fault=fault)


def test_two_at_once_do_not_spoil_each_other(mirrors: Any, get: Callable[..., Path]) -> None:
    """The second starts while the first is under way, and takes up its partial file."""
    mirrors.files["/a/file.bin"] = CONTENT
    nested: list[Path] = []

    def second(_: str, done: int, __: int | None) -> None:
        if done > 100_000 and not nested:
            nested.append(Path())
            nested.append(get("a"))

    assert get("a", progress=second).read_bytes() == CONTENT
    assert len(mirrors.asked) == 2
    assert list(nested[1].parent.iterdir()) == [nested[1]]
