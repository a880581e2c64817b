"""A queue that is fair: clients take turns, and so do the requests of each client."""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import Generic, Protocol, TypeVar

Source = tuple[str, int]  # address of a client, and number of one of its requests


class Sourced(Protocol):
    """What can wait here."""

    @property
    def source(self) -> Source:
        """Who asked for it."""


Item = TypeVar("Item", bound=Sourced)


class Turns(Generic[Item]):
    """Items of several requests of several clients. The next one is another client's, if there is one, and of a client
    another request's. Taking an item costs the same however many wait."""

    def __init__(self) -> None:
        self._clients: dict[str, dict[int, deque[Item]]] = {}  # each dictionary in the order of turns

    def __bool__(self) -> bool:
        return bool(self._clients)

    def put(self, item: Item) -> None:
        """Add an item behind those of its request."""
        client, request = item.source
        self._clients.setdefault(client, {}).setdefault(request, deque()).append(item)

    def take(self) -> Item:
        """The next item. Raises StopIteration if there is none."""
        client = next(iter(self._clients))
        requests = self._clients.pop(client)
        request = next(iter(requests))
        items = requests.pop(request)
        item = items.popleft()
        if items:
            requests[request] = items  # behind the others
        if requests:
            self._clients[client] = requests
        return item


class FairQueue(Generic[Item]):
    """Small and large items, for several threads. At most one large item is under way at a time, so that large ones
    keep nobody from small ones, where there are two threads; where there is one, small and large take turns."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._small: Turns[Item] = Turns()
        self._large: Turns[Item] = Turns()
        self._large_under_way = False
        self._small_is_next = False
        self._closed = False

    def put(self, item: Item, *, large: bool = False) -> None:
        """Add an item."""
        with self._changed:
            (self._large if large else self._small).put(item)
            self._changed.notify()

    def take(self) -> tuple[Item, bool] | None:
        """Wait for the next item. Returns it, and whether it is large; None once the queue is closed and empty.

        After a large item, call `large_done`.
        """
        with self._changed:
            while True:
                if self._large and not self._large_under_way and not (self._small and self._small_is_next):
                    self._large_under_way = self._small_is_next = True
                    return self._large.take(), True
                if self._small:
                    self._small_is_next = False
                    return self._small.take(), False
                if self._closed and not self._large:
                    return None
                self._changed.wait()

    def take_small(self) -> Item | None:
        """The next small item, if one waits."""
        with self._changed:
            return self._small.take() if self._small else None

    def large_done(self) -> None:
        """Let the next large item begin."""
        with self._changed:
            self._large_under_way = False
            self._changed.notify_all()

    def close(self) -> None:
        """Let `take` return None to all threads once nothing is left."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
