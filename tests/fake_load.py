"""What a test says of the load of the computer, instead of the computer that it runs on."""

from __future__ import annotations

from collections.abc import Sequence


class FakeLoad:
    """Answers `now` at the start, and each of `later` in turn, the last one for ever. None: nothing is known."""

    def __init__(self, now: float | None, *later: float | None) -> None:
        self._now = now
        self._later: Sequence[float | None] = later or (now,)
        self.asked = 0

    def free_now(self) -> float | None:
        return self._now

    def free_since(self) -> float | None:
        self.asked += 1
        return self._later[min(self.asked, len(self._later)) - 1]
