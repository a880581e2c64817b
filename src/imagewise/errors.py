"""Everything that imagewise raises on purpose. Each message names the file and says what to do next.

Errors that other code looks into carry fields; their text is made by `str(error)`, where it is shown.

ImagewiseError
├── DataError         pictures or labels cannot be used as a data set
├── PictureError      one picture cannot be read
│   └── LargePictureError   it has more pixels than are decoded
├── DownloadError     a file could not be fetched (exit 1: the work failed, the request was sound)
├── NetworkError      a list of layers does not fit together or does not fit its input
├── RecipeError       a recipe, or an option that overrides one, is not valid
├── EngineError       the training engine or the device asked for cannot be used, or refuses the recipe
├── TrainingError     training broke down, or its result does not agree with the file (exit 1)
├── ModelError        a model file or pretrained weights are not ours, newer, or damaged; or the input does not fit
└── OutputError       a result cannot be written
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self


class ImagewiseWarning(UserWarning):
    """Something fell back, was skipped or left out, and the work went on. To be stricter:
    `warnings.simplefilter("error", imagewise.ImagewiseWarning)`."""


class ImagewiseError(Exception):
    """Base of the tree. `exit_code` is what the command line ends with."""

    exit_code = 2


class DataError(ImagewiseError):
    """Pictures or labels cannot be used as a data set."""


class PictureError(ImagewiseError):
    """One picture cannot be read. `str(error)` is "PLACE: REASON. REMEDY".

    Attributes:
        place: the file, or what else to call the picture; None where the caller alone knows (bytes, a stream).
        reason: what is wrong, as in "no such file".
        remedy: what to do, as a sentence; "" for nothing.
    """

    def __init__(self, place: str | None, reason: str, remedy: str = "") -> None:
        super().__init__(place, reason, remedy)  # all of them: what `pickle` calls the class with
        self.place = place
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.place or 'the picture'}: {self.detail}"

    @property
    def detail(self) -> str:
        """Reason and remedy, for a list whose lines begin with the picture's name."""
        return f"{_sentence(self.reason)} {self.remedy}".rstrip()

    def at(self, place: str) -> Self:
        """The same error with another name for the picture."""
        return type(self)(place, self.reason, self.remedy)


class LargePictureError(PictureError):
    """A picture has more pixels than are decoded."""


class Attempt(NamedTuple):
    """An address that was tried for a file, and why it did not serve it; with the status of its answer, if any."""

    url: str
    reason: str
    status: int | None = None


class DownloadError(ImagewiseError):
    """A file could not be fetched. `str(error)` lists the attempts between reason and remedy.

    Attributes:
        reason: what could not be fetched, as in "train-labels-idx1-ubyte.gz could not be fetched".
        attempts: each address that was tried; none where nothing was.
        remedy: what to do, as a sentence; "" for nothing.
    """

    exit_code = 1

    def __init__(self, reason: str, attempts: Sequence[Attempt] = (), remedy: str = "") -> None:
        super().__init__(reason, tuple(attempts), remedy)
        self.reason = reason
        self.attempts = tuple(attempts)
        self.remedy = remedy

    def __str__(self) -> str:
        if not self.attempts:
            return f"{_sentence(self.reason)} {self.remedy}".rstrip()
        tried = (f"  {attempt.url}: {attempt.reason}" for attempt in self.attempts)
        return "\n".join([f"{self.reason}:", *tried, self.remedy]).rstrip()


class NetworkError(ImagewiseError):
    """A list of layers does not fit together, or does not fit its input."""


class RecipeError(ImagewiseError):
    """A recipe, or an option that overrides one of its fields, is not valid."""


class EngineError(ImagewiseError):
    """The engine or the device asked for cannot be used, or the engine refuses the recipe."""


class TrainingError(ImagewiseError):
    """Training broke down, or the model file does not agree with the trained network."""

    exit_code = 1


class ModelError(ImagewiseError):
    """A model file is not ours, is newer or damaged; or the input does not fit the model. So for pretrained weights."""


class OutputError(ImagewiseError):
    """A result cannot be written. Whatever was there before is still there."""


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def is_address(text: str) -> bool:
    """Whether it is an address, not a path: `https://example.org/a.jpg`, `s3://bucket/a.jpg`, `data:image/png;...`.

    One slash is enough, because `str(Path("https://example.org"))` has one. `C:/a.jpg`, on a drive, is a path.
    """
    return bool(re.match(r"[a-z][a-z0-9+.-]+:/{1,2}|data:\w+/", text, re.IGNORECASE))


def not_downloaded(what: str) -> tuple[str, str]:
    """Reason and remedy for an address that was given instead of a file; `what` is a picture, data, or a model."""
    return "an address, which imagewise does not open", f"Download it first, and give the path of the {what}."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'mnist'?` with up to three of `known` that are near, best first; nothing if none is near.

    Neither case nor the dashes before an option's name count: every long option shares the dashes.
    """
    from difflib import get_close_matches  # only where something went wrong

    by_stem = {name.lower().lstrip("-"): name for name in known}
    near = get_close_matches(word.lower().lstrip("-"), by_stem, n=3)
    return f" Did you mean {' or '.join(repr(by_stem[name]) for name in near)}?" if near else ""
