"""Weights as published: found, fetched from hubs that behave and that do not, checked, and converted once."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from hub_servers import HubServer, Reply, serve
from imagewise.backbones.catalog import Entry, WeightsFile, entries
from imagewise.backbones.hub import ADDRESS, ModelHub
from imagewise.backbones.published import fetch, find
from imagewise.backbones.weights_file import read_weights
from imagewise.errors import DownloadError, ModelError, OutputError
from imagewise.paths import cache_dir

REAL_WEIGHTS = os.environ.get("IMAGEWISE_WEIGHTS")
WEIGHTS = {"a.weight": np.random.default_rng(0).normal(size=(64, 3, 8, 8)).astype(np.float32)}
CONTENT = save(WEIGHTS)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = save({"a.weight": WEIGHTS["a.weight"] + 1})
PATH = "/timm/net/resolve/main/model.safetensors"
FILE = WeightsFile("net.safetensors", (ADDRESS + PATH,))
HTML = Reply(b"<!DOCTYPE html><p>Please sign in", 200, headers={"Content-Type": "text/html; charset=utf-8"})


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights on this machine, no proxy, no token; a hub is asked again at once."""
    for name in ("IMAGEWISE_WEIGHTS", "HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("imagewise.fetch.PAUSE_SECONDS", 0.0)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub in the place of the Hugging Face hub."""
    with serve() as server:
        monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/")
        yield server


@pytest.fixture
def store() -> Iterator[HubServer]:
    """Where the hub's large files are, or another mirror."""
    with serve() as server:
        yield server


def entry(*files: WeightsFile) -> Entry:
    return dataclasses.replace(entries()["mobilenet_v2"], name="net", files=files or (FILE,))


def pinned(**known: str | None) -> Entry:
    return entry(dataclasses.replace(FILE, **known))  # type: ignore[arg-type]


def held(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


# ---- finding


def test_nothing_is_found_on_a_new_machine() -> None:
    assert find(entry()) is None


def test_files_are_found_by_their_names_and_by_preference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = entry(WeightsFile("first.safetensors"), WeightsFile("second.pth"))
    mine = tmp_path / "mine"
    mine.mkdir()
    monkeypatch.setenv("IMAGEWISE_WEIGHTS", str(mine))
    cached = cache_dir("weights", "first.safetensors")
    cached.parent.mkdir(parents=True)
    cached.touch()
    assert find(net) == cached
    for name in ("second.pth", "second.safetensors", "first.safetensors"):
        (mine / name).touch()
        assert find(net) == mine / name


def test_an_own_folder_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEWISE_WEIGHTS", str(tmp_path / "gone"))
    with pytest.raises(DownloadError, match=r"gone is no folder"):
        fetch(entry(), offline=True)


@pytest.mark.real_data
@pytest.mark.parametrize("name", entries())
def test_the_files_on_this_machine_are_those_of_the_catalog(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not REAL_WEIGHTS:
        pytest.skip("IMAGEWISE_WEIGHTS is not set")
    monkeypatch.setenv("IMAGEWISE_WEIGHTS", REAL_WEIGHTS)
    own = find(entries()[name])
    if own is None or own.parent != Path(REAL_WEIGHTS):
        pytest.skip(f"IMAGEWISE_WEIGHTS has no file of {name}")
    path = fetch(entries()[name], offline=True)
    assert path.parent == Path(REAL_WEIGHTS)
    assert read_weights(path)


# ---- fetching


def test_weights_are_fetched_once_and_kept(hub: HubServer) -> None:
    hub.replies[PATH] = [Reply(CONTENT)]
    seen: list[tuple[str, int, int | None]] = []
    path = fetch(pinned(sha256=SHA256), progress=lambda *report: seen.append(report[:3]))
    assert path == cache_dir("weights", "net.safetensors") == find(entry())
    assert seen[-1] == ("net.safetensors", len(CONTENT), len(CONTENT))
    np.testing.assert_array_equal(read_weights(path)["a.weight"], WEIGHTS["a.weight"])
    assert fetch(pinned(sha256=SHA256)) == fetch(pinned(sha256=SHA256), offline=True) == path
    assert len(hub.asked) == 1
    assert held(path.parent) == ["net.safetensors"]


def redirecting(hub: HubServer, store: HubServer, content: bytes, headers: dict[str, str]) -> None:
    """As the hub does: it sends the hash, and redirects to the host where large files are."""
    hub.replies[PATH] = [Reply(status=302, headers={"Location": f"{store.url}/stored?signed"} | headers)]
    store.replies["/stored?signed"] = [Reply(content, headers={"ETag": '"' + "5" * 64 + '"'})]


def test_the_hash_that_the_hub_sends_is_checked_where_none_is_pinned(hub: HubServer, store: HubServer) -> None:
    redirecting(hub, store, CONTENT, {"X-Linked-ETag": f'"{SHA256}"', "ETag": '"' + "4" * 64 + '"'})
    assert read_weights(fetch(entry()))


def test_content_that_is_not_what_the_hub_promised_is_refused(hub: HubServer, store: HubServer) -> None:
    redirecting(hub, store, OTHER, {"X-Linked-ETag": f'"{SHA256}"'})
    with pytest.raises(DownloadError, match=f"wrong content: its SHA-256 is .*, and that of the hub {SHA256}"):
        fetch(entry())
    assert held(cache_dir("weights")) == []


def test_a_hash_in_the_etag_of_the_hub_itself_is_checked(hub: HubServer) -> None:
    hub.replies[PATH] = [Reply(OTHER, headers={"ETag": f'"{SHA256}"'})]
    with pytest.raises(DownloadError, match="that of the hub"):
        fetch(entry())
    hub.replies[PATH] = [Reply(CONTENT, headers={"ETag": f'"{SHA256}"'})]
    fetch(entry())


@pytest.mark.parametrize("etag", ['W/"abc"', '"0123456789abcdef"', ""])
def test_an_etag_that_is_no_sha256_is_not_used(hub: HubServer, etag: str) -> None:
    hub.replies[PATH] = [Reply(CONTENT, headers={"ETag": etag})]
    fetch(entry())


@pytest.mark.parametrize("known", [{"sha256": SHA256}, {"sha256_prefix": SHA256[:8]}], ids=["whole", "first digits"])
def test_a_pinned_hash_is_checked_whatever_the_hub_sends(hub: HubServer, known: dict[str, str]) -> None:
    sent = hashlib.sha256(OTHER).hexdigest()
    hub.replies[PATH] = [Reply(OTHER, headers={"X-Linked-ETag": f'"{sent}"'})]
    with pytest.raises(DownloadError, match=r"wrong content.*that of the catalog"):
        fetch(pinned(**known))
    assert held(cache_dir("weights")) == []
    hub.replies[PATH] = [Reply(CONTENT)]
    fetch(pinned(**known))


def test_other_mirrors_and_files_are_tried_in_order(hub: HubServer, store: HubServer) -> None:
    first = WeightsFile("first.safetensors", (f"{store.url}/a", f"{store.url}/b"))
    store.replies = {"/a": [Reply(status=404)], "/b": [Reply(status=500)]}
    hub.replies[PATH] = [Reply(CONTENT)]
    assert fetch(entry(WeightsFile("local.safetensors"), first, FILE)).name == "net.safetensors"
    hub.replies[PATH] = [Reply(status=404)]
    cache_dir("weights", "net.safetensors").unlink()
    with pytest.raises(DownloadError) as refused:
        fetch(entry(first, FILE))
    assert [attempt.status for attempt in refused.value.attempts] == [404, 500, 404]
    assert f"put first.safetensors (from {store.url}/a) or net.safetensors (from {ADDRESS}{PATH})" in str(refused.value)


def test_a_transfer_that_breaks_is_resumed(hub: HubServer) -> None:
    hub.replies[PATH] = [Reply(CONTENT, cut=10_000), Reply(CONTENT, cut=5_000), Reply(CONTENT)]
    fetch(pinned(sha256=SHA256))
    assert [request.headers.get("Range") for request in hub.asked] == [None, "bytes=10000-", "bytes=15000-"]


def test_what_an_earlier_run_left_is_resumed_and_checked_by_the_hash_of_the_hub(
    hub: HubServer, store: HubServer
) -> None:
    redirecting(hub, store, CONTENT, {"X-Linked-ETag": f'"{SHA256}"'})
    partial = cache_dir("weights", "net.safetensors.partial")
    partial.parent.mkdir(parents=True)
    partial.write_bytes(OTHER[:10_000])
    fetch(entry())
    assert [request.headers.get("Range") for request in store.asked] == ["bytes=10000-", None]


# ---- hubs that do not


def refused(net: Entry) -> DownloadError:
    """The error of a fetch that fails, which leaves nothing under the file's name."""
    with pytest.raises(DownloadError) as caught:
        fetch(net)
    assert find(net) is None
    assert "IMAGEWISE_WEIGHTS" in str(caught.value)
    assert caught.value.exit_code == 1
    return caught.value


def test_a_web_page_with_status_200_is_refused_and_keeps_what_came(hub: HubServer) -> None:
    hub.replies[PATH] = [Reply(CONTENT, cut=10_000), HTML]
    assert "the answer is a web page, not the file" in str(refused(entry()))
    assert cache_dir("weights", "net.safetensors.partial").read_bytes() == CONTENT[:10_000]
    hub.replies[PATH] = [Reply(CONTENT)]
    fetch(pinned(sha256=SHA256))


def test_a_web_page_that_does_not_say_so_is_refused(hub: HubServer) -> None:
    hub.replies[PATH] = [dataclasses.replace(HTML, headers={})]
    assert "it is a web page, not a file of weights" in str(refused(entry()))
    assert held(cache_dir("weights")) == []


@pytest.mark.parametrize(
    ("status", "reason"), [(403, "403 Forbidden"), (404, "404 Not Found"), (401, "401 Unauthorized")]
)
def test_a_status_is_in_the_message(hub: HubServer, status: int, reason: str) -> None:
    hub.replies[PATH] = [Reply(b"<html>", status=status)]
    assert f"{hub.url}{PATH}: the server answers {reason}" in str(refused(entry()))
    assert held(cache_dir("weights")) == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_model_that_needs_an_account_says_hf_token(
    hub: HubServer, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.replies[PATH] = [Reply(status=status)]
    assert "set HF_TOKEN" in str(refused(entry()))
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    message = str(refused(entry()))
    assert "The hub refuses the token in HF_TOKEN" in message
    assert "hf_secret" not in message


def test_a_refusal_by_another_host_says_nothing_of_hf_token(hub: HubServer, store: HubServer) -> None:
    store.replies["/a"] = [Reply(status=403)]
    assert "HF_TOKEN" not in str(refused(entry(WeightsFile("a.safetensors", (f"{store.url}/a",)))))


def test_a_busy_hub_is_asked_again_after_the_time_it_says(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("imagewise.fetch.sleep", waits.append)
    monkeypatch.setattr("imagewise.fetch.LONGEST_WAIT_SECONDS", 3600)
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    hub.replies[PATH] = [
        Reply(status=429, headers={"Retry-After": "7"}),
        Reply(status=503, headers={"Retry-After": date}),
        Reply(CONTENT),
    ]
    fetch(entry())
    assert waits[0] == 7
    assert 0 < waits[1] <= 3600


@pytest.mark.parametrize("value", ["3600", "9" * 400])
def test_a_hub_that_wants_a_long_wait_is_given_up_at_once(hub: HubServer, value: str) -> None:
    hub.replies[PATH] = [Reply(status=429, headers={"Retry-After": value})]
    assert "429 Too Many Requests; it allows the next try in" in str(refused(entry()))
    assert len(hub.asked) == 1


@pytest.mark.parametrize("value", ["", "soon", "-5", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00"])
def test_a_wait_that_is_none_is_ignored(hub: HubServer, value: str) -> None:
    hub.replies[PATH] = [Reply(status=429, headers={"Retry-After": value}), Reply(CONTENT)]
    fetch(entry())


def test_a_hub_that_answers_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagewise.connection.CONNECT_SECONDS", 0.2)
    monkeypatch.setattr("imagewise.connection.READ_SECONDS", 0.4)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert "no answer within" in str(refused(entry()))


def test_a_file_that_is_shorter_than_its_header_says_is_refused(hub: HubServer) -> None:
    hub.replies[PATH] = [Reply(CONTENT[:-100])]
    assert "it is cut" in str(refused(entry()))
    assert held(cache_dir("weights")) == []


def test_a_pickle_under_the_name_of_safetensors_is_refused(hub: HubServer) -> None:
    hub.replies[PATH] = [Reply(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.")]
    assert "it is a pickle, which could run code" in str(refused(entry()))


def test_a_full_disk_is_said_so_and_leaves_nothing_under_the_name(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.replies[PATH] = [Reply(CONTENT)]

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("imagewise.fetch.os.fsync", full)
    with pytest.raises(OutputError, match=r"No space left on device.*IMAGEWISE_WEIGHTS"):
        fetch(entry())
    assert find(entry()) is None


def test_a_disk_that_fills_up_during_the_transfer_is_said_so(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.replies[PATH] = [Reply(CONTENT)]
    opened = Path.open

    def full(self: Path, mode: str = "r", **options: Any) -> Any:
        file = opened(self, mode, **options)
        return _FullDisk(file) if self.name.endswith(".partial") and mode == "wb" else file

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OutputError, match=r"cannot write .*net\.safetensors\.partial: No space left on device"):
        fetch(entry())
    assert find(entry()) is None


class _FullDisk:
    """A file on a disk that has no room."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __enter__(self) -> _FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, _: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_cache_that_cannot_be_made_is_named(hub: HubServer, tmp_path: Path) -> None:
    hub.replies[PATH] = [Reply(CONTENT)]
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(OutputError, match=r"cannot write .*IMAGEWISE_WEIGHTS"):
        fetch(entry())


# ---- environment


def test_the_token_goes_to_the_hub_and_not_to_where_it_redirects(
    hub: HubServer, store: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", " hf_secret\n")
    redirecting(hub, store, CONTENT, {"X-Linked-ETag": f'"{SHA256}"'})
    fetch(entry())
    assert hub.asked[0].headers["Authorization"] == "Bearer hf_secret"
    assert "hf_secret" not in str(store.asked)


def test_the_token_does_not_go_to_other_mirrors(
    hub: HubServer, store: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    store.replies["/a"] = [Reply(CONTENT)]
    fetch(entry(WeightsFile("a.safetensors", (f"{store.url}/a",))))
    assert len(store.asked) == 1
    assert "hf_secret" not in str(store.asked)


@pytest.mark.parametrize("value", ["two words", "hf_é", "hf_\nX-Other: 1"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_printed(
    hub: HubServer, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", value)
    with pytest.raises(DownloadError, match="HF_TOKEN") as caught:
        fetch(entry())
    assert value not in str(caught.value)
    assert not hub.asked


@pytest.mark.parametrize(
    "value", ["file:///etc", "hub.example.org", "https://me:secret@example.org", "https://a:99999", "https://a b"]
)
def test_an_endpoint_that_is_no_address_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", value)
    with pytest.raises(DownloadError, match="HF_ENDPOINT is not the address of a hub") as caught:
        fetch(entry())
    assert "secret" not in str(caught.value)


def test_the_hub_is_that_of_hugging_face_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = ModelHub.of_environment()
    assert hub.address(ADDRESS + PATH) == ADDRESS + PATH
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example.org/hub/")
    hub = ModelHub.of_environment()
    assert hub.address(ADDRESS + PATH) == "https://mirror.example.org/hub" + PATH
    assert hub.address("https://download.pytorch.org/models/a.pth") == "https://download.pytorch.org/models/a.pth"
    assert hub.address("https://huggingface.co.example.org/a") == "https://huggingface.co.example.org/a"


def test_a_proxy_of_the_environment_is_used(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", hub.url)
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    hub.replies[f"http://hub.invalid{PATH}"] = [Reply(CONTENT)]
    fetch(pinned(sha256=SHA256))
    assert [request.path for request in hub.asked] == [f"http://hub.invalid{PATH}"]


# ---- offline


def test_offline_asks_nobody_and_names_the_command_and_the_folder(hub: HubServer) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch(entry(), offline=True)
    message = str(caught.value)
    assert "the weights of net are not on this machine" in message
    assert "imagewise backbones fetch net" in message
    assert (
        f"put net.safetensors (from {ADDRESS}{PATH}) into a folder and name that folder in IMAGEWISE_WEIGHTS" in message
    )
    assert not hub.asked


def test_weights_that_nobody_publishes_are_said_so(hub: HubServer) -> None:
    for offline in (False, True):
        with pytest.raises(DownloadError, match=r"published nowhere .* Put local\.safetensors into a folder"):
            fetch(entry(WeightsFile("local.safetensors")), offline=offline)


# ---- wrong files on this machine


@pytest.mark.parametrize("content", [OTHER, CONTENT[:-9], b"<html>", b"\x80\x02.", b""])
@pytest.mark.parametrize("offline", [True, False])
def test_a_wrong_file_in_the_own_folder_is_named_and_never_replaced(
    hub: HubServer, content: bytes, offline: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(content)
    monkeypatch.setenv("IMAGEWISE_WEIGHTS", str(tmp_path))
    with pytest.raises(ModelError, match=r"net\.safetensors: .*Remove net\.safetensors"):
        fetch(pinned(sha256=SHA256), offline=offline)
    assert path.read_bytes() == content
    assert not hub.asked


@pytest.mark.parametrize("content", [OTHER, CONTENT[:-9], b""])
def test_a_damaged_file_in_the_cache_is_replaced(hub: HubServer, content: bytes) -> None:
    hub.replies[PATH] = [Reply(CONTENT)]
    path = cache_dir("weights", "net.safetensors")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(ModelError, match="Remove net"):
        fetch(pinned(sha256=SHA256), offline=True)
    assert fetch(pinned(sha256=SHA256)).read_bytes() == CONTENT


# ---- torchvision's files


PTH = "net-{}.pth"


@pytest.fixture(params=[True, False], ids=["zip", "legacy"])
def pth(request: pytest.FixtureRequest, tmp_path: Path) -> bytes:
    torch = pytest.importorskip("torch")
    torch.save(
        {"a.weight": torch.from_numpy(WEIGHTS["a.weight"]), "b.num_batches_tracked": torch.tensor(3)},
        tmp_path / "a",
        _use_new_zipfile_serialization=request.param,
    )
    return (tmp_path / "a").read_bytes()


def torchvision(content: bytes, *urls: str) -> Entry:
    digits = hashlib.sha256(content).hexdigest()[:8]
    return entry(WeightsFile(PTH.format(digits), urls, sha256_prefix=digits))


def test_a_pth_file_is_fetched_and_converted_once(store: HubServer, pth: bytes) -> None:
    store.replies["/a.pth"] = [Reply(pth)]
    net = torchvision(pth, f"{store.url}/a.pth")
    path = fetch(net)
    assert path.suffix == ".safetensors"
    assert held(path.parent) == [path.name]
    assert load_file(path).keys() == {"a.weight"}
    np.testing.assert_array_equal(read_weights(path)["a.weight"], WEIGHTS["a.weight"])
    assert find(net) == fetch(net) == fetch(net, offline=True) == path
    assert len(store.asked) == 1


def test_a_pth_file_with_other_first_digits_is_refused(store: HubServer, pth: bytes) -> None:
    store.replies["/a.pth"] = [Reply(pth)]
    net = entry(WeightsFile("net-01234567.pth", (f"{store.url}/a.pth",), sha256_prefix="01234567"))
    with pytest.raises(DownloadError, match="that of the catalog begins with 01234567"):
        fetch(net)
    assert held(cache_dir("weights")) == []


def test_a_pth_file_in_the_own_folder_is_converted_into_the_cache(
    pth: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = torchvision(pth)
    mine = tmp_path / "mine"
    mine.mkdir()
    path = mine / net.files[0].name
    path.write_bytes(pth)
    monkeypatch.setenv("IMAGEWISE_WEIGHTS", str(mine))
    for _ in range(2):
        assert fetch(net, offline=True) == cache_dir("weights", path.with_suffix(".safetensors").name)
    assert held(mine) == [path.name]
    assert path.read_bytes() == pth


def test_a_pth_file_is_read_as_it_is_where_the_cache_cannot_be_written(
    pth: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = torchvision(pth)
    (tmp_path / "cache").write_text("a file")
    path = tmp_path / net.files[0].name
    path.write_bytes(pth)
    monkeypatch.setenv("IMAGEWISE_WEIGHTS", str(tmp_path))
    assert fetch(net) == path
    assert read_weights(path).keys() == {"a.weight"}


def test_a_pth_file_that_would_run_code_is_refused_and_leaves_nothing_converted(
    store: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = b"\x80\x02cos\nsystem\nX\x0e\x00\x00\x00touch executed\x85R."
    store.replies["/a.pth"] = [Reply(content)]
    net = torchvision(content, f"{store.url}/a.pth")
    with pytest.raises(ModelError, match=r"net-.*\.pth: it is not a file that torch.save wrote"):
        fetch(net)
    assert not (tmp_path / "executed").exists()
    assert not any(name.endswith(".safetensors") for name in held(cache_dir("weights")))


def test_a_full_disk_during_the_conversion_leaves_nothing_half_written(
    store: HubServer, pth: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.replies["/a.pth"] = [Reply(pth)]
    net = torchvision(pth, f"{store.url}/a.pth")
    monkeypatch.setattr("imagewise.backbones.weights_file.write_atomically", _full_disk)
    path = fetch(net)
    assert held(path.parent) == [net.files[0].name]
    assert read_weights(path).keys() == {"a.weight"}


def _full_disk(path: Path, _: bytes) -> None:
    raise OutputError(f"cannot write {path}: No space left on device.")
