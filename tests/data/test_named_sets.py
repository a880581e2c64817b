"""The named sets: the catalog, where they are found, fetching and verifying them, and load_data by name."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagewise.data import named_sets as named
from imagewise.data.catalog import NamedSet, SetFile, named_sets
from imagewise.data.loading import load_data
from imagewise.errors import DataError, DownloadError
from imagewise.framing.framing import Framing
from imagewise.paths import cache_dir

WriteIdx = Callable[..., Path]
LABELS = list(range(10)) * 6


@pytest.fixture
def served(
    mirrors: Any, write_idx: WriteIdx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., NamedSet]:
    """Put a small set with the files of `name` on a mirror of this machine, and into the catalog in its place."""

    def serve(name: str, *, kind: str = "sha256", places: tuple[str, ...] = ("a",)) -> NamedSet:
        shape = named_sets()[name].framing
        folder = write_idx(tmp_path / "origin", LABELS, LABELS[:20], size=(shape.height, shape.width))
        files = []
        for path in sorted(folder.iterdir()):
            content = path.read_bytes()
            for place in places:
                mirrors.files[f"/{place}/{path.name}"] = content
            digest = {
                "sha256": hashlib.sha256(gzip.decompress(content)),
                "md5": hashlib.md5(gzip.decompress(content)),
                "packed_md5": hashlib.md5(content),
            }[kind].hexdigest()
            files.append(SetFile(path.name, **{kind: digest}))
        urls = tuple(f"{mirrors.url}/{place}/" for place in places)
        entry = dataclasses.replace(named_sets()[name], mirrors=urls, files=tuple(files))
        entries = named_sets() | {name: entry}
        for module in ("data.catalog", "data.named_sets", "data.loading"):
            monkeypatch.setattr(f"imagewise.{module}.named_sets", lambda: entries)
        return entry

    return serve


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr("imagewise.fetch.ask", refuse)


def test_the_catalog_is_complete() -> None:
    entries = named_sets()
    emnist = {"emnist-letters": 26, "emnist-balanced": 47}
    assert list(entries) == ["mnist", "fashion-mnist", "kmnist", "cifar10", *emnist, "mnist-sample", "digits"]
    for entry in entries.values():
        assert len(entry.class_names) == len(set(entry.class_names)) == emnist.get(entry.name, 10)
        assert entry.licence
        assert entry.citation
        if entry.layout != "bundled":
            assert len(entry.mirrors) >= 2
            assert all(url.startswith("http") and url.endswith("/") for url in entry.mirrors)
            assert all(file.sha256 or file.md5 or file.packed_md5 for file in entry.files)
        hashes = [h for f in entry.files for h in (f.sha256, f.md5, f.packed_md5) if h]
        assert all(len(h) in (32, 64) and int(h, 16) for h in hashes)


@pytest.mark.parametrize("kind", ["sha256", "md5", "packed_md5"])
def test_a_set_is_fetched_once_verified_and_kept(served: Callable[..., NamedSet], mirrors: Any, kind: str) -> None:
    served("mnist", kind=kind)
    seen = []
    folder = named.fetch("mnist", progress=lambda *report: seen.append(report[0]))
    assert folder == cache_dir("data", "mnist")
    assert len(mirrors.asked) == 4
    assert "train-images-idx3-ubyte.gz" in seen
    assert all(check.ok for check in named.verify("mnist"))
    data = load_data("mnist")
    assert data.name == "mnist"
    assert data.framing == Framing("ink", 28, 28, 1)
    assert named.fetch("mnist") == folder
    assert len(mirrors.asked) == 4


def test_only_what_is_missing_is_fetched(served: Callable[..., NamedSet], mirrors: Any) -> None:
    served("mnist")
    (named.fetch("mnist") / "t10k-labels-idx1-ubyte.gz").unlink()
    mirrors.asked.clear()
    named.fetch("mnist")
    assert mirrors.asked == [("/a/t10k-labels-idx1-ubyte.gz", None)]


def test_a_mirror_that_packed_the_files_again_is_as_good(served: Callable[..., NamedSet], mirrors: Any) -> None:
    served("mnist")
    for path, content in mirrors.files.items():
        mirrors.files[path] = gzip.compress(gzip.decompress(content), compresslevel=1)
    named.fetch("mnist")


def test_a_mirror_with_other_content_is_not_taken(served: Callable[..., NamedSet], mirrors: Any) -> None:
    served("mnist", places=("evil", "good"))
    for path in list(mirrors.files):
        if path.startswith("/evil/"):
            mirrors.files[path] = gzip.compress(b"something else")
    assert all(check.ok for check in (named.fetch("mnist"), named.verify("mnist"))[1])
    mirrors.files.clear()


def test_a_cut_gzip_file_is_not_taken(served: Callable[..., NamedSet], mirrors: Any) -> None:
    served("mnist")
    mirrors.files = {path: content[:-9] for path, content in mirrors.files.items()}
    with pytest.raises(DownloadError, match="damaged or cut"):
        named.fetch("mnist")
    assert not list(cache_dir("data").rglob("*.gz"))


def test_the_folder_of_imagewise_data_comes_first(
    served: Callable[..., NamedSet], write_idx: WriteIdx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served("mnist")
    named.fetch("mnist")
    monkeypatch.setenv("IMAGEWISE_DATA", str(tmp_path / "mine"))
    assert named.fetch("mnist") == cache_dir("data", "mnist")
    write_idx(tmp_path / "mine" / "mnist", LABELS, LABELS, size=(28, 28), packed=False)
    assert named.fetch("mnist") == tmp_path / "mine" / "mnist"
    status = next(status for status in named.data_sets() if status.name == "mnist")
    assert (status.place, status.path) == ("IMAGEWISE_DATA", tmp_path / "mine" / "mnist")


def test_an_incomplete_set_in_imagewise_data_is_said_not_passed_over(
    write_idx: WriteIdx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEWISE_DATA", str(tmp_path))
    write_idx(tmp_path / "mnist", LABELS)
    (tmp_path / "mnist" / "train-labels-idx1-ubyte.gz").unlink()
    for source in (None, "mnist"):
        with pytest.raises(DataError, match=r"train-labels-idx1-ubyte .* is missing"):
            load_data(source)
    assert [check.detail for check in named.verify("mnist")].count("missing") == 3


def test_data_sets_says_where_each_is(served: Callable[..., NamedSet]) -> None:
    served("kmnist")
    named.fetch("kmnist")
    places = {status.name: status.place for status in named.data_sets()}
    assert places == {
        "mnist": None,
        "fashion-mnist": None,
        "kmnist": "cache",
        "cifar10": None,
        "emnist-letters": None,
        "emnist-balanced": None,
        "mnist-sample": "imagewise",
        "digits": "imagewise",
    }


def test_verify_tells_what_is_wrong(served: Callable[..., NamedSet]) -> None:
    served("mnist")
    folder = named.fetch("mnist")
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"other"))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(b"\x1f\x8b but damaged")
    checks = {check.file: check for check in named.verify("mnist")}
    assert [check.ok for check in checks.values()].count(True) == 2
    assert "sha256 of the unpacked content is" in checks["t10k-labels-idx1-ubyte.gz"].detail
    assert "damaged or cut" in checks["train-labels-idx1-ubyte.gz"].detail


def test_verify_says_where_only_the_packed_file_is_known(served: Callable[..., NamedSet]) -> None:
    served("kmnist", kind="packed_md5")
    folder = named.fetch("kmnist")
    for path in list(folder.iterdir()):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert all(check.ok and "only the packed file" in check.detail for check in named.verify("kmnist"))


def test_verify_needs_the_set_to_be_here() -> None:
    with pytest.raises(DataError, match="imagewise data fetch kmnist"):
        named.verify("kmnist")
    assert named.verify("digits")[0].ok


def test_a_misspelt_set_gets_a_suggestion() -> None:
    for ask in (named.fetch, named.verify, load_data):
        with pytest.raises(DataError, match=r"Did you mean 'fashion-mnist'\?"):
            ask("fashon-mnist")


@pytest.mark.usefixtures("unreachable")
class TestWithoutNetwork:
    def test_the_default_falls_back_to_its_sample_and_says_so(self) -> None:
        data = load_data()
        assert data.name == "mnist-sample"
        (notice,) = data.notices
        assert "MNIST is unavailable" in notice
        assert "mnist-sample, 6,500 pictures" in notice
        assert "Network is unreachable" in notice
        assert "imagewise data fetch mnist" in notice
        assert "\n" not in notice

    def test_a_set_named_by_hand_is_never_swapped(self) -> None:
        with pytest.raises(DownloadError, match=r"ossci-datasets(.|\n)*cvdf-datasets"):
            load_data("mnist")

    def test_a_folder_that_cannot_be_written_is_no_obstacle_for_the_default(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "taken").touch()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "taken"))
        assert "cannot write" in load_data().notices[0]


def test_offline_asks_nobody(served: Callable[..., NamedSet], mirrors: Any) -> None:
    served("mnist")
    with pytest.raises(DataError, match=r"--offline.*imagewise data fetch mnist.*IMAGEWISE_DATA"):
        load_data("mnist", offline=True)
    data = load_data(offline=True)
    assert data.name == "mnist-sample"
    assert "--offline" in data.notices[0]
    assert mirrors.asked == []
    named.fetch("mnist")
    assert load_data(offline=True).name == "mnist"


def test_the_default_is_mnist_where_it_can_be_had(served: Callable[..., NamedSet]) -> None:
    served("mnist")
    data = load_data()
    assert data.name == "mnist"
    assert data.notices == ()


@pytest.mark.real_data
def test_real_mnist_verifies(real_data: Callable[[str], Path]) -> None:
    real_data("mnist")
    assert [check.ok for check in named.verify("mnist")] == [True] * 4
    assert load_data().class_names == tuple("0123456789")
