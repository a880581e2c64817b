"""Which versions made a result: of Python, of imagewise and of the packages that decide numbers."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("imagewise", "numpy", "pillow", "onnx", "onnxruntime", "torch", "tensorflow", "tensorflow-cpu", "keras")


def installed_versions() -> dict[str, str]:
    """Name to version; what is not installed is left out."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
