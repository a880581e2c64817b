"""What a release is: the workflow that publishes it, the files in the wheel, and a wheel in an empty environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LARGEST = 260_000_000  # bytes of what installing imagewise adds to an empty environment


def data_files() -> set[str]:
    """Files of the package that are no modules, from `imagewise/` on."""
    command = ["git", "ls-files", "src/imagewise"]
    tracked = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if tracked.returncode:
        pytest.skip("not a clone")
    names = {name.removeprefix("src/") for name in tracked.stdout.splitlines() if not name.endswith(".py")}
    assert {"imagewise/backbones/mobilenet_v2_035.safetensors", "imagewise/data/sources/mnist-sample.npz"} <= names
    return names


def test_every_file_of_the_package_that_is_no_module_is_in_the_wheel() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["imagewise"]
    listed = {path for pattern in patterns for path in (ROOT / "src" / "imagewise").glob(pattern)}
    assert {ROOT / "src" / name for name in data_files()} <= listed


def test_the_attributions_are_in_the_list_of_licences() -> None:
    found = {path.name for pattern in PROJECT["project"]["license-files"] for path in ROOT.glob(pattern)}
    attributions = {"digits-attribution.txt", "mnist-sample-attribution.txt", "mobilenet_v2_035-attribution.txt"}
    assert found == {"LICENSE"} | attributions


def test_the_release_is_built_checked_and_published_without_a_password() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    assert workflow[True] == {"push": {"tags": ["v*"]}}  # YAML reads `on` as true
    assert workflow["permissions"] == {"contents": "read"}
    assert publish["needs"] == "build"
    assert publish["permissions"] == {"id-token": "write"}
    commands = " ".join(step.get("run", "") for step in build["steps"])
    assert all(word in commands for word in ("make dist", "twine check", "imagewise predict"))
    assert not re.search(r"password|secrets\.", str(workflow))


def test_the_classifiers_name_every_python_that_is_taken() -> None:
    names = {name for name in PROJECT["project"]["classifiers"] if re.search(r":: 3\.\d+$", name)}
    lowest, highest = (int(minor) for minor in re.findall(r"3\.(\d+)", PROJECT["project"]["requires-python"]))
    assert names == {f"Programming Language :: Python :: 3.{minor}" for minor in range(lowest, highest)}


def size_of(folder: Path) -> int:
    """Bytes on disk of every file under a folder."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def draw_photographs(folder: Path) -> None:
    """Two class folders of 20 pictures of 64x64 pixels: noise around a colour."""
    rng = np.random.default_rng(0)
    for name, colour in {"blue": (40, 60, 200), "red": (200, 50, 40)}.items():
        (folder / name).mkdir(parents=True)
        for number in range(20):
            levels = np.clip(rng.normal(colour, 40, (64, 64, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(levels).save(folder / name / f"{number}.png")


@pytest.mark.prove
def test_archives_hold_every_file_and_a_wheel_in_an_empty_environment_predicts_and_trains(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(tmp_path), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    (source,) = tmp_path.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        assert data_files() <= set(archive.namelist())
    with tarfile.open(source) as unpacked:
        held = {name.partition("/src/")[2] for name in unpacked.getnames()}
    assert data_files() <= held
    empty = tmp_path / "empty"
    venv.create(empty, with_pip=True)
    before = size_of(empty)
    scripts = empty / ("Scripts" if os.name == "nt" else "bin")
    ours = ("PYTHONPATH", "IMAGEWISE_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}

    def run(program: str, *arguments: object) -> str:
        done = subprocess.run(
            [scripts / program, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=environment,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    run("pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel)
    assert size_of(empty) - before <= LARGEST
    assert "3141592" in run("imagewise", "predict", ROOT / "examples" / "sheet.jpg", "--segment")
    printed = run("imagewise", "train", "--offline", "--recipe", "perceptron", "--epochs", 2, "--out", "run")
    assert "mnist-sample" in printed
    assert f"{wheel.name}[train]" in printed  # the command that installs PyTorch here
    assert "accuracy" in run("imagewise", "evaluate", "run/model.onnx", "digits")
    draw_photographs(tmp_path / "photographs")
    learn = ("--recipe", "transfer", "--backbone", "mobilenet_v2_035", "--offline", "--out", "photos")
    run("imagewise", "train", "photographs", *learn)
    assert "mobilenet_v2_035" in run("imagewise", "info", "photos/model.onnx")
