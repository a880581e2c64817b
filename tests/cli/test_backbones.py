"""`imagewise backbones`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import save

import imagewise
from backbones.published_tensors import published_tensors
from command_line import refused, run
from hub_servers import HubServer, Reply, serve
from imagewise.backbones.catalog import entries, entry


@pytest.fixture(autouse=True)
def _new_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights but those that come with imagewise."""
    for name in ("IMAGEWISE_WEIGHTS", "HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("imagewise.fetch.PAUSE_SECONDS", 0.0)


def listed() -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(run("backbones", "--json").stdout)}


def test_the_table_has_a_line_for_each_backbone_and_says_where_it_is() -> None:
    result = run("backbones")
    assert (result.exit_code, result.stderr) == (0, "")
    header, *lines = result.stdout.splitlines()
    assert header.split() == ["backbone", "parameters", "MB", "ImageNet", "licence", "verified", "where"]
    assert [line.split()[0] for line in lines] == list(entries())
    by_name = {line.split()[0]: line for line in lines}
    assert re.search(r"11,176,512 +46.8 +69.8% +BSD-3-Clause +no ", by_name["resnet18"])
    assert by_name["resnet18"].endswith("not here: 46.8 MB to download from download.pytorch.org")
    assert "imagewise: " in by_name["mobilenet_v2_035"]


def test_json_has_the_facts_of_the_catalog_and_where_each_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "weights"
    here.mkdir()
    (here / "resnet50-0676ba61.pth").write_bytes(b"12345")
    monkeypatch.setenv("IMAGEWISE_WEIGHTS", str(here))
    cached = tmp_path / "cache" / "imagewise" / "weights" / "mobilenet_v2-b0353104.safetensors"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"123")
    found = listed()
    keys = ("place", "path", "bytes", "host", "verified")
    assert [found["resnet50"][key] for key in keys] == [
        "IMAGEWISE_WEIGHTS",
        str(here / "resnet50-0676ba61.pth"),
        5,
        "download.pytorch.org",
        False,
    ]
    assert [found["mobilenet_v2"][key] for key in keys[:3]] == ["cache", str(cached), 3]
    assert [found["efficientnet_lite0"][key] for key in keys[:2]] == [None, None]
    assert found["efficientnet_lite0"]["verified"]
    assert found["mobilenet_v2_035"]["place"] == "imagewise"
    assert found["mobilenet_v2_035"]["host"] is None
    for name, each in found.items():
        known = entry(name)
        assert each["features"] == sum(known.features)
        for key in ("title", "parameters", "top1", "licence", "citation", "homepage"):
            assert each[key] == getattr(known, key)


@pytest.mark.parametrize(("name", "megabytes"), [("efficientnet_lite0", 18.8), ("mobilenetv4_conv_small", 15.2)])
def test_a_download_of_unknown_size_is_estimated(name: str, megabytes: float) -> None:
    assert next(file for file in entry(name).files if file.urls).bytes is None
    assert listed()[name]["bytes"] / 1e6 == pytest.approx(megabytes, abs=0.05)  # what the hub says


def test_another_hub_is_named_where_the_environment_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.org/mirror")
    assert listed()["mobilenetv4_conv_small"]["host"] == "hub.example.org"
    assert listed()["resnet18"]["host"] == "download.pytorch.org"
    monkeypatch.setenv("HF_ENDPOINT", "no address")
    result = run("backbones")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "HF_ENDPOINT" in result.stderr


def test_the_same_list_is_a_public_function() -> None:
    found = imagewise.pretrained_backbones()
    assert [each.name for each in found] == list(listed())
    assert isinstance(found[0].top1, float)


def test_it_is_a_function_whatever_was_imported_before() -> None:
    code = "import imagewise.backbones.catalog, imagewise; print(len(imagewise.pretrained_backbones()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{len(entries())}\n"


# ---- fetch

V4 = "mobilenetv4_conv_small"
PATH = "/timm/mobilenetv4_conv_small.e2400_r224_in1k/resolve/main/model.safetensors"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub in the place of the Hugging Face hub."""
    with serve() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def test_fetch_downloads_once_and_prints_the_file(hub: HubServer, tmp_path: Path) -> None:
    hub.replies[PATH] = [Reply(save(published_tensors(entry(V4))))]
    result = run("backbones", "fetch", V4)
    path = tmp_path / "cache" / "imagewise" / "weights" / f"{V4}.e2400_r224_in1k.safetensors"
    assert (result.exit_code, result.stdout) == (0, f"{V4}  {path}\n")
    assert path.read_bytes() == hub.replies[PATH][0].body
    assert listed()[V4]["path"] == str(path)
    assert run("backbones", "fetch", V4).stdout == result.stdout
    assert len(hub.asked) == 1


def test_fetch_refuses_weights_of_another_network(hub: HubServer) -> None:
    hub.replies[PATH] = [Reply(save(published_tensors(entry("mobilenet_v2_035"))))]
    refused(run("backbones", "fetch", V4), f"not the weights of {V4}", "conv_stem.weight")


def test_a_misspelt_name_is_refused_before_anything_is_downloaded(hub: HubServer) -> None:
    hub.replies[PATH] = [Reply(b"")]
    refused(run("backbones", "fetch", V4, "resnet8"), "resnet8", "resnet18")
    assert hub.asked == []


def test_a_download_that_fails_is_exit_1_and_says_what_to_do(hub: HubServer) -> None:
    result = run("backbones", "fetch", V4)
    assert (result.exit_code, result.stdout) == (1, "")
    for words in (hub.url + PATH, "404", "IMAGEWISE_WEIGHTS"):
        assert words in result.stderr


def test_what_comes_with_imagewise_is_not_downloaded() -> None:
    result = run("backbones", "fetch", "mobilenet_v2_035")
    assert result.stdout.startswith("mobilenet_v2_035  ")


def test_json_is_for_the_list() -> None:
    refused(run("backbones", "--json", "fetch", "mobilenet_v2_035"), "--json")


def test_quiet_and_verbose_go_before_or_after(hub: HubServer) -> None:
    for words in (["-q", "backbones"], ["backbones", "-q"], ["backbones", "-q", "fetch", "mobilenet_v2_035"]):
        result = run(*words)
        assert (result.exit_code, result.stderr) == (0, "")
    assert "IMAGEWISE_WEIGHTS" in run("backbones", "-v").stderr
