"""Jobs of the inference pool and their outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from imagewise.framing.decoding import Pixels
from imagewise.model.session import Logits, Probabilities
from imagewise.server.inference.fair_queue import Source
from imagewise.server.models import ServedModel

Result = TypeVar("Result")


@dataclass(frozen=True)
class InferenceResult:
    """The result for one picture.

    Attributes:
        framed: the network's input, uint8 (H, W, C).
        probabilities, logits: float32 (classes,).
    """

    framed: Pixels
    probabilities: Probabilities
    logits: Logits


@dataclass(frozen=True, slots=True)
class Ok(Generic[Result]):
    """A job was done."""

    value: Result


@dataclass(frozen=True, slots=True)
class Err:
    """A job failed."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Dropped:
    """A job was not begun, because nobody waited for it any more."""


Outcome = Ok[Any] | Err | Dropped


@dataclass(eq=False, slots=True)
class Job(Generic[Result]):
    """A picture file for a model, or any other work.

    Attributes:
        future: of the result.
        expires: when nobody waits for it any more, by the pool's clock.
        source: who asked for it.
        content: the picture file that is to be decoded; empty: none.
        served: the model for the picture.
        work: what else to do, with the number of pixels up to which `content` may be decoded.
        large: whether decoding `content` takes much memory and time; then it is alone in its batch.
        most_pixels: up to which `content` may be decoded; None: not known yet.
    """

    future: asyncio.Future[Result]
    expires: float
    source: Source
    content: bytes = b""
    served: ServedModel | None = None
    work: Callable[[int], Result] | None = None
    large: bool = False
    most_pixels: int | None = None


Outcomes = dict[Job[Any], Outcome]  # a job is in it once, so that it is settled once
