"""The peers of transfer start from the same backbone, and the harness counts what they tell. It asserts no speed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.bench import main, parse
from benchmarks.measuring import module, run
from benchmarks.page import write_page
from benchmarks.peers.photographs import open_backbone
from benchmarks.peers.torch_backbone import plain_module
from benchmarks.results import Figure, Results
from benchmarks.transfer import LITE, PART, SET, SMALL, add, measure_transfer, split, transfer_table, ways
from numpy.typing import NDArray
from PIL import Image

from imagewise.backbones.catalog import entry
from imagewise.backbones.families import build_layers
from imagewise.backbones.pretrained import Pretrained
from imagewise.model.session import import_onnxruntime
from imagewise.networks.layers import weight_shapes
from imagewise.training.recipes.files import bundled_recipes
from keras_process import ask

SIDE = 64
COLOURS = {"blue": (40, 60, 200), "green": (50, 170, 60), "red": (200, 50, 40)}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sets, with one of three classes of 20 pictures: noise around a colour."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (folder / SET / name).mkdir(parents=True)
        for number in range(20):
            levels = np.clip(rng.normal(colour, 20, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(levels).save(folder / SET / name / f"{number}.png")
    return folder


@pytest.fixture(params=[SMALL, LITE])
def backbone(request: pytest.FixtureRequest) -> Pretrained:
    """The small one as it comes with imagewise; of the other the weights may not be here, so that they are random."""
    if request.param == SMALL:
        return open_backbone(SMALL)
    rng = np.random.default_rng(0)
    weights = {}
    for name, _, shape in weight_shapes(build_layers(entry(LITE), SIDE), (3, SIDE, SIDE)):
        part = name.rpartition(".")[2]
        fan_in = int(np.prod(shape[1:]))
        draw = rng.normal(0, (2 / fan_in) ** 0.5, shape) if len(shape) == 4 else rng.uniform(0.5, 1.5, shape)
        weights[name] = (draw - (part in ("bias", "running_mean"))).astype(np.float32)
    return Pretrained(entry(LITE), weights, "random")


@pytest.fixture
def pictures() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)


def features_of(backbone: Pretrained, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = import_onnxruntime().InferenceSession(backbone.graph(SIDE).SerializeToString())
    (features,) = session.run(None, {"pictures": pictures})
    assert features.std() > 0.01
    return np.asarray(features)[:, : backbone.depths[0]]  # peers take those of the last layer, as is usual


def test_the_keras_script_has_the_backbone_that_imagewise_has(
    backbone: Pretrained, pictures: NDArray[np.uint8]
) -> None:
    wanted = features_of(backbone, pictures)
    features = ask("keras_backbones", "features", backbone, pictures)
    np.testing.assert_allclose(features, wanted, atol=1e-4 * max(1, np.abs(wanted).max()))


def test_the_pytorch_loop_has_the_backbone_that_imagewise_has(
    backbone: Pretrained, pictures: NDArray[np.uint8]
) -> None:
    wanted = features_of(backbone, pictures)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (backbone.entry.mean, backbone.entry.std))
    planes = (torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255 - mean) / std
    with torch.no_grad():
        features = plain_module(backbone, SIDE).eval()(planes).numpy()
    np.testing.assert_allclose(features, wanted, atol=1e-4 * max(1, np.abs(wanted).max()))


@pytest.mark.parametrize(
    ("peer", "phases"),
    [
        pytest.param("keras_transfer", ["head"], marks=pytest.mark.prove),
        ("pytorch_transfer", ["head", "all"]),
    ],
)
def test_a_peer_learns_and_tells_each_phase(peer: str, phases: list[str], photographs: Path, tmp_path: Path) -> None:
    train, test = split(photographs / SET, tmp_path / "pictures", 0)
    options = ["--train", str(train), "--test", str(test), "--out", str(tmp_path), "--side", str(SIDE)]
    options += ["--backbone", SMALL, "--epochs", "6", "--tuning-epochs", "1", "--batch", "4"]
    process = run(module(f"peers.{peer}", *options))
    assert [told["phase"] for told in process.values] == phases
    count = len(list(test.glob("*/*")))
    assert [told["pictures"] for told in process.values] == [count] * len(phases)
    assert process.values[0]["right"] > 0.6 * count
    times = [told["seconds"] for told in process.values]
    assert 0 < times[0] <= times[-1] <= process.seconds
    assert all(Path(told["model"]).stat().st_size > 1_000_000 for told in process.values)


def test_each_picture_is_in_one_part_and_copies_stay_together(photographs: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for folder in (photographs / SET).iterdir():
        (source / folder.name).mkdir(parents=True)
        for picture in folder.iterdir():
            for copy in ("", "copy "):
                (source / folder.name / f"{copy}{picture.name}").write_bytes(picture.read_bytes())
    held_out = []
    for seed in range(3):
        parts = split(source, tmp_path / str(seed), seed)
        train, test = ({str(link.relative_to(part)) for link in part.glob("*/*")} for part in parts)
        assert train | test == {str(picture.relative_to(source)) for picture in source.glob("*/*")}
        assert not train & test
        assert 0.05 < len(test) / len(train | test) < 0.4
        assert {name for name in test if "copy" in name} == {
            name.replace("/", "/copy ") for name in test if "copy" not in name
        }
        held_out.append(frozenset(test))
    assert len(set(held_out)) == 3
    with Image.open(next(parts[0].glob("*/*"))) as opened:
        assert opened.size == (SIDE, SIDE)


def test_ways_have_names_and_modules_of_their_own() -> None:
    peers = Path(module.__code__.co_filename).parent / "peers"
    assert all((peers / f"{way.peer}.py").is_file() for way in ways() if way.peer)
    subjects = [way.subject(phase) for way in ways() for phase in way.titles]
    assert len(set(subjects)) == len(subjects)
    assert f"{LITE}/pytorch-all" in subjects


def test_the_table_compares_times_and_pools_the_splits(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.csv")
    for seed, (right, seconds) in enumerate([(80, 100.0), (90, 120.0)]):
        for name, time in (("keras", seconds), ("transfer", seconds / 5)):
            add(results, f"{SMALL}/{name}", seed, time, right, 100, {})
    page = tmp_path / "page.md"
    page.write_text("<!-- begin: transfer -->\n<!-- end: transfer -->\n")
    write_page(results, page, tmp_path / "plot.png")
    assert f"| `{SMALL}` | Keras script, head | 85.0 ± 7.1 | 79.4 to 89.3 | 110 ± 14 | 5.0 |" in page.read_text()
    assert transfer_table({}) == transfer_table(results.newest("nothing"))


def test_without_the_photographs_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMAGEWISE_DATA", str(tmp_path))
    main(parse(["transfer", "--results", str(tmp_path / "results.csv")]))
    assert f"{SET} is not in the folder" in capsys.readouterr().err
    assert not (tmp_path / "results.csv").exists()


@pytest.mark.prove
@pytest.mark.skipif("transfer" not in bundled_recipes(), reason="this version has no recipe transfer")
def test_ours_and_a_peer_are_measured_on_the_same_pictures(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEWISE_DATA", str(photographs))
    monkeypatch.delenv("IMAGEWISE_WEIGHTS", raising=False)
    results = Results(tmp_path / "results.csv")
    chosen = [way for way in ways() if way.backbone == SMALL]
    measure_transfer(chosen, results, repeat=1, epochs=1)
    rows = results.newest(PART)
    assert list(rows) == [f"{SMALL}/transfer", f"{SMALL}/keras"]
    counts = {Figure.of(found, "held out").values for found in rows.values()}
    assert len(counts) == 1
    assert Figure.of(rows[f"{SMALL}/transfer"], "held-out accuracy").values[0] > 60
