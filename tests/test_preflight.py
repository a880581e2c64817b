"""What `make` says before it installs anything: which Python, its venv module, room on the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "scripts" / "preflight.sh"

pytestmark = pytest.mark.skipif(shutil.which("sh") is None, reason="needs sh")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with the few commands that the script uses, the only one on its PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "head", "awk", "cat"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    fake(folder / "df", "echo header; echo /dev/x 0 0 $((5000 * 1024)) 0% /")
    return folder


def fake(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def python(path: Path, version: str, *, venv: bool = True) -> None:
    """A Python that knows its version, and whether it has the venv module."""
    fake(path, f'case "$2" in *version_info*) echo {version} ;; *venv*) exit {0 if venv else 1} ;; esac')


def preflight(tools: Path, command: str = "python3", megabytes: int = 1000) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(SCRIPT), command, str(megabytes), "make demo"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(tools)},
        cwd=tools,
    )


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_a_suitable_python_passes_in_silence(tools: Path, version: str) -> None:
    python(tools / "python3", version)
    done = preflight(tools)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.10", "3.14", "3.99"])
def test_another_python_is_refused_with_what_to_type(tools: Path, version: str) -> None:
    python(tools / "python3", version)
    done = preflight(tools)
    assert done.returncode == 2
    assert f"Python {version}" in done.stderr
    assert "Install Python 3.11" in done.stderr
    assert "python.org" in done.stderr
    assert "newer" not in done.stderr  # 3.14 is new already


def test_a_suitable_python_under_another_name_is_found(tools: Path) -> None:
    python(tools / "python3", "3.9")
    python(tools / "python3.12", "3.12")
    done = preflight(tools)
    assert done.returncode == 2
    assert "make demo PYTHON=python3.12" in done.stderr
    assert preflight(tools, "python3.12").returncode == 0


@pytest.mark.parametrize("apt", [True, False])
def test_no_python_at_all_is_said(tools: Path, apt: bool) -> None:
    if apt:
        fake(tools / "apt-get", "exit 0")
    done = preflight(tools)
    assert done.returncode == 2
    assert "not installed" in done.stderr
    assert ("sudo apt-get install python3" in done.stderr) is apt


@pytest.mark.parametrize("body", ["exit 127", "echo Python was not found >&2; exit 9", "true"])
def test_a_python_that_does_not_start_is_said(tools: Path, body: str) -> None:
    fake(tools / "python3", body)
    done = preflight(tools)
    assert done.returncode == 2
    assert "python3 does not start" in done.stderr


@pytest.mark.parametrize("apt", [True, False])
def test_a_missing_venv_module_is_said_with_the_package(tools: Path, apt: bool) -> None:
    python(tools / "python3", "3.12", venv=False)
    if apt:
        fake(tools / "apt-get", "exit 0")
    done = preflight(tools)
    assert done.returncode == 2
    assert "venv module" in done.stderr
    assert ("sudo apt-get install python3.12-venv" in done.stderr) is apt


@pytest.mark.parametrize(("needed", "fits"), [(4999, True), (5001, False), (90_000, False)])
def test_too_little_disk_is_said_with_both_sizes(tools: Path, needed: int, fits: bool) -> None:
    python(tools / "python3", "3.11")
    done = preflight(tools, megabytes=needed)
    assert (done.returncode == 0) is fits
    if not fits:
        assert f"{needed} MB" in done.stderr
        assert "5000 MB" in done.stderr


def dry_run(*arguments: str) -> str:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    done = subprocess.run([make, "-n", *arguments], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout


@pytest.mark.parametrize("target", ["demo", "article", "test"])
def test_each_command_looks_first_and_says_how_much_it_downloads(target: str, tmp_path: Path) -> None:
    printed = dry_run(target, f"BIN={tmp_path}/bin", "-W", "pyproject.toml")
    assert printed.index("preflight.sh") < printed.index("The download is about") < printed.index("pip install")
    assert '"make ' + target in printed


def test_chromium_is_announced_and_can_be_done_without() -> None:
    assert "make test CHROMIUM=no" in dry_run("test")
    assert "apt-get install -y" not in dry_run("test", "CHROMIUM=no")


def test_the_script_runs_in_plain_sh() -> None:
    done = subprocess.run(["sh", "-n", str(SCRIPT)], capture_output=True, text=True, check=False, env=dict(os.environ))
    assert (done.returncode, done.stderr) == (0, "")
