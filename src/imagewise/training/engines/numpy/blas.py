"""The number of threads of OpenBLAS, which NumPy multiplies matrices with. NumPy has no call for it."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np

_NAMES = ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_", "openblas_{}_num_threads")


class OpenBLAS:
    """OpenBLAS as this process has loaded it with NumPy."""

    def __init__(self, library: ctypes.CDLL, name: str) -> None:
        self._get, self._set = library[name.format("get")], library[name.format("set")]
        self._get.restype, self._get.argtypes = ctypes.c_int, []
        self._set.restype, self._set.argtypes = None, [ctypes.c_int]

    @classmethod
    def find(cls) -> OpenBLAS | None:
        """The library in NumPy's wheel; None where NumPy computes with another one: on a Mac, from conda."""
        package = Path(np.__file__).parent
        for folder in (package.with_name("numpy.libs"), package / ".dylibs"):
            for path in sorted(folder.glob("*openblas*")):
                try:
                    library = ctypes.CDLL(str(path))
                except OSError:
                    continue
                for name in _NAMES:
                    if hasattr(library, name.format("set")):
                        return cls(library, name)
        return None

    @property
    def threads(self) -> int:
        """Threads of one product."""
        return int(self._get())

    @threads.setter
    def threads(self, count: int) -> None:
        self._set(count)
