"""The command that installs an extra is one that works for this installation."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from imagewise import installing
from imagewise.installing import install_command

ROOT = Path(__file__).parent.parent


class Installed:
    """A distribution with this direct_url.json."""

    requires = (  # of two extras
        "numpy>=2",
        'pyarrow>=17; extra == "tables"',
        "tensorflow-cpu>=2; sys_platform == 'never' and extra == 'tensorflow'",
        "tensorflow>=2; sys_platform != 'never' and extra == 'tensorflow'",
    )

    def __init__(self, origin: object) -> None:
        self._origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self._origin is None else json.dumps(self._origin)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """imagewise as a wheel leaves it: no pyproject.toml two folders above. Returns a folder for package files."""
    monkeypatch.setattr(installing, "__file__", str(tmp_path / "site-packages" / "imagewise" / "installing.py"))
    return tmp_path


def from_origin(monkeypatch: pytest.MonkeyPatch, origin: object) -> None:
    monkeypatch.setattr(installing, "distribution", lambda _: Installed(origin))


def test_in_a_clone_it_installs_the_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    assert install_command("tables").endswith("-m pip install -e '.[tables]'")
    monkeypatch.chdir(tmp_path)
    assert install_command("train", "tensorflow").endswith(f"-m pip install -e '{ROOT}[train,tensorflow]'")


def test_python_is_named_as_one_types_it_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.chdir(tmp_path)
    assert install_command("tables").startswith(".venv/bin/python -m pip install ")
    monkeypatch.chdir(ROOT)
    assert install_command("tables").startswith(f"{tmp_path}/.venv/bin/python -m pip install ")


def test_a_folder_with_a_space_is_quoted(monkeypatch: pytest.MonkeyPatch, installed: Path) -> None:
    file = installed / "my files" / "imagewise-0.1.0-py3-none-any.whl"
    file.parent.mkdir()
    file.touch()
    from_origin(monkeypatch, {"url": file.as_uri(), "archive_info": {}})
    assert shlex.split(install_command("serve"))[-1] == f"{file}[serve]"


@pytest.mark.parametrize(
    ("origin", "target"),
    [
        (None, "imagewise[tables]"),  # from an index
        ({"url": "https://x.org/i.git", "vcs_info": {"vcs": "git"}}, "imagewise[tables] @ git+https://x.org/i.git"),
        ({"url": "https://x.org/i.whl", "archive_info": {}}, "imagewise[tables] @ https://x.org/i.whl"),
        ({"url": "file:///gone/i.whl", "archive_info": {}}, "pyarrow>=17"),
    ],
)
def test_a_wheel_is_named_by_where_it_came_from(
    installed: Path, monkeypatch: pytest.MonkeyPatch, origin: object, target: str
) -> None:
    from_origin(monkeypatch, origin)
    assert shlex.split(install_command("tables"))[-1] == target


def test_packages_for_another_machine_are_left_out(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from_origin(monkeypatch, {"url": "file:///gone/i.whl"})
    assert shlex.split(install_command("tables", "tensorflow"))[4:] == ["pyarrow>=17", "tensorflow>=2"]


def test_without_pip_it_is_uv_that_installs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "find_spec", lambda _: None)
    *command, python = shlex.split(install_command("tables"))[:5]
    assert command == ["uv", "pip", "install", "--python"]
    assert Path(python).absolute() == Path(sys.executable)  # from here on, where that is shorter


def test_a_folder_that_is_gone_is_no_obstacle(tmp_path: Path) -> None:
    code = "import os; from imagewise.installing import install_command as c; os.rmdir(os.getcwd()); print(c('x'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "pip install" in done.stdout, done.stderr


def test_no_message_names_a_package_that_is_not_published() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        assert "pip install 'imagewise[" not in path.read_text("utf-8"), path
