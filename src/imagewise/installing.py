"""The command that installs what is missing, as it works for the installation that is running."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlparse


def install_command(*extras: str) -> str:
    """The line to type for these extras of imagewise, quoted for the shell.

    imagewise is installed from a clone, from a file that somebody built, or from a package index; an extra is named
    after whichever it is. If the file or folder is gone, the line names the packages themselves.

    >>> "pip install" in install_command("tables")
    True
    """
    return _quoted([*_installer(), *_targets(extras)])


def _installer() -> list[str]:
    python = Path(sys.executable)
    if python.is_relative_to(here := _here()):
        python = python.relative_to(here)
    if find_spec("pip") is None:  # an environment that uv made
        return ["uv", "pip", "install", "--python", str(python)]
    return [str(python), "-m", "pip", "install"]


def _targets(extras: Sequence[str]) -> list[str]:
    suffix = f"[{','.join(extras)}]"
    clone = Path(__file__).parents[2]
    if (clone / "pyproject.toml").is_file():
        return ["-e", f"{'.' if clone == _here() else clone}{suffix}"]
    try:
        found = distribution("imagewise")
    except PackageNotFoundError:
        return [f"imagewise{suffix}"]
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    if not origin:  # from an index, which has the extras too
        return [f"imagewise{suffix}"]
    url = urlparse(origin["url"])
    if url.scheme != "file":
        scheme = f"{origin['vcs_info']['vcs']}+" if "vcs_info" in origin else ""
        return [f"imagewise{suffix} @ {scheme}{origin['url']}"]
    from urllib.request import url2pathname  # which imports ssl and http: not for everybody who recognises a picture

    path = Path(url2pathname(url.path))
    return [f"{path}{suffix}"] if path.exists() else _packages(found, extras)


def _packages(found: Distribution, extras: Sequence[str]) -> list[str]:
    """What the extras ask for on this machine."""
    from packaging.requirements import Requirement  # comes with onnxruntime

    wanted = []
    for text in found.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker and not marker.evaluate({"extra": ""}) and any(marker.evaluate({"extra": e}) for e in extras):
            wanted.append(f"{requirement.name}{requirement.specifier}")
    return wanted


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError:  # somebody has deleted the folder that we are in
        return Path(os.devnull)


def _quoted(arguments: Sequence[str]) -> str:
    if os.name != "nt":
        return shlex.join(arguments)
    from subprocess import list2cmdline

    return list2cmdline(arguments)
