"""A client that keeps count: which of the requests it sent were answered. wrk only tells how many connections broke."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Counts:
    """Of all connections together.

    Attributes:
        sent: requests that went out on an open connection.
        answered: by status.
        lost: sent, and the connection ended without a whole answer.
        refused: connections that could not be opened.
    """

    sent: int = 0
    answered: Counter[int] = field(default_factory=Counter)
    lost: int = 0
    refused: int = 0


class Client:
    """Connections that post pictures, each the next one as soon as the last is answered.

    Args:
        port: on 127.0.0.1.
        pictures: contents of PNG files, posted in turn.
    """

    def __init__(self, port: int, pictures: Sequence[bytes]) -> None:
        self.counts = Counts()
        self.ending = False  # set it: no more requests
        self.reconnecting = True  # clear it: connections that the server closes stay closed
        self._port = port
        head = "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n"
        self._requests = [head.format(len(content)).encode() + content for content in pictures]

    async def run(self, connections: int) -> None:
        """Till `ending`, or till all connections are closed for good."""
        await asyncio.gather(*(self._connect(number) for number in range(connections)))

    async def _connect(self, number: int) -> None:
        while not self.ending:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                self.counts.refused += 1
                if not self.reconnecting:
                    return
                await asyncio.sleep(0.05)
                continue
            try:
                await self._ask(reader, writer, number)
            finally:
                writer.close()
            if not self.reconnecting:
                return

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while not self.ending:
            number += 1
            try:
                writer.write(self._requests[number % len(self._requests)])
                self.counts.sent += 1
                status, stays = await _answer(reader)
            except (OSError, asyncio.IncompleteReadError):
                self.counts.lost += 1
                return
            self.counts.answered[status] += 1
            if not stays:
                return


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Status, and whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    await reader.readexactly(int(headers["content-length"]))
    return int(lines[0].split()[1]), headers.get("connection") != "close"
