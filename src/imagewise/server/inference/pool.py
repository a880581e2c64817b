"""Inference on a few threads: pictures that wait at the same time go through the network together.

A thread takes what has gathered, decodes and frames it in one go, runs the network once, and hands all results back to
the event loop in one call. Nothing waits for others to come: a single request costs one hop to a thread and one back.
Clients take turns. Large pictures, by what decoding them takes, are done one at a time beside all others.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from threading import Lock, Thread, get_native_id
from typing import Any, ParamSpec

import numpy as np
from PIL import Image

from imagewise.framing.decoding import Pixels, read_picture
from imagewise.framing.framing import Framing, frame_many
from imagewise.server.http.problems import Problem, UnexpectedPictureError, as_picture_error
from imagewise.server.inference.fair_queue import FairQueue, Source
from imagewise.server.inference.jobs import Dropped, Err, InferenceResult, Job, Ok, Outcomes, Result
from imagewise.server.inference.memory import bytes_of, give_back
from imagewise.server.limits import Limits
from imagewise.server.models import ServedModel

Arguments = ParamSpec("Arguments")

MAX_BATCH = 16  # pictures: the network is no faster with more, and the first ones would wait longer
_LARGE = 2**16  # bytes: a larger file takes long to decode, so that nothing else should wait with it
_NOBODY: Source = ("", 0)
_SWEEP_SECONDS = 0.1
_STOP_SECONDS = 5.0  # for the rest of the work at the end, when everybody has been answered
_NICENESS = 5  # of the threads, above the event loop's: finished results are sent before more are computed


class InferencePool:
    """Threads that recognise pictures. It belongs to the event loop that runs while it is made.

    Args:
        threads: how many batches are computed at once; about one a core.
        limits: of queue, pixels and seconds.
        on_batch: called with the size of each batch, on a thread of the pool.
        on_fault: called with each UnexpectedPictureError, on the event loop.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        threads: int,
        limits: Limits,
        on_batch: Callable[[int], None],
        on_fault: Callable[[Exception], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue: FairQueue[Job[Any]] = FairQueue()
        self._limits = limits
        self._on_batch = on_batch
        self._on_fault = on_fault
        self._clock = clock
        self._pending = 0
        self._large = 0  # of them, changed on the threads
        self._large_lock = Lock()
        self._waiting: deque[Job[Any]] = deque()
        # Decoding and framing small pictures is mostly Python, of which one thread runs at a time: two that take turns
        # keep the event loop waiting twice as long.
        self._in_python = Lock()
        self._loop = asyncio.get_running_loop()
        # Daemons, so that a second Ctrl-C, after which uvicorn stops nothing, ends the process nevertheless.
        self._threads = [Thread(target=self._serve, name=f"inference-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()
        self._sweep()

    @property
    def pending(self) -> int:
        """Number of jobs that wait or are being done."""
        return self._pending

    def recognise(
        self, served: ServedModel, content: bytes, source: Source = _NOBODY
    ) -> asyncio.Future[InferenceResult]:
        """Recognise the bytes of a picture file. The future may hold PictureError or Problem.

        Args:
            served: the model.
            content: of the file.
            source: who asks; the requests of one client take turns with those of others.

        Raises:
            Problem: 503, too many jobs wait already.
        """
        job: Job[InferenceResult] = self._job(source)
        job.content, job.served = content, served
        self._queue.put(job)
        return job.future

    def run(self, work: Callable[[], Result], source: Source = _NOBODY) -> asyncio.Future[Result]:
        """Do any other work on these threads, alternating with the pictures. Raises as `recognise`."""
        return self.decode(b"", lambda _: work(), source)

    def decode(self, content: bytes, work: Callable[[int], Result], source: Source = _NOBODY) -> asyncio.Future[Result]:
        """Do work that decodes a picture file, up to the number of pixels that it is told. Raises as `recognise`."""
        job: Job[Result] = self._job(source)
        job.content, job.work = content, work
        self._queue.put(job)
        return job.future

    def stop(self) -> None:
        """End the threads once all jobs are done. Those that take longer, as in an endless model, are left behind."""
        self._queue.close()
        ends = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))
        self._timer.cancel()

    def _job(self, source: Source) -> Job[Any]:
        if self._pending >= self._limits.queue:
            raise _busy()
        self._pending += 1
        job: Job[Any] = Job(self._loop.create_future(), self._clock() + self._limits.seconds, source)
        self._waiting.append(job)
        return job

    def _sweep(self) -> None:
        """Answer jobs that took too long. They expire in the order they came, so that the oldest is looked at only."""
        now = self._clock()
        while self._waiting and (self._waiting[0].future.done() or self._waiting[0].expires < now):
            future = self._waiting.popleft().future
            if not future.done():
                future.set_exception(self._too_late())
        self._timer = self._loop.call_later(_SWEEP_SECONDS, self._sweep)

    def _too_late(self) -> Problem:
        return Problem(
            504,
            f"The prediction took longer than {self._limits.seconds:g} seconds. Try again, or send a smaller picture.",
        )

    def _serve(self) -> None:
        """Loop of a thread."""
        if sys.platform == "linux":  # where a thread has a priority of its own
            niceness = os.getpriority(os.PRIO_PROCESS, get_native_id())
            os.setpriority(os.PRIO_PROCESS, get_native_id(), min(19, niceness + _NICENESS))
        while (found := self._queue.take()) is not None:
            first, is_large = found
            jobs = [first] if is_large else self._without_large(self._gather(first))
            try:
                outcomes = self._run_batch(jobs)
            finally:
                if is_large:
                    give_back()
                    with self._large_lock:
                        self._large -= 1
                    self._queue.large_done()
            self._loop.call_soon_threadsafe(self._resolve, outcomes)

    def _gather(self, first: Job[Any]) -> list[Job[Any]]:
        """A job and those that wait behind it, as far as they fit into one batch."""
        jobs, size = [first], len(first.content)
        while first.work is None and len(jobs) < MAX_BATCH and size < _LARGE:
            job = self._queue.take_small()
            if job is None:
                break
            jobs.append(job)
            size += len(job.content)
            if job.work is not None:
                break
        return jobs

    def _without_large(self, jobs: list[Job[Any]]) -> list[Job[Any]]:
        """Those of the jobs that are small. Large ones wait again, among each other."""
        small = []
        for job in jobs:
            size = 0
            if job.content and not job.future.done():
                size, job.most_pixels = bytes_of(job.content, self._limits.pixels, self._limits.memory)
            if size <= self._limits.large:
                small.append(job)
                continue
            job.large = True
            with self._large_lock:
                full = self._large >= self._limits.large_queue
                self._large += not full
            if full:
                refused: Outcomes = {job: Err(_busy())}
                self._loop.call_soon_threadsafe(self._resolve, refused)
            else:
                self._queue.put(job, large=True)
        return small

    def _run_batch(self, jobs: list[Job[Any]]) -> Outcomes:
        """Outcome of each job, and of each only one."""
        now = self._clock()
        outcomes: Outcomes = {job: Dropped() for job in jobs if job.future.done() or job.expires < now}
        groups: dict[int, list[Job[Any]]] = {}
        for job in jobs:
            if job.served is not None and job not in outcomes:
                groups.setdefault(id(job.served), []).append(job)
        for group in groups.values():
            assert group[0].served is not None
            outcomes |= self._recognise(group[0].served, group)
        for job in jobs:  # after the pictures, which are quicker
            if job.work is not None and job not in outcomes:
                try:
                    outcomes[job] = Ok(job.work(self._most(job)))
                except Exception as error:
                    outcomes[job] = Err(error)
        return outcomes

    def _recognise(self, served: ServedModel, jobs: list[Job[Any]]) -> Outcomes:
        """Outcomes of picture files for one model. No picture's error becomes another's."""
        outcomes: Outcomes = {}
        framed: dict[Job[Any], Pixels] = {}
        small = sum(len(job.content) for job in jobs) < _LARGE and not jobs[0].large
        with self._in_python if small else nullcontext():
            for job, found in zip(jobs, self._frame(jobs, served.model.framing), strict=True):
                if isinstance(found, Exception):
                    outcomes[job] = Err(found)
                else:
                    framed[job] = found
        return outcomes | self._infer(served, framed)

    def _most(self, job: Job[Any]) -> int:
        return self._limits.pixels if job.most_pixels is None else job.most_pixels

    def _frame(self, jobs: list[Job[Any]], framing: Framing) -> list[Pixels | Exception]:
        """Network input of each job's picture, uint8 (H, W, C), or its error."""
        found: list[Image.Image | Exception] = [_attempt(read_picture, j.content, self._most(j)) for j in jobs]
        pictures = [picture for picture in found if not isinstance(picture, Exception)]
        framed: Sequence[Pixels | Exception]
        try:
            framed = frame_many(pictures, framing)
        except Exception:  # one of them is at fault
            framed = [_attempt(_frame_one, picture, framing) for picture in pictures]
        each = iter(framed)
        return [picture if isinstance(picture, Exception) else next(each) for picture in found]

    def _infer(self, served: ServedModel, framed: dict[Job[Any], Pixels]) -> Outcomes:
        """Outcomes of framed pictures by one run of the network, or by a run for each where that one fails."""
        if not framed:
            return {}
        try:
            outputs = served.model.outputs(np.stack(list(framed.values())))
            self._on_batch(len(framed))
            return {j: Ok(InferenceResult(*r)) for j, *r in zip(framed, framed.values(), *outputs, strict=True)}
        except Exception as error:
            if len(framed) == 1:
                return dict.fromkeys(framed, Err(error))
        outcomes: Outcomes = {}
        for job, pixels in framed.items():
            outcomes |= self._infer(served, {job: pixels})
        return outcomes

    def _resolve(self, outcomes: Outcomes) -> None:
        """Hand outcomes to those who wait. Runs on the event loop."""
        self._pending -= len(outcomes)
        for job, outcome in outcomes.items():
            if job.future.done():  # cancelled, or answered by the sweep
                continue
            if isinstance(outcome, Err) and isinstance(outcome.error, UnexpectedPictureError):
                self._on_fault(outcome.error)
            if isinstance(outcome, Ok):
                job.future.set_result(outcome.value)
            else:
                job.future.set_exception(outcome.error if isinstance(outcome, Err) else self._too_late())
        while self._waiting and self._waiting[0].future.done():
            self._waiting.popleft()


def _busy() -> Problem:
    detail = "The server is busy: too many pictures are waiting. Try again in a second."
    return Problem(503, detail, {"Retry-After": "1"})


def _frame_one(picture: Image.Image, framing: Framing) -> Pixels:
    return frame_many([picture], framing)[0]


def _attempt(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result | Exception:
    """Result of `function`, which reads or frames one picture, or the error that it raises."""
    try:
        with as_picture_error():
            return function(*arguments, **named)
    except Exception as error:
        return error
