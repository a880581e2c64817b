"""The way out to the web: whole and checked, or a message that says what is missing."""

from __future__ import annotations

import io
import json
import re
import shutil
import stat
import tarfile
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from command_line import run
from contract import a_network, random_images, random_weights, write_model
from imagewise.errors import DownloadError, EngineError, TrainingError
from imagewise.export import web
from imagewise.export.export import export
from imagewise.model.model import Model
from imagewise.networks.layers import Dense, Flatten

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
        web.fetch_runtime()
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
    probabilities, logits = web.run_in_node(made.path, pictures)
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
    ask = web.run_in_node
    monkeypatch.setattr(web, "run_in_node", lambda *given: tuple(np.flip(rows, 1) for rows in ask(*given)))
    with pytest.raises(TrainingError, match="site"):
        export(model, "web", tmp_path / "site", offline=True)
    assert not (tmp_path / "site").exists()


def test_the_size_is_known_before_anything_is_written(model: Model, tmp_path: Path) -> None:
    text = web.describe_size(model)
    parts = r"(\S+) MB: the model (\S+) MB, onnxruntime-web 14\.3 MB, the page (\S+) MB"
    found = re.fullmatch(parts, text)
    assert found
    total, of_model, page = map(float, found.groups())
    assert total == pytest.approx(of_model + 14.3 + page, abs=0.2)
    assert of_model == pytest.approx(Path(model.name).stat().st_size / 1e6, abs=0.06)


@NEEDS_NODE
def test_the_size_of_onnxruntime_web_is_right() -> None:
    runtime_or_skip()
    assert sum(path.stat().st_size for path in web.fetch_runtime(offline=True).iterdir()) == web.RUNTIME_BYTES


@NEEDS_NODE
def test_the_command_says_the_size_first(model: Model, tmp_path: Path) -> None:
    runtime_or_skip()
    result = run("export", model.name, "--to", "web", "--out", tmp_path / "site", "--offline")
    assert result.exit_code == 0
    assert f"size    {web.describe_size(model)}. Visitors" in result.stderr


def test_offline_with_an_empty_cache_names_the_option(model: Model, tmp_path: Path, empty_cache: Path) -> None:
    with pytest.raises(DownloadError, match="--offline"):
        export(model, "web", tmp_path / "site", offline=True)
    assert not (tmp_path / "site").exists()


def test_who_has_no_home_is_told_that_the_cache_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(*_: object, **__: object) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr(platformdirs, "user_cache_path", no_home)
    monkeypatch.setattr(shutil, "which", lambda _: "npm")
    with pytest.raises(DownloadError, match="XDG_CACHE_HOME"):
        web.fetch_runtime()


def test_without_npm_the_message_names_it(
    model: Model, tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(EngineError, match=r"Node\.js"):
        export(model, "web", tmp_path / "site")


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo npm cannot reach it >&2; exit 1", "npm cannot reach it"), ("cp {package} $4", "npm config get registry")],
)
def test_what_npm_does_not_bring_whole_is_not_kept(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as package:
        for name in web.RUNTIME:
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = 5
            package.addfile(member, io.BytesIO(b"other"))
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\n" + script.format(package=tmp_path / "package.tgz") + "\n")
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(shutil, "which", lambda _: str(npm))
    with pytest.raises(DownloadError, match=said):
        web.fetch_runtime()
    assert list(empty_cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("mine")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "file" / "cache")
    monkeypatch.setattr(shutil, "which", lambda _: "/bin/true")
    with pytest.raises(DownloadError, match=r"file/cache.*XDG_CACHE_HOME"):
        export(model, "web", tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_the_page_gets_the_card_without_its_sketch(model: Model) -> None:
    card = web.public_card(model.card, "a.onnx")
    assert card["name"] == "a.onnx"
    assert card["data"] == {key: value for key, value in model.card.as_dict()["data"].items() if key != "sketch"}
