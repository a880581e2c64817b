"""Write `fonts.csv`, the free fonts whose digits are used: `python -m benchmarks.handwriting.fonts_table`.

Lists the fonts of matplotlib and of the packages that `font_packages.py` has fetched, with the licences that the
packages' copyright files name. Run it after fetching more of them; the split goes by a font's group alone.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

from PIL import ImageFont

from .font_packages import fonts_dir
from .printed import TABLE, folders

IMITATIONS = {  # beginnings of families that show nearly the same digits: the group that they belong to
    "Helvetica": ("Liberation Sans", "FreeSans", "Nimbus Sans", "TeX Gyre Heros", "Arimo", "Aerial", "Switzera"),
    "Times": ("Liberation Serif", "FreeSerif", "Nimbus Roman", "TeX Gyre Termes", "Tinos", "Tymes", "STIX"),
    "Courier": ("Liberation Mono", "FreeMono", "Nimbus Mono", "TeX Gyre Cursor", "Cousine", "Courier Prime"),
    "Palatino": ("P052", "TeX Gyre Pagella"),
    "Bookman": ("URW Bookman", "TeX Gyre Bonum"),
    "Schoolbook": ("C059", "TeX Gyre Schola"),
    "Avant Garde": ("URW Gothic", "TeX Gyre Adventor"),
    "Chancery": ("Z003", "TeX Gyre Chorus"),
    "Vera": ("DejaVu", "Bitstream Vera", "Veranda", "Hack", "Verana"),
    "Computer Modern": ("cm", "CMU", "LM", "Latin Modern", "Computer Modern"),
    "Lato": ("Lato", "Carlito"),
    "Droid": ("Noto Sans", "Open Sans", "Droid Sans", "Noto Mono"),
    "Droid Serif": ("Noto Serif", "Droid Serif"),
    "Roboto": ("Roboto",),
    "Charter": ("Charis", "Doulos"),
    "Gentium": ("Gentium", "Galatia"),
    "Averia": ("Averia",),
    "Liberation Narrow": ("Liberation Sans Narrow",),
}
UNREADABLE = (  # beginnings of file names: digits are other signs, outlines, boxed, ruled, or dotted there
    "cmsy", "cmex", "cmmi", "D050000L", "StandardSymbols", "DSEGWeather", "DSEG7SEGGCHAN", "LinBiolinum_K",
    "OCRBE", "OCRBX", "OCRBF", "NationalPark-Outline", "PenguinAttack", "Wargames", "femkeklaver",
    "AbecedarioGuiada", "AbecedarioPautada", "AbecedarioPunt",
)  # fmt: skip
LICENCES = {  # words of copyright files in the old form: what they say
    "SIL Open Font License": "OFL",
    "GNU General Public License": "GPL",
    "GUST Font License": "GUST Font License",
    "public domain": "public domain",
}
DIGITS = "0123456789"


def group_of(family: str, package: str) -> str:
    """The family that this one imitates, by the longest beginning that fits; else the package that it comes with."""
    fitting = [
        (len(start), group) for group, starts in IMITATIONS.items() for start in starts if family.startswith(start)
    ]
    return max(fitting)[1] if fitting else package.removeprefix("fonts-")


def family_of(path: Path) -> str:
    """The family's name, or "" where the font lacks a digit, or shows a box instead."""
    try:
        font = ImageFont.truetype(path, 40)
        masks = [bytes(font.getmask(digit)) for digit in (*DIGITS, "\U0010fffd")]
    except (OSError, ValueError):
        return ""
    return str(font.getname()[0]) if len(set(masks)) == 11 and all(any(mask) for mask in masks[:10]) else ""


def package_of(path: Path) -> str:
    """The Debian package that a file belongs to, or "matplotlib"."""
    return "matplotlib" if "matplotlib" in path.parts else path.relative_to(fonts_dir()).parts[0]


def licence_of(package: str) -> str:
    """The licences that the package's copyright file names."""
    if package == "matplotlib":
        return "DejaVu, STIX and BaKoMa licences (free)"
    text = (fonts_dir() / package / "usr/share/doc" / package / "copyright").read_text("utf-8", errors="replace")
    named = re.findall(r"^License: *(\S[^\n]*)$", text, re.M) or [
        name for words, name in LICENCES.items() if words.casefold() in " ".join(text.split()).casefold()
    ]
    return "; ".join(dict.fromkeys(named))


def main() -> None:
    """Write the table."""
    files: dict[tuple[str, str], list[str]] = {}
    for name, path in sorted({path.name: path for folder in folders() for path in folder.rglob("*.[ot]tf")}.items()):
        family = family_of(path)
        if family and not name.startswith(UNREADABLE):
            files.setdefault((family, package_of(path)), []).append(name)
    licences = {package: licence_of(package) for _, package in files}
    unknown = [package for package, licence in licences.items() if not licence]
    if unknown:
        sys.exit(f"fonts_table.py: no licence found in the copyright files of {unknown}.")
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("family", "group", "package", "licence", "files"))
        for (family, package), names in sorted(files.items()):
            writer.writerow((family, group_of(family, package), package, licences[package], "|".join(names)))


if __name__ == "__main__":
    main()
