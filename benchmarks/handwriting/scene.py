"""A subject on paper, photographed, scanned or from a screen: the picture and the truth about its ink."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from . import grounds
from .camera import captured, through_jpeg
from .layout import Layout, lay_out, longer_side
from .papers import PAPERS, Capture, paper_colour
from .pens import Pen, ink_colour, luma
from .rasterising import ENOUGH, Ink
from .rules import Written, choose_look, print_dust, print_rules
from .subjects import Subject

Made = tuple[Image.Image, NDArray[np.bool_]]
"""A picture, mode L or RGB, and its true ink, bool (height, width)."""

SMALL = 28  # pixels of a digit
HAIRLINE, TINY = 70, 95  # least contrast, in levels, of a line of a pixel and of a small digit: below, they get lost


def compose(subject: Subject, pen: Pen, paper_name: str, rng: np.random.Generator, blank: bool = False) -> Made:
    """The subject, in the ink of this pen, on a paper of `PAPERS`; `blank`: that paper before it is written on."""
    paper = PAPERS[paper_name]
    side = longer_side(rng)
    times = enlargement(side, rng)
    low, high = subject.extent()
    layout = lay_out(low, high, max(20, side // times), paper.room, rng)
    ink, width = subject.ink(layout, rng)
    capture: Capture = paper.captures[int(rng.integers(len(paper.captures)))]
    grey = bool(rng.random() < 0.35)
    colour = paper_colour(paper, grey, rng)
    contrast = max(float(rng.uniform(*pen.contrast)), paper.least_contrast, HAIRLINE if width < 1.6 else 0)
    contrast = max(contrast, TINY if float((high - low).max()) * layout.scale < SMALL else 0)
    ink_name = str(rng.choice(pen.colours))
    (left, top), (right, bottom) = layout.place(low).tolist(), layout.place(high).tolist()
    written = Written((left, top, right, bottom), bottom - top, width, contrast, ink_name)
    picture = ground(paper_name, colour, written, (layout.width, layout.height), grey, capture, rng)
    if capture != "digital" and rng.random() < 0.15:
        print_dust(picture, written, ink_colour("grey", luma(colour), 0.7 * contrast), rng)
    picture = picture.convert("L") if grey else picture
    true = np.zeros((layout.height, layout.width), np.bool_)
    if not blank:
        tone = ink_colour(ink_name, luma(colour), contrast)
        picture.paste(round(luma(tone)) if grey else tone, ink.box, grainy(ink.coverage, pen, layout, rng))
        true = ink.true(*picture.size)
    picture = captured(picture, capture, paper_name == "shadowed", contrast, width, rng)
    quality = int(rng.integers(30, 96)) if rng.random() < 0.6 else None
    if times > 1:
        if quality and rng.random() < 0.5:
            picture, quality = through_jpeg(picture, quality), None
        picture, true = enlarged(picture, true, None if blank else ink, times, rng)
    return (through_jpeg(picture, quality) if quality else picture), true


def enlargement(side: int, rng: np.random.Generator) -> int:
    """How many times a small scan was enlarged: 1 for most, else a whole number up to 6."""
    most = min(6, side // 40)
    return int(rng.integers(2, most + 1)) if most >= 2 and rng.random() < 0.1 else 1


def ground(
    name: str,
    colour: tuple[int, int, int],
    written: Written,
    size: tuple[int, int],
    grey: bool,
    capture: Capture,
    rng: np.random.Generator,
) -> Image.Image:
    """The picture before anything is written on it, mode RGB."""
    if name == "crumpled":
        picture = grounds.crumpled(size, colour, rng)
    elif name == "tablecloth":
        picture = grounds.cloth(size, colour, 0.22 * written.contrast, rng)
    else:
        picture = grounds.plain(size, colour)
    rules = PAPERS[name].rules
    if name == "sheet on a desk" and rng.random() < 0.3:
        rules = "squared" if rng.random() < 0.5 else "lined"
    if rules:
        most = {"digital": 0.0, "scan": 1.0, "photo": 4.0}[capture]  # degrees, as a standard deviation
        tilt = float(np.deg2rad(most * np.clip(rng.normal(), -2, 2)))
        # On a sheet, rules end inside the picture; and a person, too, loses a 1 or a small digit in lines like it.
        lost = written.height < SMALL or written.box[2] - written.box[0] < 0.35 * written.height
        like_strokes = rules == "box" or not (lost or name == "sheet on a desk")
        look = choose_look(written, luma(colour), grey, like_strokes, rng)
        print_rules(picture, rules, written, look, tilt, rng)
    if name == "sheet on a desk":
        picture = grounds.sheet_on_desk(picture, written.box, luma(colour), grey, rng)
    return picture


def grainy(coverage: Image.Image, pen: Pen, layout: Layout, rng: np.random.Generator) -> Image.Image:
    """The ink that is left on rough paper: a share of it is missing in the paper's pits, nowhere all of it."""
    share = float(rng.uniform(*pen.grain))
    if share == 0:
        return coverage
    pit = max(1.0, layout.scale / float(rng.uniform(60, 160)))  # pixels
    rows, columns = min(128, int(coverage.height / pit) + 2), min(128, int(coverage.width / pit) + 2)
    share = share if pit < 1.5 else min(share, 0.5)  # larger holes would be seen as gaps of the stroke
    pits = (255 * (1 - share * rng.random((rows, columns)) ** 1.5)).astype(np.uint8)
    rough = np.tile(pits, (int(coverage.height / pit / rows) + 1, int(coverage.width / pit / columns) + 1))
    size = (int(np.ceil(rough.shape[1] * pit)), int(np.ceil(rough.shape[0] * pit)))
    larger = Image.fromarray(rough).resize(size, Image.Resampling.BILINEAR)
    return ImageChops.multiply(coverage, larger.crop((0, 0, *coverage.size)))


def enlarged(
    picture: Image.Image, true: NDArray[np.bool_], ink: Ink | None, times: int, rng: np.random.Generator
) -> Made:
    """A small scan and its true ink, made `times` as large as programs do it."""
    filters = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.NEAREST)
    how = filters[int(rng.integers(len(filters)))]
    levels = Image.fromarray(true.astype(np.uint8) * 255)
    if ink:
        levels.paste(ImageChops.lighter(ink.coverage, ink.spine), ink.box[:2])
    size = (picture.width * times, picture.height * times)
    return picture.resize(size, how), np.asarray(levels.resize(size, how)) >= ENOUGH * 255
