"""The harness on tiny data: that it counts, keeps and shows what it should. It asserts no speed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.bench import main, parse
from benchmarks.floor import arithmetic, bare_seconds
from benchmarks.measuring import module, run
from benchmarks.page import write_page
from benchmarks.peers.predictor import open_imagewise, open_onnxruntime, open_pytorch
from benchmarks.profiling import kind_of
from benchmarks.results import Figure, Results
from benchmarks.same_network import inference_network
from benchmarks.scaling import defects, points
from benchmarks.subjects import Subject, peer_subjects, recipe_subjects, subjects
from benchmarks.training import measure_in_turn, measure_training
from torch.utils.flop_counter import FlopCounterMode

import imagewise
from benchmarks import features
from fake_backbone import MeanAndMax
from imagewise.networks.architectures import convnet, resnet
from imagewise.networks.network import Network
from imagewise.training.engines.pytorch.module import build_module

NETWORKS = {
    "convnet": (Network((28, 28, 1), (0.5,), (0.5,), convnet(10, downsample="stride", dropout=0.5)), 4),
    "resnet": (Network((32, 24, 3), (0.5,) * 3, (0.5,) * 3, resnet(5, squeeze=4)), 3),
}


@pytest.fixture(scope="module")
def tiny_mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 and 100 pictures of two classes, in the four files that MNIST has."""
    folder = tmp_path_factory.mktemp("tiny")
    rng = np.random.default_rng(0)
    for name, count in (("train", 200), ("t10k", 100)):
        labels = (np.arange(count) % 2).astype(np.uint8)
        images = rng.integers(0, 100, (count, 28, 28)).astype(np.uint8)
        images[labels == 1, 8:20, 8:20] += 150
        header = np.array([2051, count, 28, 28], ">i4").tobytes()
        (folder / f"{name}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(np.array([2049, count], ">i4").tobytes() + labels.tobytes())
    return folder


@pytest.mark.parametrize("name", NETWORKS)
def test_arithmetic_is_what_pytorch_counts_forward_and_backward(name: str) -> None:
    network, batch = NETWORKS[name]
    with FlopCounterMode(display=False) as counter:
        build_module(network)(torch.randn(batch, *network.planes)).sum().backward()
    macs = sum(work.training_macs for work in arithmetic(network))
    assert 2 * batch * macs == counter.get_total_flops()


def test_the_floor_of_each_layer_can_be_timed() -> None:
    network, batch = NETWORKS["resnet"]
    assert all(bare_seconds(work, batch) > 0 for work in arithmetic(network)[:3])


def test_a_process_is_measured_and_its_lines_are_read() -> None:
    process = run([sys.executable, "-c", "print('words'); print('{\"a\": 1}'); print('{\"b\": 2}')"])
    assert process.values == [{"a": 1}, {"b": 2}]
    assert 0 < process.said_at <= process.seconds
    assert process.cpu_seconds > 0
    assert process.megabytes > 1


def test_json_over_several_lines_is_read() -> None:
    program = "import json; print(json.dumps([{'label': '3', 'top': [{'label': '3'}]}], indent=2))"
    assert run([sys.executable, "-c", program]).values == [{"label": "3", "top": [{"label": "3"}]}]


def test_cores_are_limited() -> None:
    program = "import os; print('{\"cores\": %d}' % len(os.sched_getaffinity(0)))"
    assert run([sys.executable, "-c", program], cores=1).values == [{"cores": 1}]


def test_a_process_that_fails_is_not_a_measurement() -> None:
    with pytest.raises(RuntimeError, match=r"ended with 3:[\s\S]*the reason"):
        run([sys.executable, "-c", "import sys; print('the reason', file=sys.stderr); sys.exit(3)"])


def test_results_add_up_within_a_session_and_a_new_session_takes_their_place(tmp_path: Path) -> None:
    file = tmp_path / "results.csv"
    for session, values in (("a", (10.0,)), ("b", (1.0, 3.0))):
        for number, value in enumerate(values):
            Results(file, session).add("training", "x", number, {("to 99.0%", "s"): value})
    Results(file, "b").add("training", "x", 2, {("to 99.0%", "s"): None})
    found = Figure.of(Results(file).newest("training")["x"], "to 99.0%")
    assert found.values == (1.0, 3.0)
    assert found.missing == 1
    assert found.text() == "2.00 ± 1.41 (1 of 3 not)"
    assert len(file.read_text().splitlines()) == 5


def test_what_grows_faster_than_its_work_is_found() -> None:
    assert defects([2.0, 1.0, 1.1, 1.3]) == [False, False, False, True]


def test_the_work_of_every_side_is_the_same_number_of_pixels() -> None:
    assert len({point.pictures * point.side**2 for point in points() if point.axis == "side"}) == 1


def test_operations_are_counted_under_one_kind() -> None:
    assert kind_of("aten::addmm") == "matrix products"
    assert kind_of("aten::convolution_backward") == "convolutions"
    assert kind_of("aten::native_batch_norm") == "batch normalisation"
    assert kind_of("aten::relu_") == "activations and other arithmetic"


def test_every_peer_is_a_module_and_every_recipe_is_there() -> None:
    peers = Path(module.__code__.co_filename).parent / "peers"
    assert all((peers / f"{subject.peer}.py").is_file() for subject in peer_subjects())
    assert {"perceptron", "convnet", "photo"} <= {subject.name for subject in recipe_subjects()}
    assert len({subject.name for subject in subjects()}) == len(subjects())


def test_a_peer_stops_at_the_accuracy_asked_for_and_leaves_its_model(tiny_mnist: Path, tmp_path: Path) -> None:
    options = ["--data", str(tiny_mnist), "--out", str(tmp_path), "--epochs", "30", "--until", "0.9"]
    process = run(module("peers.pytorch_example", *options))
    *epochs, last = process.values
    assert [epoch["accuracy"] >= 0.9 for epoch in epochs] == [False] * (len(epochs) - 1) + [True]
    assert last["accuracy"] == epochs[-1]["accuracy"]
    assert 0 < last["train_seconds"] < last["seconds"] <= process.seconds + 0.05
    assert Path(last["model"]).stat().st_size > 100_000


def test_our_training_is_measured_kept_and_shown(
    tiny_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEWISE_DATA", str(tiny_mnist.parent))
    results = Results(tmp_path / "results.csv")
    ours = Subject("perceptron", "ours", ("--recipe", "perceptron"), 1, 1, data=tiny_mnist.name)
    measure_in_turn([(ours, 1)], results, epochs=2)
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- begin: training -->\nold\n<!-- end: training -->\nafter\n")
    write_page(results, page, tmp_path / "plot.png")
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("<!-- end: training -->\nafter\n")
    assert "old" not in text
    accuracy = Figure.of(results.newest("training")["perceptron"], "test accuracy").values[0]
    assert f"| `perceptron` | {accuracy:.1f}" in text
    assert (tmp_path / "plot.png").stat().st_size > 1000


def test_data_that_is_not_here_leaves_a_subject_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMAGEWISE_DATA", str(tmp_path))
    results = Results(tmp_path / "results.csv")
    measure_training(Subject("photo", "ours", ("--recipe", "photo"), 1, 1, data="nowhere"), 0, results)
    assert "nowhere is not on this machine" in capsys.readouterr().err
    assert not (tmp_path / "results.csv").exists()


@pytest.mark.parametrize(("budget", "words"), [(-1.0, "not begun"), (0.2, "was stopped after 0 s")])
def test_nothing_begins_or_ends_after_the_budget(
    tiny_mnist: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    budget: float,
    words: str,
) -> None:
    monkeypatch.setenv("IMAGEWISE_DATA", str(tiny_mnist.parent))
    ours = Subject("perceptron", "ours", ("--recipe", "perceptron"), 1, 1, data=tiny_mnist.name)
    measure_in_turn([(ours, 1)], Results(tmp_path / "results.csv"), budget=budget)
    assert words in capsys.readouterr().err
    assert not (tmp_path / "results.csv").exists()


def test_the_same_network_answers_alike_under_pytorch_onnxruntime_and_imagewise(tmp_path: Path) -> None:
    settings = {"network.params.batch_norm": True, "network.params.dropout": 0.3}
    run = imagewise.train(
        "digits", recipe="perceptron", epochs=1, settings=settings, out=tmp_path / "run", report=False
    )
    network, weights = inference_network(run.folder)
    (tmp_path / "network.json").write_text(json.dumps(network.as_dict()))
    from safetensors.numpy import save_file

    save_file(weights, tmp_path / "weights.safetensors")
    (run.folder / "model.onnx").rename(tmp_path / "model.onnx")
    pictures = imagewise.load_data("digits")["test"].images[:20].copy()  # PyTorch warns of what is read-only
    wanted = open_onnxruntime(tmp_path)[1](pictures)
    np.testing.assert_allclose(open_pytorch(tmp_path)[1](pictures), wanted, atol=1e-5)
    np.testing.assert_allclose(open_imagewise(tmp_path)[1](pictures), wanted, atol=1e-5)
    np.testing.assert_allclose(open_imagewise(tmp_path)[0](pictures[:1])[0, 0], wanted[0].max(), atol=1e-5)


def test_the_command_line_writes_nothing_where_nothing_was_measured(tmp_path: Path) -> None:
    file = tmp_path / "results.csv"
    main(parse(["training", "--only", "no-such-subject", "--results", str(file)]))
    assert not file.exists()


def test_features_are_measured_both_ways_and_fill_their_table(tmp_path: Path) -> None:
    found = features.measure(MeanAndMax(), 32, 20, 2)
    assert [len(times) for times in found.values()] == [2] * 4
    found["bare, batches of 8"] = [(1.0, 2.0), (1.5, 2.0)]
    found["imagewise"] = [(0.5, 1.0), (1.0, 1.0)]
    for way in ("bare, batches of 1", "bare, batches of 32"):
        found[way] = [(9.0, 9.0)] * 2
    assert features.fastest_bare(found) == "bare, batches of 8"
    results = Results(tmp_path / "results.csv", "test")
    features.add(results, "fake/32", found)
    page = tmp_path / "page.md"
    page.write_text("<!-- begin: features -->\n<!-- end: features -->\n")
    write_page(results, page, tmp_path / "plot.png")
    assert "| `fake` | 32 | 0.750 ± 0.354 | 1.00 ± 0.00 | 1.25 ± 0.35 | 1.75 ± 0.35 | 2 |" in page.read_text()
