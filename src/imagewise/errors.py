"""Everything that imagewise raises on purpose. Each message names the file and says what to do next.

ImagewiseError
├── DataError         pictures or labels cannot be used as a data set
├── PictureError      one picture cannot be read
│   └── LargePictureError   it has more pixels than are decoded
├── DownloadError     a named set could not be fetched (exit 1: the work failed, the request was sound)
├── NetworkError      a list of layers does not fit together or does not fit its input
├── RecipeError       a recipe, or an option that overrides one, is not valid
├── EngineError       the training engine or the device asked for cannot be used, or refuses the recipe
├── TrainingError     training broke down, or its result does not agree with the file (exit 1)
├── ModelError        a model file is not ours, is newer, or is damaged; or the input does not fit it
└── OutputError       a result cannot be written
"""

from __future__ import annotations


class ImagewiseError(Exception):
    """Base of the tree. `exit_code` is what the command line ends with."""

    exit_code = 2


class DataError(ImagewiseError):
    """Pictures or labels cannot be used as a data set."""


class PictureError(ImagewiseError):
    """One picture cannot be read."""


class LargePictureError(PictureError):
    """A picture has more pixels than are decoded."""


class DownloadError(ImagewiseError):
    """A named set could not be fetched."""

    exit_code = 1


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
    """A model file is not ours, is newer or damaged; or the input does not fit the model."""


class OutputError(ImagewiseError):
    """A result cannot be written. Whatever was there before is still there."""
