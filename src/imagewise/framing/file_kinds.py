"""Kinds of files by their suffix: pictures that are read here, and words about those that are left out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec

from imagewise.installing import install_command

ALWAYS_READ = frozenset(
    [".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"]
)
HEIF_SUFFIXES = frozenset([".heic", ".heif", ".hif"])  # what iPhones write; read through the package pillow-heif
PICTURE_SUFFIXES = ALWAYS_READ | HEIF_SUFFIXES | {".avif"}
AVIF_REMEDY = "Upgrade Pillow to read AVIF: pip install --upgrade pillow"

_PHOTOS = frozenset(
    [".jxl", ".jp2", ".j2k", ".svg", ".eps", ".ai", ".pdf", ".psd", ".xcf", ".ico", ".tga", ".exr", ".hdr", ".dds"]
) | {".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"}
_MEDICAL = frozenset([".dcm", ".dicom", ".ima", ".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".svs", ".ndpi", ".mrxs"])
_ARRAYS = frozenset([".npy", ".npz", ".mat", ".h5", ".hdf5", ".pt", ".pkl", ".tfrecord"])
_VIDEOS = frozenset([".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".wmv"])
_SYSTEM_FILES = frozenset(["thumbs.db", "desktop.ini", "icon\r"])  # what Windows and macOS leave in folders
_DOUBLE_SUFFIXES = (".nii.gz", ".tar.gz")
_NAMED = 8  # kinds in a sentence


def heif_remedy() -> str:
    """What to do about HEIC where it is not read, as a sentence."""
    return f"Install pillow-heif to read HEIC: {install_command('heif')}"


def readable_suffixes() -> frozenset[str]:
    """The suffixes of pictures that this installation reads."""
    from PIL import features

    readable = ALWAYS_READ
    if find_spec("pillow_heif") is not None:
        readable |= HEIF_SUFFIXES
    if features.check("avif"):
        readable |= {".avif"}
    return readable


def is_shown(name: str) -> bool:
    """Whether a file is one that people see and mean: not hidden (`.DS_Store`, `._photo.jpg`), nor the system's."""
    return not name.startswith(".") and name.lower() not in _SYSTEM_FILES


def kind_of(name: str) -> str:
    """The suffix in small letters, `.nii.gz` as one; "" for a file without."""
    lower = name.lower()
    double = next((suffix for suffix in _DOUBLE_SUFFIXES if lower.endswith(suffix)), None)
    return double or os.path.splitext(lower)[1]  # noqa: PTH122 - a Path for each of a million files takes its time


def holds_content(kind: str) -> bool:
    """Whether files of this kind are what people mean by their pictures: photographs, scans, arrays, videos."""
    return kind in PICTURE_SUFFIXES | _PHOTOS | _MEDICAL | _ARRAYS | _VIDEOS


def list_kinds(counts: Mapping[str, int]) -> str:
    """`2 .heic, 1 .dcm, 3 .txt`: photographs first, then medical pictures, then the rest."""
    ranked = sorted(counts.items(), key=lambda item: (_rank(item[0]), item[0]))
    named = [f"{count:,} {kind or 'without a suffix'}" for kind, count in ranked[:_NAMED]]
    rest = sum(count for _, count in ranked[_NAMED:])
    return ", ".join(named) + (f" and {rest:,} of other kinds" if rest else "")


def describe_left_out(counts: Mapping[str, int]) -> str:
    """What was left out, and what to do: "left out 3 files that are not read: 2 .heic, 1 .txt. Install ..."."""
    total = sum(counts.values())
    files = "1 file that is" if total == 1 else f"{total:,} files that are"
    remedy = remedy_for(counts)
    return f"left out {files} not read: {list_kinds(counts)}." + (f" {remedy}" if remedy else "")


def remedy_for(counts: Mapping[str, int]) -> str:
    """What to do about files of these kinds, as sentences; "" for nothing."""
    kinds = set(counts)
    remedies = []
    if kinds & _PHOTOS:
        remedies.append(f"Save {_some(kinds & _PHOTOS)} as PNG or JPEG.")
    if kinds & (_MEDICAL | _ARRAYS):
        remedies.append(f"Export {_some(kinds & (_MEDICAL | _ARRAYS))} as PNG or TIFF.")
    if kinds & _VIDEOS:
        remedies.append(f"Save frames of {_some(kinds & _VIDEOS)} as JPEG.")
    if ".avif" in kinds:
        remedies.append(AVIF_REMEDY)
    if kinds & HEIF_SUFFIXES:  # the command is last, so that it can be copied
        remedies.append(heif_remedy())
    return " ".join(remedies)


def _some(kinds: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(kinds)[:_NAMED])


def _rank(kind: str) -> int:
    groups = (PICTURE_SUFFIXES | _PHOTOS, _MEDICAL, _ARRAYS, _VIDEOS)
    return next((place for place, group in enumerate(groups) if kind in group), len(groups))
