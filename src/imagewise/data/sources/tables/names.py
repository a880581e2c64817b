"""The names that people give to the columns of a table, and what a field with a picture's name looks like."""

from __future__ import annotations

import re

from imagewise.framing.file_kinds import PICTURE_SUFFIXES

_FILES = """
file filename filepath path paths filepaths filenames files image imagepath imagefile imagefilename imagefilepath
imagename images img imgpath imgfile imgname imgfilename imgs picture picturepath picturefile picturename photo
photopath photofile photoname pic fname fpath relativepath relpath fullpath imageurl imguri imageuri uri url src
imageid imgid photoid pictureid imageindex imagekey idcode isicid fileid imageids
"""
FILE_NAMES = tuple(_FILES.split())  # in the order of preference; compared without case, spaces, dashes and underscores
WEAK_FILE_NAMES = ("id", "name", "key", "uuid", "index")  # of files where nothing else is, and only then
_LABELS = """
label labels class classes classname classlabel classid classnames target targets y labelname labelid targetname
category categoryname categoryid categories categorylabel species breed tag tags choice groundtruth gt annotation
annotations truth genus diagnosis dx finding findings findinglabels emotion expression digit letter character type
kind variety disease condition answer attributeids
"""
LABEL_NAMES = tuple(_LABELS.split())
_SPLITS = """
split splits set subset dataset datasplit partition usage phase fold purpose
"""
SPLIT_NAMES = tuple(_SPLITS.split())
VALID_NAMES = ("isvalid", "isval", "isvalidation", "valid")  # fastai's: true for a picture of the validation split
TEST_NAMES = ("istest",)
GROUP_NAMES = ("group", "groups", "groupid")
BOX_NAMES = ("xmin", "ymin", "xmax", "ymax", "bbox", "x1", "y1", "x2", "y2", "xcenter", "ycenter", "boundingbox")
WEB = ("http://", "https://")  # what an address begins with
PIXELS = "pixels"  # a column that holds a whole picture as numbers, as in FER2013

_PARTS = re.compile(r"[\s_\-.]+")


def plain(name: str) -> str:
    """A column's name to compare: `File Name`, `file_name` and `fileName` are one."""
    return _PARTS.sub("", name).lower()


def is_known(name: str) -> bool:
    """Whether it is a name that people give to such columns."""
    known = (*FILE_NAMES, *WEAK_FILE_NAMES, *LABEL_NAMES, *SPLIT_NAMES, *VALID_NAMES, *TEST_NAMES, *GROUP_NAMES, PIXELS)
    return plain(name) in known


def is_picture_name(text: str) -> bool:
    """Whether it ends as a picture's file name does."""
    return text[text.rfind(".") :].lower() in PICTURE_SUFFIXES if "." in text else False


def some_names(names: list[str]) -> str:
    """The first three names and how many more: a table may have hundreds of columns."""
    if not names:
        return "no columns"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(repr, names[:3])) + more
