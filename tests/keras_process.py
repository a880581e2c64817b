"""TensorFlow in a process of its own, which the tests ask: it never shares one with PyTorch.

The process starts at the first question, a few seconds, and serves all later ones of the same test worker.
`ask("tensorflow_answers", "logits", network, weights, images)` calls `tensorflow_answers.logits` over there.
"""

from __future__ import annotations

import atexit
import importlib
import multiprocessing
from contextlib import AbstractContextManager
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from imagewise.data.dataset import Dataset, Split
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines.base import Callbacks, FitResult, Learner
from imagewise.training.job import TrainingJob

WAIT_SECONDS = 300


def ask(module: str, function: str, *arguments: Any, callbacks: Callbacks | None = None) -> Any:
    """What the function over there returns, or raises. What it sends to `callbacks` reaches these here."""
    connection = _connection()
    connection.send((module, function, arguments, callbacks is not None))
    while True:
        if not connection.poll(WAIT_SECONDS):
            raise TimeoutError(f"{module}.{function} did not answer")
        kind, value = connection.recv()
        if kind == "raised":
            raise value
        if kind == "returned":
            return value
        name, values = value
        try:
            getattr(callbacks, name)(*values)
            connection.send(None)
        except KeyboardInterrupt as interrupt:
            connection.send(interrupt)


class RemoteEngine:
    """The TensorFlow engine over there, behind the seam here."""

    device = "cpu, in another process"
    threads = 1
    most_threads = 1

    def fit(self, job: TrainingJob, dataset: Dataset, callbacks: Callbacks, resume: Checkpoint | None) -> FitResult:
        answer = ask("tensorflow_answers", "fit", job.to_bytes(), dataset, resume, callbacks=callbacks)
        assert isinstance(answer, FitResult)
        return answer

    def settle(self, job: TrainingJob) -> TrainingJob:
        raise NotImplementedError("the whole loop runs over there")

    def learner(self, job: TrainingJob, training: Split) -> Learner:
        raise NotImplementedError("the whole loop runs over there")

    def use_threads(self, count: int) -> None:
        raise NotImplementedError("the whole loop runs over there")

    def active(self) -> AbstractContextManager[None]:
        raise NotImplementedError("the whole loop runs over there")


class Relay(Callbacks):
    """Over there: passes on what is reported, and Ctrl-C back."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def on_batch(self, *values: Any) -> None:
        self._pass_on("on_batch", values)

    def on_epoch(self, *values: Any) -> None:
        self._pass_on("on_epoch", values)

    def _pass_on(self, name: str, values: tuple[Any, ...]) -> None:
        self._connection.send(("called", (name, values)))
        answer = self._connection.recv()
        if answer is not None:
            raise answer


def serve(connection: Connection) -> None:
    """Answer until nobody asks any more."""
    while True:
        try:
            module, function, arguments, relays = connection.recv()
        except EOFError:
            return
        try:
            extra = {"callbacks": Relay(connection)} if relays else {}
            answer = getattr(importlib.import_module(module), function)(*arguments, **extra)
            connection.send(("returned", answer))
        except Exception as error:
            connection.send(("raised", error))


@cache
def _connection() -> Connection:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    process.start()
    there.close()
    atexit.register(_end, here, process)
    return here


def _end(connection: Connection, process: BaseProcess) -> None:
    connection.close()
    process.join(10)
