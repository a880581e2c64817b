"""Sets that are refused, or of one class, with the line to type: what holds the labels, and how to choose."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewise.data.loading import load_data
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

Sketch = Callable[..., None]
PHOTO = Framing("photo", 8, 8, 3)


@pytest.fixture
def sketch(tmp_path: Path, draw: Callable[..., Path]) -> Sketch:
    """Pictures in a folder."""

    def save(folder: str, count: int = 12, named: str = "{}.png") -> None:
        for number in range(count):
            name = named.format(number)
            draw(tmp_path / folder / name, seed=zlib.crc32(f"{folder}/{name}".encode()), size=(12, 10))

    return save


@pytest.mark.parametrize(
    "files", [["labels.xlsx"], ["imagelabels.mat", "setid.mat"], ["a.ods", "b.txt", "c.json", "d"]]
)
def test_one_folder_of_pictures_names_the_files_that_may_hold_the_labels(
    tmp_path: Path, sketch: Sketch, files: list[str]
) -> None:
    sketch("images")
    for name in [*files, "README.txt", ".hidden.txt", "Thumbs.db"]:
        (tmp_path / name).write_bytes(b"\x01")
    told = [note for note in load_data(tmp_path, framing=PHOTO).notices if "says what the pictures show" in note]
    assert len(told) == 1
    assert f"If {', '.join(name for name in files if '.' in name)} do" in told[0]
    assert f"write labels.csv into {tmp_path}" in told[0]
    assert not any(name in told[0] for name in ("README", "hidden", "Thumbs"))


@pytest.mark.parametrize("files", [[], ["README.md"], ["LICENSE.txt", "readme.txt"]])
def test_one_folder_of_pictures_without_such_files_gets_no_such_note(
    tmp_path: Path, sketch: Sketch, files: list[str]
) -> None:
    sketch("cat")
    for name in files:
        (tmp_path / name).write_text("about")
    assert not any("says what the pictures show" in note for note in load_data(tmp_path, framing=PHOTO).notices)


@pytest.mark.parametrize("name", ["{}_{}.jpg", "{}.{}.png", "{} ({}).jpeg"])
def test_a_detection_set_whose_file_names_say_classes_names_the_folder_of_pictures(
    tmp_path: Path, sketch: Sketch, name: str
) -> None:
    for label in ("Abyssinian", "great_dane"):
        sketch("images", named=name.format(label, "{}"))
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "a.xml").write_text("<annotation><object><bndbox></bndbox></object></annotation>")
    with pytest.raises(DataError, match=rf"detection set .*name the folder of the pictures: {tmp_path}/images"):
        load_data(tmp_path)
    assert load_data(tmp_path / "images", framing=PHOTO).class_names == ("Abyssinian", "great_dane")


@pytest.mark.parametrize("kinds", [("color", "grayscale", "segmented"), ("raw", "cropped"), ("site a", "site b")])
def test_several_editions_of_the_class_folders_name_the_first(
    tmp_path: Path, sketch: Sketch, kinds: tuple[str, ...]
) -> None:
    for kind in kinds:
        sketch(f"{kind}/apple")
        sketch(f"{kind}/pear")
    with pytest.raises(
        DataError, match=rf"Name the folder whose folders are the classes, such as {tmp_path}/{min(kinds)}"
    ):
        load_data(tmp_path)
    assert load_data(tmp_path / min(kinds), framing=PHOTO).class_names == ("apple", "pear")


@pytest.mark.parametrize(("on", "off"), [("1", "-1"), ("1", "0"), ("True", "False")])
def test_a_multi_label_table_says_how_to_take_one_of_its_columns(
    tmp_path: Path, sketch: Sketch, on: str, off: str
) -> None:
    sketch("img_align_celeba", 20)
    rows = [f"{n}.png,{on if n % 2 else off},{on if n % 3 else off}\n" for n in range(20)]
    (tmp_path / "list_attr_celeba.csv").write_text(f"image_id,Male,Smiling\n{''.join(rows)}")
    (tmp_path / "list_eval_partition.csv").write_text("image_id,partition\n0.png,0\n1.png,1\n")
    with pytest.raises(DataError, match=r"multi-label set.* For one of its columns: --columns label=Male"):
        load_data(tmp_path)
    data = load_data(tmp_path, framing=PHOTO, columns={"label": "Male"})
    assert set(data.class_names) == {on, off}


@pytest.mark.parametrize("others", [["images.csv"], ["about.csv", "images.csv"], ["links.csv", "zz.csv"]])
def test_of_several_tables_without_a_clear_label_the_one_of_most_columns_is_named(
    tmp_path: Path, sketch: Sketch, others: list[str]
) -> None:
    sketch("images", 20)
    for name in others:
        (tmp_path / name).write_text("filename,link\n" + "".join(f"{n}.png,http://x/{n}\n" for n in range(20)))
    rows = [f"{n},{'Men' if n % 2 else 'Women'},{'Shirts' if n % 3 else 'Shoes'},Blue\n" for n in range(20)]
    (tmp_path / "styles.csv").write_text(f"id,gender,article,colour\n{''.join(rows)}")
    with pytest.raises(DataError, match=r"styles\.csv: needs a column .*--columns file=NAME,label=NAME"):
        load_data(tmp_path)
    assert load_data(tmp_path, framing=PHOTO, columns={"label": "article"}).class_names == ("Shirts", "Shoes")
