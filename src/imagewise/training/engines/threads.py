"""How many threads an engine uses on the CPU: all that are its own, fewer while other processes need the processors."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, MutableMapping
from time import perf_counter
from typing import TYPE_CHECKING

from imagewise.load import LoadReader, threads_for

if TYPE_CHECKING:  # `predict` imports the names of the engines, and no recipes
    from imagewise.training.engines.base import Engine

LOOK_SECONDS = 2.0  # between two looks at the load
BUSY_LOOKS = 2  # one after the other, before threads are given up: a short burst, such as an update, takes none
CALM_LOOKS = 3  # one after the other, before threads are added again: work often comes in bursts
# how long a thread that waits for others keeps its processor before it sleeps: about half a millisecond. That is longer
# than threads that all run wait for each other, and less than libgomp's and Intel's own 10 and 200
_WAITING = {"GOMP_SPINCOUNT": "10000", "KMP_BLOCKTIME": "1"}


def cpu_text(threads: int, most: int) -> str:
    """`cpu (2 threads)`; `cpu (1 of 2 threads: this computer is busy)` where other processes need the rest."""
    if threads < most:
        return f"cpu ({threads} of {most} threads: this computer is busy)"
    return f"cpu ({threads} thread{'' if threads == 1 else 's'})"


def wait_briefly(environment: MutableMapping[str, str]) -> None:
    """Let threads that wait give up their processors soon, unless the user has said how they wait.

    Libraries read this when they are loaded. On a quiet computer it costs some of the speed, so it is for busy ones.
    """
    if not any(name in environment for name in ("OMP_WAIT_POLICY", *_WAITING)):
        environment.update(_WAITING)


class ThreadGovernor:
    """Looks at the load during training and changes an engine's number of threads by it.

    Args:
        engine: trains.
        load: tells how many processors are free; None: the number stays.
        changed: called after each change, with the new number and the most.
    """

    def __init__(self, engine: Engine, load: LoadReader | None, changed: Callable[[int, int], None]) -> None:
        self._engine, self._changed = engine, changed
        self._load = load if engine.most_threads > 1 else None
        self._looked = perf_counter()
        self._wanted = deque[int](maxlen=max(BUSY_LOOKS, CALM_LOOKS))  # by the last looks

    def look(self) -> None:
        """Change the number of threads if it is time to look, and several looks one after the other say so."""
        if self._load is None or perf_counter() - self._looked < LOOK_SECONDS:
            return
        self._looked = perf_counter()
        free = self._load.free_since()
        if free is None:
            return
        self._wanted.append(threads_for(self._engine.most_threads, free))
        now = self._engine.threads
        wanted = self._agreed(now)
        if wanted != now:
            self._engine.use_threads(wanted)
            if self._engine.threads != now:  # some cannot change it
                self._changed(self._engine.threads, self._engine.most_threads)

    def _agreed(self, now: int) -> int:
        """The number nearest to `now` that enough of the last looks agree on; `now` where they do not."""
        busy, calm = list(self._wanted)[-BUSY_LOOKS:], list(self._wanted)[-CALM_LOOKS:]
        if len(busy) == BUSY_LOOKS and max(busy) < now:
            return max(busy)
        if len(calm) == CALM_LOOKS and min(calm) > now:
            return min(calm)
        return now
