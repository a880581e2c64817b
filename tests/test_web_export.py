"""The way out to the web: whole and checked, or a message that says what is missing."""

from __future__ import annotations

import io
import json
import shutil
import stat
import tarfile
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from contract import a_network, random_images, random_weights, write_model
from imagewise import web_export
from imagewise.errors import DownloadError, EngineError, TrainingError
from imagewise.export import export
from imagewise.layers import Dense, Flatten
from imagewise.model import Model

NETWORK = a_network(Flatten(), Dense(3), shape=(12, 10, 1))
NEEDS_NODE = pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node.js and npm")


@pytest.fixture
def model(tmp_path: Path) -> Model:
    names = ("bottom", "middle", "top")
    return Model.open(write_model(tmp_path / "model.onnx", NETWORK, random_weights(NETWORK), class_names=names))


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cache = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: cache)
    return cache


def runtime_or_skip() -> None:
    try:
        web_export.fetch_runtime()
    except DownloadError as error:
        pytest.skip(str(error))


@NEEDS_NODE
def test_the_folder_holds_all_that_the_page_needs_and_answers_as_the_model_file_does(
    model: Model, tmp_path: Path
) -> None:
    runtime_or_skip()
    made = export(model, "web", tmp_path / "site", offline=True)
    assert (made.checked_on, made.count) == ("random pictures", 200)
    assert made.largest_difference < 1e-4
    pictures = random_images(NETWORK, 7, seed=9)
    probabilities, logits = web_export.run_in_node(made.path, pictures)
    np.testing.assert_allclose(probabilities, model.predict_batch(pictures), atol=1e-5)
    np.testing.assert_allclose(logits, model.logits(pictures), rtol=1e-4, atol=1e-4)
    assert sorted(path.name for path in made.path.iterdir()) == ["card.json", "index.html", "model.onnx", "static"]
    assert json.loads((made.path / "card.json").read_text())["class_names"] == ["bottom", "middle", "top"]
    page = (made.path / "index.html").read_text()
    assert 'data-answers="browser"' in page
    assert "://" not in page


@NEEDS_NODE
def test_a_folder_that_answers_otherwise_is_not_kept(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime_or_skip()
    ask = web_export.run_in_node
    monkeypatch.setattr(web_export, "run_in_node", lambda *given: tuple(np.flip(rows, 1) for rows in ask(*given)))
    with pytest.raises(TrainingError, match="answers otherwise"):
        export(model, "web", tmp_path / "site", offline=True)
    assert not (tmp_path / "site").exists()


def test_offline_with_an_empty_cache_says_what_to_do(model: Model, tmp_path: Path, empty_cache: Path) -> None:
    with pytest.raises(DownloadError, match="once without --offline"):
        export(model, "web", tmp_path / "site", offline=True)
    assert not (tmp_path / "site").exists()


def test_without_npm_the_message_names_it(
    model: Model, tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(EngineError, match=r"no npm\. Install Node\.js"):
        export(model, "web", tmp_path / "site")


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo npm cannot reach it >&2; exit 1", "npm cannot reach it"), ("cp {package} $4", "is not what was tested")],
)
def test_what_npm_does_not_bring_whole_is_not_kept(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as package:
        for name in web_export.RUNTIME:
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = 5
            package.addfile(member, io.BytesIO(b"other"))
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\n" + script.format(package=tmp_path / "package.tgz") + "\n")
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(shutil, "which", lambda _: str(npm))
    with pytest.raises(DownloadError, match=said):
        web_export.fetch_runtime()
    assert list(empty_cache.iterdir()) == []
