"""Errors carry fields, and say the same after they went to another process."""

from __future__ import annotations

import pickle

import pytest

from imagewise import errors
from imagewise.errors import Attempt, DownloadError, ImagewiseError, LargePictureError, PictureError

ATTEMPTS = [Attempt("http://a/x", "the server answers 404"), Attempt("http://b/x", "broke off")]
SAMPLES: list[ImagewiseError] = [
    PictureError("a.png", "no such file", "Check the path."),
    PictureError(None, "the file is empty"),
    LargePictureError("a.png", "over 80 million pixels", "Reduce the picture first."),
    DownloadError("x could not be fetched", ATTEMPTS, "Check the network."),
    DownloadError("x is not in the cache", remedy="Run it once without --offline."),
    *(
        kind("what happened. What to do.")
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, ImagewiseError)
        and not issubclass(kind, PictureError | DownloadError)
    ),
]


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_with_its_fields(error: ImagewiseError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), vars(again), again.exit_code) == (str(error), vars(error), error.exit_code)


def test_a_picture_error_says_place_reason_and_remedy() -> None:
    error = PictureError("a.png", "no such file", "Check the path.")
    assert str(error) == "a.png: no such file. Check the path."
    assert error.detail == "no such file. Check the path."
    assert str(PictureError("a.png", "cut off")) == "a.png: cut off."


def test_bytes_have_no_place_until_the_caller_names_one() -> None:
    error = LargePictureError(None, "over 80 million pixels", "Reduce it.")
    assert str(error).startswith("the picture: over 80")
    named = error.at("standard input")
    assert isinstance(named, LargePictureError)
    assert str(named) == "standard input: over 80 million pixels. Reduce it."


def test_a_download_error_lists_each_attempt_between_reason_and_remedy() -> None:
    lines = str(DownloadError("x could not be fetched", ATTEMPTS, "Check the network.")).splitlines()
    assert [line.strip() for line in lines] == [
        "x could not be fetched:",
        "http://a/x: the server answers 404",
        "http://b/x: broke off",
        "Check the network.",
    ]
    assert str(DownloadError("x is missing", remedy="Fetch it.")) == "x is missing. Fetch it."


def test_the_tree_in_the_docstring_names_each_class() -> None:
    assert errors.__doc__ is not None
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, ImagewiseError)}
    assert kinds == {word for word in errors.__doc__.split() if word.endswith("Error")}
