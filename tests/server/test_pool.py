"""The inference pool by itself: every job is settled once, and one that nobody waits for is never run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from holding import Clock
from imagewise.server.http.problems import Problem
from imagewise.server.inference import pool as pool_module
from imagewise.server.inference.pool import InferencePool
from imagewise.server.limits import Limits

LIMITS = Limits(seconds=30.0)


@asynccontextmanager
async def held_pool(clock: Clock) -> AsyncIterator[tuple[InferencePool, Callable[[], None]]]:
    """A pool of one thread, which is busy until the second value is called."""
    gate = threading.Event()
    entered = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold() -> None:
        loop.call_soon_threadsafe(entered.set)
        gate.wait(20)

    pool = InferencePool(1, LIMITS, lambda _: None, lambda _: None, clock)
    try:
        holding = pool.run(hold)
        await entered.wait()
        yield pool, gate.set
    finally:
        gate.set()
        await asyncio.gather(holding, return_exceptions=True)
        await asyncio.to_thread(pool.stop)


async def outcome(future: asyncio.Future[Any]) -> Any:
    """Its result, or the exception it holds."""
    return (await asyncio.gather(future, return_exceptions=True))[0]


def test_work_that_expired_while_it_waited_is_a_504_and_is_never_run() -> None:
    async def main() -> None:
        ran: list[int] = []
        clock = Clock()
        async with held_pool(clock) as (pool, let_go):
            late = [pool.run(partial(ran.append, number)) for number in range(3)]
            clock.now += LIMITS.seconds + 1
            for future in late:
                error = await outcome(future)
                assert isinstance(error, Problem)
                assert error.status == 504
            let_go()
            assert await outcome(pool.run(lambda: 42)) == 42
            assert pool.pending == 0
        assert ran == []

    asyncio.run(main())


def test_work_that_expired_before_anybody_swept_is_a_504_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        clock = Clock()
        async with held_pool(clock) as (pool, let_go):
            late = pool.run(lambda: 42)
            clock.now += LIMITS.seconds + 1
            let_go()
            error = await outcome(late)
            assert isinstance(error, Problem)
            assert error.status == 504
            assert pool.pending == 0

    monkeypatch.setattr(pool_module, "_SWEEP_SECONDS", 3600.0)
    asyncio.run(main())


def test_work_that_was_cancelled_while_it_waited_is_never_run() -> None:
    async def main() -> None:
        ran: list[int] = []
        async with held_pool(Clock()) as (pool, let_go):
            pool.run(lambda: ran.append(1)).cancel()
            let_go()
            assert await outcome(pool.run(lambda: 42)) == 42
            assert pool.pending == 0
        assert ran == []

    asyncio.run(main())
