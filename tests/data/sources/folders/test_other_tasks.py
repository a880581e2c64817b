"""Sets of boxes and of masks are refused by name; class folders are never mistaken for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.class_folders import load_class_folders
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

Draw = Callable[..., Path]
PHOTO = Framing("photo", 8, 8, 1)
YOLO = "0 0.5 0.5 0.2 0.2\n3 0.1 0.1 0.2 0.2\n"
VOC = "<annotation><object><name>cat</name><bndbox><xmin>1</xmin></bndbox></object></annotation>"
COCO = json.dumps({"images": [], "annotations": [{"bbox": [1, 2, 3, 4]}], "categories": []})
LABELME = json.dumps({"shapes": [{"label": "cat", "points": [[1, 2]]}]})


def make(draw: Draw, root: Path, files: dict[str, str | None]) -> Path:
    """Pictures where the content is None, texts elsewhere."""
    for number, (name, content) in enumerate(files.items()):
        if content is None:
            draw(root / name, seed=number, size=(9, 9))
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
    return root


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("YOLO", {"images/a.jpg": None, "labels/a.txt": YOLO, "data.yaml": "nc: 2"}),
        ("YOLO", {"images/train/a.jpg": None, "images/val/b.jpg": None, "labels/train/a.txt": YOLO}),
        ("YOLO", {"train/images/a.jpg": None, "train/labels/a.txt": YOLO, "valid/images/b.jpg": None}),
        ("YOLO", {"obj/a.jpg": None, "obj/a.txt": YOLO}),
        ("COCO", {"train/a.jpg": None, "train/_annotations.coco.json": COCO, "test/b.jpg": None}),
        ("COCO", {"images/a.jpg": None, "annotations/instances_train2017.json": COCO}),
        ("COCO", {"a.jpg": None, "_annotations.coco.json": COCO}),
        ("VOC", {"JPEGImages/a.jpg": None, "Annotations/a.xml": VOC}),
        ("VOC", {"VOCdevkit/VOC2012/JPEGImages/a.jpg": None, "VOCdevkit/VOC2012/Annotations/a.xml": VOC}),
        ("VOC", {"train/a.jpg": None, "train/a.xml": VOC}),
        ("LabelMe", {"a.jpg": None, "a.json": LABELME}),
    ],
)
def test_a_detection_set_is_called_one(tmp_path: Path, draw: Draw, kind: str, files: dict[str, str | None]) -> None:
    with pytest.raises(DataError, match="detection set") as caught:
        load_class_folders(make(draw, tmp_path, files), Reading(PHOTO))
    message = str(caught.value)
    assert str(tmp_path) in message
    assert kind in message
    assert "emove" not in message


@pytest.mark.parametrize(
    "names",
    [
        ["images/a.png", "images/b.png", "masks/a.png", "masks/b.png"],
        ["imgs/a.jpg", "masks/a_mask.png"],
        ["train/image/0.png", "train/label/0.png", "test/image/1.png", "test/label/1.png"],
        ["images/train/a.jpg", "annotations/train/a.png"],
        ["data/images/a.jpg", "data/GT/a.png"],
    ],
)
def test_a_segmentation_set_is_called_one(tmp_path: Path, draw: Draw, names: list[str]) -> None:
    with pytest.raises(DataError, match="segmentation set") as caught:
        load_class_folders(make(draw, tmp_path, dict.fromkeys(names)), Reading(PHOTO))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("files", "classes"),
    [
        ({"mask/a.png": None, "no_mask/b.png": None}, ("mask", "no_mask")),
        ({"images/a.png": None, "masks/x.png": None}, ("images", "masks")),
        ({"cat/a.jpg": None, "cat/a.txt": "a cat on a mat", "dog/b.jpg": None}, ("cat", "dog")),
        ({"images/cat/a.jpg": None, "images/dog/b.jpg": None, "bounding_boxes.txt": YOLO}, ("cat", "dog")),
        ({"cat/a.jpg": None, "dog/b.jpg": None, "classes.json": '["cat", "dog"]'}, ("cat", "dog")),
    ],
)
def test_class_folders_are_no_other_task(
    tmp_path: Path, draw: Draw, files: dict[str, str | None], classes: tuple[str, ...]
) -> None:
    assert load_class_folders(make(draw, tmp_path, files), Reading(PHOTO)).class_names == classes
