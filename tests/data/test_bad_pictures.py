"""What lies in folders of pictures out there: each a listed skip or a clear message, never a crash or a silent drop."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from typer.testing import CliRunner, Result

import imagewise
from imagewise.cli.app import app
from imagewise.data import auto_framing
from imagewise.data.loading import load_data
from imagewise.data.picture_files import decoding
from imagewise.framing.framing import Framing, frame_file

Draw = Callable[..., Path]


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert "Traceback" not in result.output
    return result


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pets(tmp_path: Path, draw: Draw) -> Path:
    for number in range(12):
        draw(tmp_path / "pets" / "cat" / f"{number:02}.png", seed=number)
        draw(tmp_path / "pets" / "dog" / f"{number:02}.png", seed=100 + number)
    return tmp_path / "pets"


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def noise(width: int = 90, height: int = 70) -> Image.Image:
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8))


def bomb() -> bytes:
    """A PNG of 30,000 x 30,000 that says so and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("cut.jpg", encoded(noise(), "JPEG")[:900], "truncated"),
        ("nothing.jpg", b"", "the file is empty"),
        ("page.png", b"\n<!DOCTYPE html><html><body>404", "a web page, not a picture"),
        ("drawing.png", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "a drawing in SVG"),
        ("bomb.png", bomb(), "over 80 million pixels"),
        ("program.png", b"%!PS-Adobe-3.0 EPSF-3.0\n", "not a picture in a format"),
    ],
)
def test_what_cannot_be_read_is_listed_and_left_out_and_strict_refuses_it(
    pets: Path, name: str, content: bytes, reason: str
) -> None:
    (pets / "cat" / name).write_bytes(content)
    result = run("show", pets, "--json")
    assert result.exit_code == 0
    assert "left out 1 picture " in result.stderr
    assert "--strict" in result.stderr
    assert f"cat/{name}: " in result.stderr
    assert reason in result.stderr
    strict = run("show", pets, "--strict")
    assert (strict.exit_code, strict.stdout) == (2, "")
    assert "1 of 25 pictures cannot be read" in strict.stderr
    assert f"cat/{name}: " in strict.stderr


def test_a_bomb_is_refused_before_it_is_decoded(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pets / "cat" / "bomb.png").write_bytes(bomb())
    sizes: list[tuple[int, int]] = []
    load = Image.Image.load

    def note(picture: Image.Image) -> Any:
        sizes.append(picture.size)
        return load(picture)

    monkeypatch.setattr(Image.Image, "load", note)
    assert [name for name, _ in load_data(pets).skipped] == ["cat/bomb.png"]
    assert (30_000, 30_000) not in sizes


def test_odd_pictures_are_read(pets: Path) -> None:
    frames = [noise(40, 40), noise(40, 40).rotate(90)]
    odd = {
        "dot.png": encoded(noise(1, 1), "PNG"),
        "strip.png": encoded(noise(20_000, 1), "PNG"),
        "tall.jpg": encoded(noise(1, 20_000), "JPEG"),
        "moving.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "a name with spaces.png": encoded(noise(), "PNG"),
        "Ümläut 写真 🐈.png": encoded(noise(91), "PNG"),
        "SHOUTING.JPG": encoded(noise(92), "JPEG"),
        "photo.jfif": encoded(noise(93), "JPEG"),
    }
    for name, content in odd.items():
        (pets / "cat" / name).write_bytes(content)
    framing = Framing("photo", 16, 16, 3)
    data = load_data(pets, framing=framing, strict=True)
    everything = data["all"]
    assert everything.names is not None
    found = dict(zip(everything.names, everything.images, strict=True))
    for name, content in odd.items():
        assert np.array_equal(found[f"cat/{name}"], frame_file(content, framing))
    first = frame_file(encoded(frames[0].convert("P"), "GIF"), framing)  # the first frame of a moving picture
    assert np.abs(found["cat/moving.gif"].astype(int) - first).mean() < 20
    assert run("show", pets).exit_code == 0


def test_a_name_that_is_no_unicode_is_read(pets: Path) -> None:
    path = bytes(pets / "cat") + b"/caf\xe9.png"
    try:
        with open(path, "wb") as file:  # noqa: PTH123 - bytes
            file.write(encoded(noise(), "PNG"))
    except OSError:
        pytest.skip("this file system takes Unicode only")
    assert len(load_data(pets, strict=True)["all"]) == 25


def test_links_that_lead_nowhere_or_to_themselves_are_listed(pets: Path) -> None:
    (pets / "cat" / "gone.png").symlink_to(pets / "nowhere.png")
    (pets / "cat" / "self.png").symlink_to(pets / "cat" / "self.png")
    (pets / "dog" / "loop").symlink_to(pets)
    (pets / "dog" / "self").symlink_to(pets / "dog" / "self")
    result = run("show", pets)
    assert result.exit_code == 0
    assert "cat/gone.png: no such file" in result.stderr
    assert "cat/self.png: " in result.stderr
    assert "left out dog/loop: a link that leads back" in result.stderr


def test_a_folder_called_like_a_picture_is_listed(pets: Path) -> None:
    (pets / "cat" / "folder.png").mkdir()
    result = run("show", pets)
    assert result.exit_code == 0
    assert "cat/folder.png: cannot be read (Is a directory)" in result.stderr


def test_a_file_that_may_not_be_read_is_listed(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may run as root, who may read everything."""
    opened = Image.open

    def refuse(source: Any, **options: Any) -> Any:
        if str(getattr(source, "name", source)).endswith("05.png"):
            raise PermissionError(13, "Permission denied", str(source))
        return opened(source, **options)

    monkeypatch.setattr(Image, "open", refuse)
    result = run("show", pets)
    assert result.exit_code == 0
    assert "cat/05.png: cannot be read (Permission denied)" in result.stderr
    assert "dog/05.png: cannot be read (Permission denied)" in result.stderr


UNEXPECTED = [
    ValueError("odd"),
    MemoryError(),
    RecursionError("deep"),
    zlib.error("odd"),
    RuntimeError(),
    KeyError("x"),
]


@pytest.mark.parametrize("error", UNEXPECTED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("during", ["open", "exif_transpose", "resize"])
def test_an_unexpected_error_of_one_picture_is_listed_and_the_others_are_read(
    pets: Path, monkeypatch: pytest.MonkeyPatch, draw: Draw, during: str, error: Exception
) -> None:
    draw(pets / "cat" / "odd.png", size=(31, 29))
    where = {"open": Image, "exif_transpose": ImageOps, "resize": Image.Image}[during]
    intact = getattr(where, during)

    def break_down(picture: Any, *arguments: Any, **options: Any) -> Any:
        if str(getattr(picture, "name", picture)).endswith("odd.png") or getattr(picture, "size", None) == (31, 29):
            raise error
        return intact(picture, *arguments, **options)

    monkeypatch.setattr(where, during, break_down)
    result = run("show", pets, "--json")
    assert result.exit_code == 0
    assert sum(sum(split.values()) for split in json.loads(result.stdout)["counts"].values()) == 24
    assert "cat/odd.png: cannot be read (" in result.stderr
    assert (str(error) or type(error).__name__) in result.stderr
    strict = run("show", pets, "--strict")
    assert strict.exit_code == 2
    assert "cat/odd.png: cannot be read (" in strict.stderr


def test_a_picture_that_cannot_be_looked_at_does_not_take_part_in_choosing_the_framing(
    pets: Path, monkeypatch: pytest.MonkeyPatch, draw: Draw
) -> None:
    draw(pets / "cat" / "odd.png", size=(31, 29))
    looks_like_ink = auto_framing.looks_like_ink

    def break_down(picture: Image.Image) -> bool:
        if picture.size == (31, 29):
            raise MemoryError
        return looks_like_ink(picture)

    monkeypatch.setattr(auto_framing, "looks_like_ink", break_down)
    data = load_data(pets)
    assert any("based on 24 of your pictures" in notice for notice in data.notices)
    assert len(data["all"]) == 25


def test_where_no_picture_can_be_read_the_first_is_named_with_its_reason(pets: Path) -> None:
    for file in pets.glob("*/*.png"):
        file.write_bytes(b"")
    result = run("show", pets)
    assert result.exit_code == 2
    assert "24 pictures" in result.stderr
    assert "cat/00.png: the file is empty" in result.stderr


def test_what_systems_leave_behind_is_no_picture(pets: Path) -> None:
    for folder in (pets, pets / "cat"):
        for name in (".DS_Store", "._00.png", "Thumbs.db", "desktop.ini"):
            (folder / name).write_bytes(b"\x00\x05\x16\x07")
    result = run("show", pets, "--strict", "--json")
    assert result.exit_code == 0
    assert "left out" not in result.stderr


def test_a_class_of_one_picture_is_told_of_and_trains(pets: Path, draw: Draw) -> None:
    draw(pets / "emu" / "only.png", seed=9)
    data = load_data(pets)
    assert any("'emu' (1)" in notice for notice in data.notices)
    assert any("out of balance: 12 pictures of 'cat', 1 of 'emu'" in notice for notice in data.notices)
    run_ = imagewise.train(data, recipe="perceptron", epochs=1, out="run", report=False)
    assert run_.model.class_names == ("cat", "dog", "emu")


def test_one_class_only_is_refused_for_training(tmp_path: Path, pets: Path) -> None:
    (pets / "dog").rename(tmp_path / "dog")
    result = run("train", pets, "--no-report")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "at least two classes" in result.stderr


def test_classes_that_differ_in_letter_case_are_two_and_told_of(pets: Path, draw: Draw) -> None:
    draw(pets / "Cat" / "a.png", seed=77)
    if len(list(pets.iterdir())) == 2:
        pytest.skip("this file system takes both for one")
    result = run("show", pets)
    assert result.exit_code == 0
    assert "'Cat' and 'cat' differ in letter case only" in result.stderr


def test_a_bar_is_fed_while_pictures_are_read(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_AT_A_TIME", 10)
    told: list[tuple[str, int, int | None, str]] = []
    load_data(pets, framing=Framing("photo", 8, 8, 3), progress=lambda *about: told.append(about))
    assert told == [("reading 24 pictures", done, 24, "pictures") for done in (10, 20, 24)]


def test_a_photo_is_framed_to_the_same_bytes_in_training_and_in_prediction(pets: Path) -> None:
    """A golden picture: these bytes are what models have been trained on."""
    ramp = np.add.outer(np.arange(90), np.arange(120)).astype(np.uint8)
    golden = np.stack([ramp, ramp[::-1], 255 - ramp], axis=2)
    Image.fromarray(golden).save(pets / "cat" / "golden.png")
    framing = Framing("photo", 4, 4, 3)
    data = load_data(pets, framing=framing)["all"]
    assert data.names is not None
    trained = data.images[list(data.names).index("cat/golden.png")]
    run_ = imagewise.train(load_data(pets, framing=framing), recipe="perceptron", epochs=1, out="run", report=False)
    asked = run_.model.predict_batch([pets / "cat" / "golden.png"])
    assert np.array_equal(run_.model.predict_batch(trained[None]), asked)
    assert np.array_equal(trained, frame_file((pets / "cat" / "golden.png").read_bytes(), framing))
    assert trained[..., 0].tolist() == [
        [36, 59, 82, 105],
        [58, 81, 104, 127],
        [81, 104, 127, 150],
        [103, 126, 149, 172],
    ]
    steps = 22.5 * np.arange(4)  # a cell of the middle 90 x 90: the mean of the ramp over it
    assert np.abs(trained[..., 0] - (np.add.outer(steps, steps) + 11 + 15 + 11))[1:3, 1:3].max() <= 1
