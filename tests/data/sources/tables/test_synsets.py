"""Classes called by WordNet's numbers, as ImageNet's folders are, get their names from the file beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewise.data.loading import load_data
from imagewise.framing.framing import Framing

PHOTO = Framing("photo", 8, 8, 3)
SYNSETS = {"n01440764": "tench, Tinca tinca", "n01443537": "goldfish, Carassius auratus", "n01484850": "white shark"}
NAMES = ("tench", "goldfish", "white shark")


@pytest.fixture
def imagenet(tmp_path: Path, draw: Callable[..., Path]) -> Callable[..., Path]:
    """Class folders called by synsets."""

    def make(*synsets: str, below: str = "") -> Path:
        for place, synset in enumerate(synsets):
            for number in range(12):
                path = tmp_path / "set" / below / synset / f"{synset}_{number}.png"
                draw(path, seed=100 * place + number, size=(9, 9))
        return tmp_path / "set"

    return make


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("LOC_synset_mapping.txt", "".join(f"{key} {name}\n" for key, name in SYNSETS.items())),
        ("words.txt", "n00001740\tentity\n" + "".join(f"{key}\t{name}\n" for key, name in SYNSETS.items())),
        ("map_clsloc.txt", "".join(f"{key} {n} {name}\n" for n, (key, name) in enumerate(SYNSETS.items()))),
        ("names.csv", "synset,words\n" + "".join(f'{key},"{name}"\n' for key, name in SYNSETS.items())),
        ("Labels.json", json.dumps(SYNSETS)),
        ("imagenet_class_index.json", json.dumps({str(n): list(pair) for n, pair in enumerate(SYNSETS.items())})),
    ],
)
@pytest.mark.parametrize("below", ["", "train", "ILSVRC/Data/CLS-LOC/train"])
def test_synsets_get_the_first_of_their_names(imagenet: Callable[..., Path], file: str, text: str, below: str) -> None:
    root = imagenet(*SYNSETS, below=below)
    (root / file).write_text(text)
    data = load_data(root, framing=PHOTO)
    assert data.class_names == NAMES
    assert any(f"took the names of the classes from {file}: n01440764 is 'tench'" in told for told in data.notices)


@pytest.mark.parametrize("folder", ["train", "val", "Training"])
def test_the_file_may_be_in_the_folder_above(imagenet: Callable[..., Path], folder: str) -> None:
    root = imagenet(*SYNSETS, below=folder)
    (root / "words.txt").write_text("".join(f"{key}\t{name}\n" for key, name in SYNSETS.items()))
    assert load_data(root / folder, framing=PHOTO).class_names == NAMES


@pytest.mark.parametrize(("one", "other"), [("crane", "crane"), ("maillot", "maillot, tank suit"), ("a, b", "a, c")])
def test_names_that_two_synsets_share_keep_the_numbers(imagenet: Callable[..., Path], one: str, other: str) -> None:
    root = imagenet("n02012849", "n03126707")
    (root / "words.txt").write_text(f"n02012849\t{one}\nn03126707\t{other}\n")
    name = one.partition(",")[0]
    assert load_data(root, framing=PHOTO).class_names == (f"{name} (n02012849)", f"{name} (n03126707)")


@pytest.mark.parametrize(
    "text", ["", "n01440764 tench\n", "About n01440764\nand others\nn01440764 x\n", "n01440764\nn01443537\nn01484850\n"]
)
def test_a_file_that_does_not_name_all_of_them_is_left_alone(imagenet: Callable[..., Path], text: str) -> None:
    root = imagenet(*SYNSETS)
    (root / "words.txt").write_text(text)
    assert load_data(root, framing=PHOTO).class_names == tuple(SYNSETS)
