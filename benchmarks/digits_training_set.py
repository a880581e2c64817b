"""The pictures that the built-in digit model is trained on, all from seeds: MNIST, handwriting, print, and no digits.

Pictures that show no digit have labels drawn by chance. No label is more likely than another there, so that the network
learns to answer with about a tenth for each (outlier exposure, Hendrycks, Mazeika and Dietterich 2019, with sampled
labels in place of uniform ones). Validation has none of them: nobody can be right about them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
from benchmarks.handwriting.drawing import TRAINING, VALIDATION, Drawn, generate
from benchmarks.handwriting.junk import generate_junk
from benchmarks.handwriting.printed import Split as FontSplit
from benchmarks.handwriting.printed import generate_printed
from numpy.typing import NDArray

import imagewise
from imagewise.cpu import usable_cpus
from imagewise.data.dataset import Dataset, Split, SplitRule, concatenate
from imagewise.framing.framing import Framing, frame

INK = Framing.parse("ink")
PART = 200  # pictures that a process makes at a time
EMPTY = 0.1  # as many as those with ink, at most: all that framing leaves no ink in are the same to the network

Make = Callable[..., Iterator[Drawn]]
"""A generator that has its seed: takes a count, and the number to start at as `start`."""


@dataclass(frozen=True)
class Amounts:
    """How many pictures are drawn of each source beside MNIST."""

    written: int
    """By the generator of handwriting."""
    printed: int
    """In free fonts and as seven-segment displays."""
    junk: int
    """That show no single digit; framing leaves no ink in a third of them, of which few are kept."""


CHOSEN = Amounts(30_000, 10_000, 9_000)
HELD_OUT = Amounts(3_000, 1_500, 0)


def training_set(amounts: Amounts = CHOSEN, held_out: Amounts = HELD_OUT) -> Dataset:
    """The set with its splits train and validation, framed as `ink`. MNIST comes from IMAGEWISE_DATA or its mirrors."""
    mnist = imagewise.load_data("mnist")
    train = [
        mnist["train"],
        written(amounts.written, TRAINING),
        printed(amounts.printed, "train", TRAINING),
        no_digits(amounts.junk, TRAINING),
    ]
    validation = [
        mnist["validation"],
        written(held_out.written, VALIDATION),
        printed(held_out.printed, "validation", VALIDATION),
    ]
    return together(train, validation, mnist)


def together(train: list[Split], validation: list[Split], mnist: Dataset) -> Dataset:
    """A data set of these parts, with the licence of MNIST, whose pictures are the only ones that somebody owns."""
    return Dataset(
        "MNIST with drawn and printed digits",
        mnist.class_names,
        {"train": concatenate(train), "validation": concatenate(validation)},
        INK,
        SplitRule.GIVEN,
        licence=mnist.licence,
        attribution=mnist.attribution,
    )


def written(count: int, seed: int) -> Split:
    """Handwritten digits, framed; `names` are the ways of writing. Any that framing leaves no ink in are left out."""
    return with_ink(drawn(partial(generate, seed=seed), count))


def printed(count: int, split: FontSplit, seed: int) -> Split:
    """Digits in the fonts of that split, framed; `names` are the fonts' groups. As `written`, none is without ink."""
    return with_ink(drawn(partial(generate_printed, seed=seed, split=split), count))


def no_digits(count: int, seed: int) -> Split:
    """Pictures that show no digit, framed, with labels drawn by chance, each as often; `names` say what they show."""
    every = drawn(partial(generate_junk, seed=seed), count)
    empty = ~every.images.any(axis=(1, 2, 3))
    few = empty & (np.cumsum(empty) <= EMPTY * (~empty).sum())
    chosen = every.take(np.flatnonzero(~empty | few))
    labels = np.random.default_rng(seed).permutation(np.arange(len(chosen), dtype=np.int64) % 10)
    return Split(chosen.images, labels, chosen.names)


def with_ink(split: Split) -> Split:
    """The pictures in which framing has left ink."""
    return split.take(np.flatnonzero(split.images.any(axis=(1, 2, 3))))


def drawn(make: Make, count: int) -> Split:
    """`count` pictures of a generator, framed: by all processors, and the same by any number of them."""
    starts = range(0, count, PART)
    amounts = [min(PART, count - start) for start in starts]
    # not forked: where other threads hold locks, the copies would wait for them for ever
    with ProcessPoolExecutor(usable_cpus(), get_context("spawn")) as processes:
        parts = list(processes.map(partial(drawn_part, make), amounts, starts))
    images, labels, names = zip(*parts, strict=True)
    return Split(np.concatenate(images), np.concatenate(labels), [name for part in names for name in part])


def drawn_part(make: Make, count: int, start: int) -> tuple[NDArray[np.uint8], NDArray[np.int64], list[str]]:
    """The pictures from `start` on, `count` of them."""
    made = [(frame(one.picture, INK), one.label, one.way) for one in make(count, start=start)]
    images, labels, names = zip(*made, strict=True)
    return np.stack(images), np.array(labels, dtype=np.int64), list(names)
