"""Pictures that wait at the same time are recognised together; nothing waits for others to come.

A few threads take what has gathered, decode and frame it in one go, run the network once, and hand all answers back to
the event loop in one call. With one request there is one hop there and one back.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread, get_native_id
from typing import Any, Generic, TypeVar

import numpy as np

from imagewise.errors import PictureError
from imagewise.model import Logits, Probabilities
from imagewise.picture import Pixels, frame_many, read_picture
from imagewise.server.limits import Limits
from imagewise.server.problems import Problem
from imagewise.server.shelf import ServedModel

Result = TypeVar("Result")

MOST = 16  # pictures a batch: the network is no faster with more, and the first ones would wait longer
_LARGE = 2**16  # bytes: a larger file takes long to decode, so that nothing else should wait with it
_SWEEP_SECONDS = 0.1
_NICENESS = 5  # of recognisers, above the event loop's: what has been recognised goes out before more is


@dataclass(frozen=True)
class Recognised:
    """What became of one picture: what the network saw, (H, W, C) uint8, and said, (classes,) each."""

    framed: Pixels
    probabilities: Probabilities
    logits: Logits


@dataclass(eq=False, slots=True)
class _Job(Generic[Result]):
    """A picture file for a model, or any other work."""

    future: asyncio.Future[Result]
    expires: float
    content: bytes = b""
    served: ServedModel | None = None
    work: Callable[[], Result] | None = None


class Recognisers:
    """Threads that recognise.

    Args:
        threads: how many batches may be under way at once; about one a core.
        limits: of queue, pixels and seconds.
        on_batch: is told the size of each batch, on a recogniser's thread.
    """

    def __init__(self, threads: int, limits: Limits, on_batch: Callable[[int], None]) -> None:
        self._queue: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._limits = limits
        self._on_batch = on_batch
        self._open = 0
        self._waiting: deque[_Job[Any]] = deque()
        # decoding and framing small pictures is mostly Python, of which one thread runs at a time: two that take turns
        # keep the event loop waiting twice as long
        self._in_python = Lock()
        self._loop = asyncio.get_running_loop()
        self._threads = [Thread(target=self._serve, name=f"recogniser-{n}") for n in range(threads)]
        for thread in self._threads:
            thread.start()
        self._sweep()

    @property
    def open(self) -> int:
        """Jobs that wait or are under way."""
        return self._open

    def recognise(self, served: ServedModel, content: bytes) -> asyncio.Future[Recognised]:
        """Recognise the bytes of a picture file. The future may hold PictureError or Problem.

        Raises:
            Problem: 503, too many wait already.
        """
        job: _Job[Recognised] = self._job()
        job.content, job.served = content, served
        self._queue.put(job)
        return job.future

    def run(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        """Do any other work on these threads, in turn with the pictures. Raises as `recognise`."""
        job: _Job[Result] = self._job()
        job.work = work
        self._queue.put(job)
        return job.future

    def stop(self) -> None:
        """End the threads once all jobs are done."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._timer.cancel()

    def _job(self) -> _Job[Any]:
        if self._open >= self._limits.queue:
            raise Problem(503, "Too many pictures wait already. Try again in a second.", {"Retry-After": "1"})
        self._open += 1
        job: _Job[Any] = _Job(self._loop.create_future(), time.monotonic() + self._limits.seconds)
        self._waiting.append(job)
        return job

    def _sweep(self) -> None:
        """Give up on what has taken too long. Jobs expire in the order they came: one look at the oldest is enough."""
        now = time.monotonic()
        while self._waiting and (self._waiting[0].future.done() or self._waiting[0].expires < now):
            future = self._waiting.popleft().future
            if not future.done():
                seconds = self._limits.seconds
                future.set_exception(Problem(504, f"No answer within {seconds:g} seconds. Send a smaller picture."))
        self._timer = self._loop.call_later(_SWEEP_SECONDS, self._sweep)

    def _serve(self) -> None:
        if sys.platform == "linux":  # where a thread has a priority of its own
            niceness = os.getpriority(os.PRIO_PROCESS, get_native_id())
            os.setpriority(os.PRIO_PROCESS, get_native_id(), min(19, niceness + _NICENESS))
        while True:
            jobs = self._gather()
            if jobs is None:
                return
            done = self._answers(jobs)
            self._loop.call_soon_threadsafe(self._settle, done)

    def _gather(self) -> list[_Job[Any]] | None:
        """The next job and what waits behind it, as far as it goes into one batch; None when it is time to end."""
        first = self._queue.get()
        if first is None:
            return None
        jobs, held = [first], len(first.content)
        while first.work is None and len(jobs) < MOST and held < _LARGE:
            try:
                job = self._queue.get_nowait()
            except Empty:
                break
            if job is None:
                self._queue.put(None)  # the end comes after this batch
                break
            jobs.append(job)
            held += len(job.content)
            if job.work is not None:
                break
        return jobs

    def _answers(self, jobs: list[_Job[Any]]) -> list[tuple[_Job[Any], Any]]:
        groups: dict[int, list[_Job[Any]]] = {}
        done: list[tuple[_Job[Any], Any]] = []
        for job in jobs:
            if job.future.cancelled() or job.expires < time.monotonic():
                done.append((job, None))  # nobody waits for it
            elif job.served is not None:
                groups.setdefault(id(job.served), []).append(job)
        for group in groups.values():
            try:
                done += self._recognise(group)
            except Exception as error:
                done += [(job, error) for job in group]
        for job in jobs:
            if job.work is not None and not job.future.cancelled():
                try:
                    done.append((job, job.work()))
                except Exception as error:
                    done.append((job, error))
        return done

    def _recognise(self, jobs: list[_Job[Any]]) -> list[tuple[_Job[Any], Any]]:
        served = jobs[0].served
        assert served is not None
        done: list[tuple[_Job[Any], Any]] = []
        readable, pictures, framed = [], [], []
        small = sum(len(job.content) for job in jobs) < _LARGE
        with self._in_python if small else nullcontext():
            for job in jobs:
                try:
                    pictures.append(read_picture(job.content, self._limits.pixels))
                    readable.append(job)
                except PictureError as error:
                    done.append((job, error))
            if readable:
                framed = frame_many(pictures, served.model.framing)
        if readable:
            outputs = served.model.outputs(np.stack(framed))
            self._on_batch(len(readable))
            done += [(j, Recognised(*r)) for j, *r in zip(readable, framed, *outputs, strict=True)]
        return done

    def _settle(self, done: list[tuple[_Job[Any], Any]]) -> None:
        self._open -= len(done)
        for job, result in done:
            if job.future.done():
                continue
            if isinstance(result, BaseException):
                job.future.set_exception(result)
            elif result is not None or job.work is not None:
                job.future.set_result(result)
        while self._waiting and self._waiting[0].future.done():
            self._waiting.popleft()
