"""Clients that keep a server busy."""

from __future__ import annotations

import http.client
import json
import threading
from urllib.parse import urlsplit

from running_servers import PATIENCE, digit, wait_until


class Load:
    """Clients that ask without a pause, each on its own connection, till they are told to end or the server goes.

    Attributes:
        labels: of all answers.
        failures: of what was sent and never answered, or answered with anything but 200.
    """

    def __init__(self, address: str, clients: int = 6, headers: dict[str, str] | None = None) -> None:
        self.labels: list[str] = []
        self.failures: list[str] = []
        self._url = urlsplit(address)
        self._headers = headers or {}
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        wait_until(lambda: len(self.labels) > 20)
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def join(self) -> None:
        """Wait till the server has said goodbye to every client."""
        for thread in self._threads:
            thread.join(PATIENCE)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(str(self._url.hostname), self._url.port, timeout=PATIENCE)
        connection.connect()
        picture = digit()
        try:
            while not self._ends.is_set():
                connection.request("POST", "/predict", body=picture, headers=self._headers)
                answer = connection.getresponse()
                body = json.loads(answer.read())
                if answer.status == 200:
                    self.labels.append(body["label"])
                else:
                    self.failures.append(f"{answer.status} {body}")
                if answer.headers["connection"] == "close":
                    return
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(repr(error))
        finally:
            connection.close()
