"""A data set at a glance: its numbers, a contact sheet of samples, and a few pictures in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from imagewise.data.dataset import Dataset, Split, SplitName
from imagewise.data.memmap import iter_chunks
from imagewise.framing.framing import describe_size

if TYPE_CHECKING:
    from rich.text import Text

LARGEST_TILE = 96  # px; larger pictures are reduced to this, small ones enlarged by whole factors to about 60
GAP, MARGIN, LABEL_WIDTH = 6, 24, 150  # px
PAPER, INK, MUTED = "#ffffff", "#1c1e21", "#5b6168"
TERMINAL_PICTURE = 15  # characters wide at least: a handwritten digit can still be read
# Pillow looks for these in the system's folders: Linux, Windows, macOS
SYSTEM_FONTS = ("DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "segoeui.ttf", "YuGothM.ttc", "Arial Unicode.ttf")
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class DatasetFacts:
    """The numbers of a data set.

    Attributes:
        name: name of the set.
        shape: (H, W, C) of every picture.
        counts: number of pictures by split and class name.
        minimum, maximum, mean: of all pixel values, 0..255.
    """

    name: str
    shape: tuple[int, int, int]
    counts: dict[SplitName, dict[str, int]]
    minimum: int
    maximum: int
    mean: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "counts": self.counts,
            "values": {"min": self.minimum, "max": self.maximum, "mean": self.mean},
        }


def dataset_facts(dataset: Dataset) -> DatasetFacts:
    """Count and measure all splits of a set. Reads every picture once, memory-mapped ones piece by piece."""
    images = [split.images for split in dataset.splits.values()]
    values = sum(each.size for each in images)
    found = [(int(p.min()), int(p.max()), int(p.sum(dtype=np.int64))) for each in images for p in iter_chunks(each)]
    return DatasetFacts(
        name=dataset.name,
        shape=dataset.shape,
        counts={
            name: dict(zip(dataset.class_names, dataset.counts(name).tolist(), strict=True)) for name in dataset.splits
        },
        minimum=min(low for low, _, _ in found),
        maximum=max(high for _, high, _ in found),
        mean=sum(total for _, _, total in found) / values,
    )


def contact_sheet(dataset: Dataset, split: SplitName, per_class: int = 10, max_classes: int = 40) -> Image.Image:
    """A picture of samples: a row for each class, with its name, its count and evenly spaced pictures.

    Args:
        dataset: the data set.
        split: the split to show.
        per_class: number of pictures in a row.
        max_classes: most rows; a last line says how many classes are left out.
    """
    chosen = dataset[split]
    tile_width, tile_height = _tile_size(dataset.shape)
    row_height = max(tile_height + GAP, 40)
    names = dataset.class_names[:max_classes]
    left_out = len(dataset.class_names) - len(names)
    top = MARGIN + 44
    width = 2 * MARGIN + LABEL_WIDTH + per_class * (tile_width + GAP) - GAP
    height = top + len(names) * row_height + (28 if left_out else 0) + MARGIN
    sheet = Image.new("RGB", (max(width, 480), height), PAPER)
    draw = ImageDraw.Draw(sheet)
    title = f"{len(chosen):,} {split} pictures, {describe_size(dataset.shape)}"
    _write(draw, MARGIN, MARGIN - 4, dataset.name, 18, INK, sheet.width - 2 * MARGIN, "data set")
    _write(draw, MARGIN, MARGIN + 20, title, 13, MUTED, sheet.width - 2 * MARGIN, title)
    counts = dataset.counts(split)
    for row, name in enumerate(names):
        y = top + row * row_height
        middle = y + tile_height // 2
        _write(draw, MARGIN, middle - 18, name, 15, INK, LABEL_WIDTH - 12, f"class {row}")
        _write(draw, MARGIN, middle + 2, f"{counts[row]:,}", 13, MUTED, LABEL_WIDTH - 12, "")
        for column, index in enumerate(_samples(chosen, row, per_class)):
            tile = _picture(chosen.images[index]).resize((tile_width, tile_height), _resampling(dataset.shape))
            sheet.paste(tile, (MARGIN + LABEL_WIDTH + column * (tile_width + GAP), y))
    if left_out:
        rest = f"and {left_out:,} more classes"
        _write(draw, MARGIN, top + len(names) * row_height + 4, rest, 13, MUTED, sheet.width, rest)
    return sheet


def terminal_sheet(dataset: Dataset, split: SplitName, columns: int, max_pictures: int = 10) -> Text:
    """One picture of each class, for a terminal with 24-bit colour: each character shows two pixels.

    Args:
        dataset: the data set.
        split: the split to show; classes without a picture in it are left out.
        columns: width of the terminal in characters.
        max_pictures: most classes.
    """
    from rich.cells import set_cell_size
    from rich.text import Text

    chosen = dataset[split]
    samples = [(name, _samples(chosen, row, 1)) for row, name in enumerate(dataset.class_names)]
    shown = [(name, index[0]) for name, index in samples if len(index)][:max_pictures]
    across = max(1, min(len(shown), (columns + 1) // (TERMINAL_PICTURE + 1)))
    side = max(1, min((columns + 1) // across - 1, 2 * TERMINAL_PICTURE))
    sheet = Text(no_wrap=True)
    for start in range(0, len(shown), across):
        line = shown[start : start + across]
        sheet.append(" ".join(set_cell_size(_printable(name), side) for name, _ in line).rstrip() + "\n")
        pictures = [_terminal_pixels(chosen.images[index], side) for _, index in line]
        for y in range(0, len(pictures[0]), 2):
            for x, picture in enumerate(pictures):
                sheet.append(" " if x else "")
                _append_half_blocks(sheet, picture[y], picture[y + 1])
            sheet.append("\n")
        sheet.append("\n")
    sheet.rstrip()
    return sheet


def _terminal_pixels(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Pixels of a picture reduced or enlarged to a width of `side`: uint8 (even H, side, 3). Half blocks are square."""
    height, width = image.shape[:2]
    rows = max(2, 2 * round(side * height / width / 2))
    picture = _picture(image).convert("RGB")
    smaller = side <= width
    return np.asarray(picture.resize((side, rows), Image.Resampling.BOX if smaller else Image.Resampling.NEAREST))


def _append_half_blocks(sheet: Text, upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> None:
    for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True):
        sheet.append("▀", style=f"rgb({','.join(map(str, top))}) on rgb({','.join(map(str, bottom))})")


def _printable(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name)


def _samples(split: Split, label: int, count: int) -> list[int]:
    """Indices of at most `count` pictures of a class, evenly spaced over the split."""
    members = np.flatnonzero(split.labels == label)
    if len(members) <= count:
        return [int(i) for i in members]
    return [int(members[i * len(members) // count]) for i in range(count)]


def _picture(image: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)


def _tile_size(shape: tuple[int, int, int]) -> tuple[int, int]:
    """Width and height of a picture on the sheet, px."""
    height, width = shape[:2]
    side = max(height, width)
    factor = max(1, round(60 / side)) if side <= LARGEST_TILE else LARGEST_TILE / side
    return max(1, round(width * factor)), max(1, round(height * factor))


def _resampling(shape: tuple[int, int, int]) -> Image.Resampling:
    return Image.Resampling.NEAREST if max(shape[:2]) <= LARGEST_TILE else Image.Resampling.LANCZOS


def _write(
    draw: ImageDraw.ImageDraw, x: int, y: int, text: str, size: int, colour: str, width: int, instead: str
) -> None:
    """Write a text, cut to `width` px; write `instead` where no installed font has its characters."""
    text = _printable(text)
    font = _font(text, size)
    if font is None:
        text, font = instead, ImageFont.load_default(size)
    if draw.textlength(text, font) > width:
        while text and draw.textlength(text + "…", font) > width:
            text = text[:-1]
        text += "…"
    draw.text((x, y), text, colour, font)


def _font(text: str, size: int) -> Font | None:
    """The first font that has all characters of `text`: Pillow's own (Latin), or another one; None if none has."""
    own = ImageFont.load_default(size)
    if _can_write(own, text):
        return own
    return next((font for font in _other_fonts(size) if _can_write(font, text)), None)


def _other_fonts(size: int) -> Iterator[Font]:
    """Installed fonts with more scripts: the one that matplotlib brings, if it is installed, and the system's."""
    matplotlib = find_spec("matplotlib")
    if matplotlib is not None and matplotlib.origin is not None:
        file = Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if file.is_file():
            yield ImageFont.truetype(str(file), size)
    for name in SYSTEM_FONTS:
        try:
            font = ImageFont.truetype(name, size)
        except OSError:
            continue
        yield font


def _can_write(font: Font, text: str) -> bool:
    missing = bytes(font.getmask("\U0010ffff"))  # never a character: the box that is drawn for missing ones
    return all(character.isspace() or bytes(font.getmask(character)) != missing for character in set(text))
