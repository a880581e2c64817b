"""The weights that come with imagewise: there on a new machine, without a network, and those that were published."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import imagewise
from hub_servers import HubServer, serve
from imagewise.backbones.catalog import Entry, WeightsFile, entries
from imagewise.backbones.pretrained import Pretrained
from imagewise.backbones.published import fetch, find
from imagewise.backbones.weights_file import read_weights
from imagewise.errors import ModelError
from imagewise.model.session import import_onnxruntime
from imagewise.paths import cache_dir

ROOT = Path(__file__).parents[2]
REAL_WEIGHTS = os.environ.get("IMAGEWISE_WEIGHTS")
INSIDE = Path(imagewise.__file__).parent / "backbones"
BUNDLED = [entry for entry in entries().values() if any(file.bundled for file in entry.files)]


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A new machine, and a hub that would count what it is asked."""
    for name in ("IMAGEWISE_WEIGHTS", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serve() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def bundled_file(entry: Entry) -> WeightsFile:
    (file,) = (file for file in entry.files if file.bundled)
    return file


def test_the_smallest_backbone_comes_with_imagewise() -> None:
    assert [entry.name for entry in BUNDLED] == ["mobilenet_v2_035"]


@pytest.mark.parametrize("entry", BUNDLED, ids=lambda entry: entry.name)
@pytest.mark.parametrize("offline", [True, False])
def test_bundled_weights_are_there_on_a_new_machine_without_a_network(
    entry: Entry, offline: bool, hub: HubServer
) -> None:
    path = fetch(entry, offline=offline)
    assert path == find(entry) == INSIDE / bundled_file(entry).name
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == bundled_file(entry).sha256
    assert len(content) == bundled_file(entry).bytes
    assert not cache_dir().exists()
    assert not hub.asked


@pytest.mark.parametrize("entry", BUNDLED, ids=lambda entry: entry.name)
def test_bundled_weights_make_features(entry: Entry) -> None:
    path = fetch(entry, offline=True)
    backbone = Pretrained.of_tensors(entry, read_weights(path), str(path))
    session = import_onnxruntime().InferenceSession(backbone.graph(96).SerializeToString())
    pictures = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3), dtype=np.uint8)
    (features,) = session.run(None, {"pictures": pictures})
    assert features.shape == (2, sum(entry.features))
    assert features.std() > 0.1  # neither zeros nor NaN


@pytest.mark.parametrize("entry", BUNDLED, ids=lambda entry: entry.name)
def test_files_of_the_user_come_before_those_in_imagewise(
    entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = cache_dir("weights", entry.files[0].name)
    cached.parent.mkdir(parents=True)
    cached.touch()
    assert find(entry) == cached
    mine = tmp_path / "mine" / entry.files[0].name
    mine.parent.mkdir()
    mine.touch()
    monkeypatch.setenv("IMAGEWISE_WEIGHTS", str(mine.parent))
    assert find(entry) == mine
    with pytest.raises(ModelError, match="it is empty"):  # and are not replaced in silence
        fetch(entry)


@pytest.mark.parametrize("entry", BUNDLED, ids=lambda entry: entry.name)
def test_a_file_of_the_user_under_the_bundled_name_is_not_taken(
    entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / bundled_file(entry).name).write_bytes(b"another network")
    monkeypatch.setenv("IMAGEWISE_WEIGHTS", str(tmp_path))
    assert fetch(entry, offline=True).parent == INSIDE


@pytest.mark.parametrize("entry", BUNDLED, ids=lambda entry: entry.name)
def test_a_damaged_installation_is_said_so(entry: Entry) -> None:
    other = dataclasses.replace(bundled_file(entry), sha256="0" * 64)
    with pytest.raises(ModelError, match=rf"{other.name}: wrong content.* Reinstall imagewise"):
        fetch(dataclasses.replace(entry, files=(other,)), offline=True)


@pytest.mark.parametrize("entry", BUNDLED, ids=lambda entry: entry.name)
def test_the_attribution_names_the_file_its_licence_and_its_source(entry: Entry) -> None:
    text = (INSIDE / f"{entry.name}-attribution.txt").read_text("utf-8")
    assert bundled_file(entry).name in text
    assert entry.homepage in text
    assert "Apache License, Version 2.0" in text
    assert "Changes" in text


@pytest.mark.real_data
def test_bundled_weights_are_the_published_ones_rounded_to_float16(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = entries()["mobilenet_v2_035"]
    if not REAL_WEIGHTS or not (Path(REAL_WEIGHTS) / entry.files[0].name).is_file():
        pytest.skip(f"IMAGEWISE_WEIGHTS has no {entry.files[0].name}")
    monkeypatch.setenv("IMAGEWISE_WEIGHTS", REAL_WEIGHTS)
    published = read_weights(fetch(entry))
    bundled = read_weights(INSIDE / bundled_file(entry).name)
    assert bundled.keys() == published.keys()
    for name, value in published.items():
        np.testing.assert_array_equal(bundled[name], value.astype(np.float16).astype(np.float32))
    script = ROOT / "scripts" / "bundle_backbone.py"
    made = tmp_path / "again.safetensors"
    subprocess.run([sys.executable, script, made], check=True, capture_output=True)
    assert made.stat().st_size == bundled_file(entry).bytes
    again = read_weights(made)
    assert all(np.array_equal(again[name], value) for name, value in bundled.items())
