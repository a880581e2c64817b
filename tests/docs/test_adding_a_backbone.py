"""What docs/backbones.md says of adding a backbone is enough: a copy of imagewise with these three files has it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from torch.nn import functional as F

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "backbones.md").read_text("utf-8").partition("## Add a backbone")[2]
FILES = ("networks/families/tiny.py", "backbones/families.py", "backbones/catalog.toml")

FEATURES = """
import sys
import numpy as np
from imagewise.backbones.catalog import entry
from imagewise.backbones.pretrained import Pretrained
from imagewise.backbones.published import fetch
from imagewise.backbones.weights_file import read_weights
from imagewise.model.session import import_onnxruntime

path = fetch(entry("tiny"), offline=True)
backbone = Pretrained.of_tensors(entry("tiny"), read_weights(path), str(path))
session = import_onnxruntime().InferenceSession(backbone.graph(33).SerializeToString())
np.save(sys.argv[2], session.run(None, {"pictures": np.load(sys.argv[1])})[0])
"""


def block(kind: str) -> str:
    """The page's only block of that kind."""
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


def patched(text: str, diff: str) -> str:
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] in " -")
        new = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(old) == 1, f"docs/backbones.md changes lines that are not in the file:\n{old}"
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of imagewise's source with the three files of the page."""
    source = tmp_path_factory.mktemp("source")
    package = shutil.copytree(
        ROOT / "src" / "imagewise", source / "imagewise", ignore=shutil.ignore_patterns("__pycache__")
    )
    layers, families, catalog = (package / name for name in FILES)
    layers.write_text(block("python"))
    families.write_text(patched(families.read_text("utf-8"), block("diff")))
    catalog.write_text(catalog.read_text("utf-8") + "\n" + block("toml"))
    return source


@pytest.fixture(scope="module")
def tensors() -> dict[str, NDArray[np.float32]]:
    """What the author of the network would publish."""
    rng = np.random.default_rng(0)
    made = {}
    for stage, (before, after) in enumerate([(3, 16), (16, 32), (32, 64)]):
        made[f"stages.{stage}.conv.weight"] = rng.normal(0, 0.3, (after, before, 3, 3))
        for part, low in (("weight", 0.5), ("bias", -0.5), ("running_mean", -0.5), ("running_var", 0.5)):
            made[f"stages.{stage}.norm.{part}"] = rng.uniform(low, low + 1, after)
    return {name: value.astype(np.float32) for name, value in made.items()}


@pytest.fixture
def environment(source: Path, tensors: dict[str, NDArray[np.float32]], tmp_path: Path) -> dict[str, str]:
    """That of a user who has put the published file into a folder."""
    (tmp_path / "weights").mkdir()
    save_file(tensors, tmp_path / "weights" / "tiny.safetensors")
    return os.environ | {"PYTHONPATH": str(source), "IMAGEWISE_WEIGHTS": str(tmp_path / "weights")}


def python(environment: dict[str, str], *arguments: object) -> str:
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_new_backbone_is_listed_and_found(environment: dict[str, str], tmp_path: Path) -> None:
    listed: list[dict[str, Any]] = json.loads(python(environment, "-m", "imagewise", "backbones", "--json"))
    (tiny,) = (each for each in listed if each["name"] == "tiny")
    assert tiny["path"] == str(tmp_path / "weights" / "tiny.safetensors")
    assert (tiny["features"], tiny["verified"], tiny["host"]) == (64, False, "example.org")


def test_the_tests_of_the_catalog_hold_for_it(environment: dict[str, str]) -> None:
    names = "published_number_of_weights or same_weights_at_every_side"
    command = ("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-k", f"({names}) and tiny")
    assert "2 passed" in python(environment, *command, ROOT / "tests" / "backbones" / "test_pretrained.py")


def test_its_features_are_those_of_the_network(
    environment: dict[str, str], tensors: dict[str, NDArray[np.float32]], tmp_path: Path
) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (3, 33, 33, 3), dtype=np.uint8)
    np.save(tmp_path / "pictures.npy", pictures)
    python(environment, "-c", FEATURES, tmp_path / "pictures.npy", tmp_path / "features.npy")
    scaled = (pictures / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    x = torch.from_numpy(scaled.astype(np.float32).transpose(0, 3, 1, 2))
    for stage in range(3):
        x = F.conv2d(x, torch.from_numpy(tensors[f"stages.{stage}.conv.weight"]), stride=2, padding=1)
        mean, variance, scale, shift = (
            torch.from_numpy(tensors[f"stages.{stage}.norm.{part}"])
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        x = F.batch_norm(x, mean, variance, scale, shift, eps=1e-5).relu()
    np.testing.assert_allclose(np.load(tmp_path / "features.npy"), x.mean((2, 3)).numpy(), rtol=1e-4, atol=1e-5)
