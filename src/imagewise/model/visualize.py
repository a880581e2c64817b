"""Pictures for people: what the network saw, and where on a page each character was found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from imagewise.atomic import atomic_writer
from imagewise.framing.decoding import Pixels
from imagewise.framing.own_pictures import save_own
from imagewise.model.text_recognition import Reading

_COLOURS = ((0, 114, 178), (213, 94, 0))  # of Okabe and Ito 2008, told apart by everybody: sure, unsure
_SURE = 0.9
_SHOWN_SIDE = 280  # pixels: of a framed picture enlarged for people


class ShownFolder:
    """A folder that takes one PNG a picture, called as the picture is; a number tells equal names apart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._taken: set[str] = set()

    def add(self, name: str, image: Image.Image) -> None:
        """Write `image` for the picture called `name`. Raises OutputError."""
        stem = Path(name).stem if name != "-" else "standard-input"
        free, number = stem, 2
        while free in self._taken:
            free, number = f"{stem}-{number}", number + 1
        self._taken.add(free)
        with atomic_writer(self._path / f"{free}.png") as file:
            save_own(image, file)


def draw_boxes(picture: Image.Image, reading: Reading) -> Image.Image:
    """The picture with a box and a label for each character; another colour where the model is unsure."""
    page = picture.convert("RGB")
    pen, width = ImageDraw.Draw(page), max(2, round(max(page.size) / 400))
    for character in reading.characters:
        box, prediction = character.box, character.prediction
        colour = _COLOURS[prediction.probability < _SURE]
        corners = (box.left - width, box.top - width, box.left + box.width + width, box.top + box.height + width)
        pen.rectangle(corners, outline=colour, width=width)
        font = ImageFont.load_default(max(12, min(box.height // 2, max(page.size) // 20)))
        label = pen.textbbox((0, 0), prediction.label, font=font)
        left, top = corners[0], max(0, corners[1] - label[3] - 2 * width)
        pen.rectangle((left, top, left + label[2] + 4 * width, top + label[3] + 2 * width), fill=colour)
        pen.text((left + 2 * width, top), prediction.label, fill="white", font=font)
    return page


def enlarged(framed: list[Pixels]) -> Image.Image:
    """Framed pictures, (H, W) or (H, W, C), side by side, each pixel a square that a person can see."""
    row = np.concatenate([np.pad(f, [(1, 1), (1, 1)] + [(0, 0)] * (f.ndim - 2), constant_values=96) for f in framed], 1)
    scale = max(1, _SHOWN_SIDE // framed[0].shape[0])
    levels = row[..., 0] if row.ndim == 3 and row.shape[2] == 1 else row
    return Image.fromarray(levels).resize((row.shape[1] * scale, row.shape[0] * scale), Image.Resampling.NEAREST)
