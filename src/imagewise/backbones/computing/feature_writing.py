"""Features written to the cache while they are computed, from the first picture to the last.

Whatever ends the work, the next run continues behind the last whole row. No lock is needed: of two processes at one
file, each writes the same rows to the same places.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from io import FileIO

import numpy as np

from imagewise.backbones.computing import feature_cache
from imagewise.backbones.computing.feature_cache import Features, Place, make_room, read_kept, rows_of_partial


class Writing:
    """The features of a set while they are computed; in memory where the cache cannot be written.

    Attributes:
        done: pictures whose features are here already.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._file: FileIO | None = None
        self._memory: Features | None = None
        self.done = 0
        partial = place.path("partial")
        try:
            partial.parent.mkdir(parents=True, exist_ok=True)
            place.path("pictures").write_bytes(b"".join(place.digests))
            done = len(rows_of_partial(place))
            partial.touch()
            self._file = partial.open("r+b", buffering=0)
            if done == 0:
                self._file.truncate(0)
                _write(self._file, place.header)
        except OSError:
            self._go_on_in_memory()
        else:
            self.done = done

    def append(self, rows: Features) -> None:
        """The features of the next pictures, (n, features)."""
        if self._file is not None:
            try:
                self._file.seek(len(self._place.header) + self.done * self._place.row_bytes)
                _write(self._file, rows.astype("<f4").tobytes())
            except OSError:  # a full disk
                self._go_on_in_memory()
        if self._memory is not None:
            self._memory[self.done : self.done + len(rows)] = rows
        self.done += len(rows)

    def finish(self) -> Features:
        """The features of all pictures, (N, features), memory-mapped if they are on disk."""
        if self._file is not None:
            try:
                return self._named(self._file)
            except OSError:
                self._go_on_in_memory()
        assert self._memory is not None
        return self._memory

    def close(self) -> None:
        """Leave what is done for the next run."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def _named(self, file: FileIO) -> Features:
        """The file under the name of a whole one. Raises OSError where it cannot be had."""
        os.fsync(file.fileno())
        partial, whole = self._place.path("partial"), self._place.path("npy")
        if not partial.exists() and not whole.exists():
            raise FileNotFoundError(errno.ENOENT, "somebody cleared the cache", str(partial))
        file.close()
        with suppress(FileNotFoundError):  # another process was at the same set and is done
            partial.replace(whole)
        kept = read_kept(self._place)
        if kept is None:
            raise FileNotFoundError(errno.ENOENT, "somebody cleared the cache", str(whole))
        make_room(feature_cache.MAX_BYTES, spared=whole)
        return kept

    def _go_on_in_memory(self) -> None:
        self._memory = np.empty((len(self._place.digests), self._place.features), dtype=np.float32)
        file, self._file = self._file, None
        if file is None:
            return
        partial = self._place.path("partial")
        with partial.open("rb") if file.closed else file as source:
            source.seek(len(self._place.header))
            content = source.read(self.done * self._place.row_bytes)
        self._memory[: self.done] = np.frombuffer(content, dtype="<f4").reshape(self.done, -1)
        with suppress(OSError):  # room for others, where the disk is full
            partial.unlink(missing_ok=True)


def _write(file: FileIO, content: bytes) -> None:
    """All of it: an unbuffered file may take a part."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
