"""The API key: which keys can be used, and how wrong ones are slowed."""

from __future__ import annotations

import asyncio
import hmac
import re
import time
from collections.abc import Awaitable, Callable

from imagewise.errors import EngineError
from imagewise.server.http.problems import Problem

_KEY = re.compile(r"[!-~](?:[ -~]*[!-~])?")  # what a header can hold from its first to its last character
_FREE = 20  # wrong keys that are answered at once
_PER_SECOND = 1.0  # wrong keys that are answered beyond them
_LONGEST = 10.0  # seconds that a wrong key waits


def check_key(key: str) -> None:
    """Raise EngineError for a key that no request could match, or that every request without a key would match."""
    if not key.strip():
        raise EngineError("IMAGEWISE_API_KEY is empty. Set a key, or unset the variable to serve without one.")
    if not _KEY.fullmatch(key):
        raise EngineError(
            "no request can send the key in IMAGEWISE_API_KEY. Take letters, digits and signs of ASCII, without "
            "spaces or line ends around it."
        )


class KeyGuard:
    """Compares keys. The right one is never slowed, so that nobody can lock out its owner.

    Wrong keys of all clients together are answered once a second after the first ones, and wait for it at most ten
    seconds.

    Args:
        key: the right one.
        clock: seconds that only grow.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        key: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._key = key.encode()
        self._clock = clock
        self._sleep = sleep
        self._free = float(_FREE)
        self._seen = clock()

    async def check(self, given: str) -> None:
        """Compare a key in constant time. Raises Problem 401 for a wrong one, after a while, and for none."""
        if hmac.compare_digest(given.encode(), self._key):
            return
        if given:
            now = self._clock()
            self._free = min(_FREE, self._free + (now - self._seen) * _PER_SECOND) - 1
            self._seen = now
            self._free = max(self._free, -_LONGEST * _PER_SECOND)
            if self._free < 0:
                await self._sleep(-self._free / _PER_SECOND)
        detail = "A key is needed. Send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`."
        raise Problem(401, detail, {"WWW-Authenticate": "Bearer"})
