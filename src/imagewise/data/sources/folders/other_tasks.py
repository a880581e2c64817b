"""Sets for other tasks: detection (boxes) and segmentation (masks). They are recognised, and refused by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from imagewise.data.sources.folders.file_names import labels_of
from imagewise.data.sources.folders.listing import Kinds, is_meant, subfolders
from imagewise.data.splits import is_like_split
from imagewise.errors import DataError

_BOX_SUFFIXES = (".txt", ".xml", ".json")
_LOOKED_AT = 20  # files of a kind, to see what they are
_MOST_BYTES = 2**16  # of a file that is looked into
_PICTURE_FOLDERS = re.compile(r"(jpeg)?(images?|imgs?|pictures?|photos?|inputs?|originals?|rgb|frames?|x|data)")
_MASK_FOLDERS = re.compile(
    r"(ground_?truths?|gts?|masks?|segmentation\w*|annots?|annotations?|labels?|trimaps?|seg_?masks?|mask_?images?)"
    r"|(images?|imgs?|pictures?|photos?)_?(masks?|gts?|labels?)"
)
_BOX_LINE = re.compile(r"\d+( +[-+]?\d*\.?\d+(e[-+]?\d+)?){4,}\s*")  # YOLO: class, centre, size; or a polygon
_BOX_FILES = (
    ("_annotations.coco.json", "COCO boxes"),
    ("_annotations.createml.json", "CreateML boxes"),
    ("_annotations.csv", "boxes"),
    ("_annotations.txt", "boxes"),
    ("_darknet.labels", "Darknet boxes"),
)


def refuse_other_tasks(root: Path, kinds: Kinds) -> None:
    """Raise DataError where a folder holds pictures with boxes or masks instead of classes."""
    folders = [root, *filter(is_meant, subfolders(root))]
    for folder in folders:
        if boxes := _boxes(folder, kinds):
            raise DataError(
                f"{root}: looks like a detection set ({boxes}). imagewise sorts whole pictures into classes; it finds "
                "no boxes. Sort the pictures, or what is cut out of them, into one folder a class."
                f"{_names_say_classes(root, kinds)}"
            )
        if (masks := _masks(folder, kinds)) and (folder == root or not _are_classes(folders[1:], kinds)):
            raise DataError(
                f"{root}: looks like a segmentation set ({masks}). imagewise sorts whole pictures into classes; it "
                "finds no outlines. Sort the pictures into one folder a class, without the masks."
            )


def _names_say_classes(root: Path, kinds: Kinds) -> str:
    """What to type where the names of the files say the classes, as those of the Oxford pets do; "" elsewhere."""
    for folder in filter(is_meant, subfolders(root)):
        names = kinds.pictures_in(folder)
        if labels := labels_of(names):
            said = f"{labels[0]!r} of {names[0]}"
            return f" If the names of the files are the classes ({said}), name the folder of the pictures: {folder}"
    return ""


def is_mask_folder(name: str) -> bool:
    """Whether a folder is called as one of masks is."""
    return _MASK_FOLDERS.fullmatch(name.lower()) is not None


def differ_in_words(folders: Sequence[Path]) -> bool:
    """Whether folders differ in more than numbers, unlike `patient_1` and `patient_2`, which are no classes."""
    return len({re.sub(r"[\W\d_]+", " ", path.name).strip() for path in folders}) == len(folders)


def _are_classes(folders: list[Path], kinds: Kinds) -> bool:
    """Whether folders that hold pictures are two or more classes, each with masks: `COVID/images`, `COVID/masks`."""
    holding = [path for path in folders if kinds.has_pictures_below(path)]
    splits = any(is_like_split(path.name) for path in holding)
    return len(holding) > 1 and not splits and differ_in_words(holding) and all(_masks(path, kinds) for path in holding)


def _boxes(folder: Path, kinds: Kinds) -> str | None:
    """Where boxes are kept in or below a folder, in words; None where there are none."""
    for name, boxes in _BOX_FILES:
        if (folder / name).is_file():
            return f"{boxes}, {name}"
    if kind := _beside_pictures(folder, kinds):
        return kind
    inner = list(filter(is_meant, subfolders(folder)))
    if not any(_is_unsorted(path, kinds) for path in inner):
        return None
    if kind := _kind_in(folder):
        return kind
    places = [path for path in inner if not any(kinds.names_in(path))]
    return next((f"{kind} in {path.name}/" for path in places if (kind := _annotations(path))), None)


def _is_unsorted(folder: Path, kinds: Kinds) -> bool:
    """Whether a folder is called `images` or the like, and its pictures are not sorted into classes."""
    if not _PICTURE_FOLDERS.fullmatch(folder.name.lower()):
        return False
    splits = [path for path in subfolders(folder) if is_like_split(path.name)]
    return any(any(kinds.names_in(place)) for place in (folder, *splits))


def _annotations(folder: Path) -> str | None:
    """The kind of box files in a folder or one below, as in `labels/train`; None where there are none."""
    places = (folder, *filter(is_meant, subfolders(folder)))
    return next((kind for place in places if (kind := _kind_in(place))), None)


def _kind_in(folder: Path) -> str | None:
    return next((kind for file in islice(_box_files(folder), _LOOKED_AT) if (kind := _box_kind(file))), None)


def _beside_pictures(folder: Path, kinds: Kinds) -> str | None:
    """Boxes in files that are beside pictures and are called like them: `a.jpg`, `a.xml`."""
    files = list(islice(_box_files(folder), _LOOKED_AT))
    if not files:
        return None
    stems = {Path(name).stem for name in kinds.names_in(folder)}
    return next((kind for file in files if file.stem in stems and (kind := _box_kind(file))), None)


def _box_kind(file: Path) -> str | None:
    """YOLO, Pascal VOC, COCO or LabelMe, by what is in a file; None for another file."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode(errors="replace")
    except OSError:
        return None
    if file.suffix.lower() == ".xml":
        return "Pascal VOC boxes, .xml" if "<annotation" in text and ("<bndbox" in text or "<object" in text) else None
    if file.suffix.lower() == ".txt":
        lines = [line for line in text.splitlines()[:_LOOKED_AT] if line.strip()]
        return "YOLO boxes, .txt" if lines and all(map(_BOX_LINE.fullmatch, lines)) else None
    if '"bbox"' in text:
        return f"COCO boxes, {file.name}"
    if '"annotations"' in text and '"images"' in text and '"categories"' in text:
        return f"COCO boxes, {file.name}"
    return "LabelMe outlines, .json" if '"shapes"' in text and '"points"' in text else None


def _masks(folder: Path, kinds: Kinds) -> str | None:
    """Two folders of pictures in one, the second of them masks of the first; in words, or None."""
    inner = list(filter(is_meant, subfolders(folder)))
    pictures = [path for path in inner if _PICTURE_FOLDERS.fullmatch(path.name.lower())]
    masks = [path for path in inner if _MASK_FOLDERS.fullmatch(path.name.lower())]
    for first in pictures:
        for second in masks:
            if first != second and _are_partners(first, second, kinds):
                return f"{first.name}/ and {second.name}/"
    return None


def _are_partners(pictures: Path, masks: Path, kinds: Kinds) -> bool:
    """Whether most masks are called like a picture: `a.png` or `a_mask.png` of `a.jpg`; in the folders, or one
    below."""
    stems, named = _stems(pictures, kinds), _stems(masks, kinds)
    partners = sum(any(stem == mask or mask.startswith(f"{stem}_") for stem in _near(mask, stems)) for mask in named)
    return bool(named) and partners >= len(named) / 2


def _near(mask: str, stems: set[str]) -> Iterator[str]:
    """The stems that a mask's name may begin with: itself, and it without its last words."""
    words = mask
    while words:
        if words in stems:
            yield words
        words = words.rpartition("_")[0]


def _stems(folder: Path, kinds: Kinds) -> set[str]:
    places = (folder, *filter(is_meant, subfolders(folder)))
    return {Path(name).stem for place in places for name in kinds.names_in(place)}


def _box_files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.suffix.lower() in _BOX_SUFFIXES and path.is_file())
