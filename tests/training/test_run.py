"""The whole flow on tiny data: with a fake engine in milliseconds, with PyTorch in a second."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import imagewise
from contract import reference_logits
from engine_runs import ENGINE_SETTINGS, LINEAR, MODEL_FILES, StopAfter, a_plan, files, record
from imagewise.data.dataset import Dataset, Split, SplitRule
from imagewise.data.sketch import share_seen
from imagewise.errors import DataError, OutputError, RecipeError, TrainingError
from imagewise.framing.framing import Framing, FramingKind
from imagewise.model.model import Model
from imagewise.networks.network import Network
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.design import default_recipe, design_network
from imagewise.training.history import EpochRecord
from imagewise.training.planning.plan import Options, Plan
from imagewise.training.planning.planning import plan_run
from imagewise.training.recipe import Recipe
from imagewise.training.recipes.files import bundled_recipes, load_recipe
from imagewise.training.result import Run
from imagewise.training.run import TrainingCallbacks, execute, train, write_report

# ---- the flow, with a fake engine


def test_a_run_leaves_its_files_and_says_what_is_in_them(tiny_dataset: Dataset, tmp_path: Path) -> None:
    run = execute(a_plan(tiny_dataset, tmp_path / "run"), TrainingCallbacks())
    assert files(run.folder) == MODEL_FILES
    assert run.folder == tmp_path / "run"
    assert len(run.history) == 4
    assert not run.interrupted
    assert record(run.folder)["status"] == "finished"
    assert record(run.folder)["results"] == json.loads(json.dumps(run.as_dict()))
    rows = list(csv.DictReader((run.folder / "history.csv").read_text().splitlines()))
    assert list(rows[0]) == [
        "epoch", "cost", "accuracy", "validation_cost", "validation_accuracy", "learning_rate", "seconds"
    ]  # fmt: skip
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4]
    assert float(rows[-1]["cost"]) == pytest.approx(run.history[-1].cost, rel=1e-5)
    assert Checkpoint.read(run.folder / "checkpoint.safetensors").state["best_epoch"] == run.best_epoch


def test_the_record_holds_all_that_is_needed_to_repeat_the_run(tiny_dataset: Dataset, tmp_path: Path) -> None:
    plan = a_plan(tiny_dataset, tmp_path / "run", seed=7)
    execute(plan, TrainingCallbacks())
    found = record(tmp_path / "run")
    assert Recipe.parse(found["recipe"], "run.json") == plan.recipe
    assert Network.from_dict(found["network"]) == plan.network
    assert found["data"] == {
        "source": None,
        "name": "tiny",
        "fingerprint": tiny_dataset.fingerprint,
        "split_rule": tiny_dataset.split_rule.sentence,
        "group_by": None,
        "near_copies": False,
        "groups": 0,
        "columns": None,
        "counts": {"train": 90, "validation": 30, "test": 45},
        "skipped": [],
        "notices": [],
    }
    assert found["class_names"] == ["bottom", "middle", "top"]
    assert found["framing"] == tiny_dataset.framing.as_dict()
    assert (found["engine"], found["device"]) == ("fake", "fake")
    assert {"python", "imagewise", "numpy", "onnxruntime"} <= found["versions"].keys()
    assert found["command"]
    assert found["started"] <= found["finished"]


def test_the_scores_are_those_of_the_file_that_ships(tiny_dataset: Dataset, tmp_path: Path) -> None:
    run = execute(a_plan(tiny_dataset, tmp_path / "run"), TrainingCallbacks())
    model = Model.open(run.folder / "model.onnx")
    for name, score in (("validation", run.validation), ("test", run.test)):
        assert score is not None
        split = tiny_dataset[name]  # type: ignore[index]
        assert score.metrics.accuracy == (model.predict_batch(split.images).argmax(1) == split.labels).mean()
        assert score.metrics.count == len(split)
        assert model.card.metrics[name].as_dict() == json.loads(json.dumps(score.metrics.as_dict()))
    assert run.validation is not None
    best = run.history[run.best_epoch - 1]
    assert run.validation.metrics.accuracy == best.validation_accuracy


def test_the_model_file_knows_its_classes_data_and_recipe(tiny_dataset: Dataset, tmp_path: Path) -> None:
    plan = a_plan(tiny_dataset, tmp_path / "run")
    card = execute(plan, TrainingCallbacks()).model.card
    assert card.class_names == tiny_dataset.class_names
    assert card.framing == tiny_dataset.framing
    assert Network.from_dict(card.network) == plan.network
    assert Recipe.parse(card.recipe.as_dict(), "card") == plan.recipe
    assert card.data.fingerprint == tiny_dataset.fingerprint
    assert share_seen(tiny_dataset["train"].images, card.data.sketch) == 1
    assert share_seen(tiny_dataset["test"].images, card.data.sketch) == 0


def test_callbacks_hear_of_the_plan_first_and_of_epochs_once_they_are_on_disk(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagewise.training.reports.keeper.SAVE_SECONDS", 0)  # after every epoch, however short
    heard: list[str] = []

    class Hear(TrainingCallbacks):
        def on_plan(self, plan: Plan) -> None:
            heard.append(f"plan {plan.dataset.name}")

        def on_batch(self, epoch: int, batch: int, batches: int, loss: float, learning_rate: float) -> None:
            heard.append(f"batches of {epoch}")

        def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
            on_disk = Checkpoint.read(tmp_path / "run" / "checkpoint.safetensors")
            assert on_disk.state == checkpoint.state
            assert (tmp_path / "run" / "history.csv").read_text().count("\n") == len(history) + 1
            assert record(tmp_path / "run")["status"] == "running"
            heard.append(f"epoch {len(history)}")

    execute(a_plan(tiny_dataset, tmp_path / "run", epochs=2), Hear())
    assert list(dict.fromkeys(heard)) == ["plan tiny", "batches of 1", "epoch 1", "batches of 2", "epoch 2"]


@pytest.mark.parametrize("lie", [0.01, 1e3, float("nan")])
def test_a_file_that_disagrees_with_the_trained_network_is_not_written(
    tiny_dataset: Dataset, tmp_path: Path, lie: float
) -> None:
    with pytest.raises(TrainingError, match="logits differ from the trained network's"):
        execute(a_plan(tiny_dataset, tmp_path / "run", lie=lie), TrainingCallbacks())
    assert "model.onnx" not in files(tmp_path / "run")
    assert "checkpoint.safetensors" in files(tmp_path / "run")
    assert record(tmp_path / "run")["status"] == "interrupted"


@pytest.mark.parametrize("epochs", [0, 1, 4])
def test_ctrl_c_while_the_model_is_scored_leaves_the_model_and_no_run_that_seems_to_go_on(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs: int
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    class StopEarly(TrainingCallbacks):
        def on_batch(self, epoch: int, batch: int, batches: int, loss: float, learning_rate: float) -> None:
            if epoch > epochs:
                raise KeyboardInterrupt

    monkeypatch.setattr("imagewise.training.run.score", interrupt)
    with pytest.raises(KeyboardInterrupt):
        execute(a_plan(tiny_dataset, tmp_path / "run"), StopEarly())
    assert record(tmp_path / "run")["status"] == "interrupted"
    assert Model.open(tmp_path / "run" / "model.onnx").card.metrics == {}
    assert ("checkpoint.safetensors" in files(tmp_path / "run")) == (epochs > 0)


def test_a_difference_of_rounding_is_let_pass(tiny_dataset: Dataset, tmp_path: Path) -> None:
    assert execute(a_plan(tiny_dataset, tmp_path / "run", lie=5e-5), TrainingCallbacks()).model


def test_a_network_that_takes_one_size_only_cannot_train_on_a_smaller_one(tiny_dataset: Dataset) -> None:
    reduced = {"augment.resolution": 0.5}
    with pytest.raises(RecipeError, match="'perceptron' does not take another size; set it to 1"):
        design_network(_bundled("perceptron").override(reduced), tiny_dataset)
    recipe = _bundled("photo").override(reduced)
    assert design_network(recipe, tiny_dataset) == design_network(_bundled("photo"), tiny_dataset)


def _bundled(name: str) -> Recipe:
    recipe = load_recipe(name)
    assert isinstance(recipe, Recipe)
    return recipe


def test_train_plus_validation_scores_neither_of_them(tiny_dataset: Dataset, tmp_path: Path) -> None:
    plan = a_plan(tiny_dataset, tmp_path / "run", fit_on="train+validation", keep="last")
    run = execute(plan, TrainingCallbacks())
    assert run.validation is None
    assert run.as_dict()["validation"] is None
    assert run.test is not None
    assert share_seen(tiny_dataset["validation"].images, run.model.card.data.sketch) == 1
    write_report(run)


class StopAtOnce(TrainingCallbacks):
    def on_batch(self, epoch: int, batch: int, batches: int, cost: float, learning_rate: float) -> None:
        raise KeyboardInterrupt


def test_ctrl_c_saves_the_best_so_far_and_says_so(tiny_dataset: Dataset, tmp_path: Path) -> None:
    run = execute(a_plan(tiny_dataset, tmp_path / "run"), StopAfter(2))
    assert run.interrupted
    assert len(run.history) == 2
    assert files(run.folder) == MODEL_FILES
    assert record(run.folder)["status"] == "interrupted"
    assert run.as_dict()["interrupted"]
    assert Model.open(run.folder / "model.onnx").predict(tiny_dataset["test"].images[0]).label


def test_ctrl_c_in_the_first_epoch_leaves_a_model_from_no_epoch(tiny_dataset: Dataset, tmp_path: Path) -> None:
    run = execute(a_plan(tiny_dataset, tmp_path / "run"), StopAtOnce())
    assert run.interrupted
    assert run.best_epoch == 0
    assert "model.onnx" in files(run.folder)
    write_report(run)


# ---- the whole product, with PyTorch


@pytest.fixture
def whole(tiny_dataset: Dataset, tmp_path: Path) -> Run:
    return train(tiny_dataset, recipe=Recipe.parse(LINEAR, "linear"), out=tmp_path / "whole", **ENGINE_SETTINGS)


def test_pictures_in_a_recogniser_out(tiny_dataset: Dataset, tmp_path: Path) -> None:
    run = imagewise.train(tiny_dataset, recipe="perceptron", epochs=8, seed=3, device="cpu", out=tmp_path / "run")
    assert files(run.folder) == MODEL_FILES | {"report.html"}
    assert (run.recipe.name, len(run.history), run.recipe.seed) == ("perceptron", 8, 3)
    assert run.test is not None
    assert run.test.metrics.accuracy >= 0.9
    assert run.train_seconds > 0
    model = imagewise.load_model(run.folder / "model.onnx")
    test = tiny_dataset["test"]
    evaluation = imagewise.evaluate(model, tiny_dataset)
    assert (evaluation.split, evaluation.metrics.accuracy) == ("test", run.test.metrics.accuracy)
    labels = [model.predict(image).label for image in test.images]
    assert labels == [tiny_dataset.class_names[i] for i in model.predict_batch(test.images).argmax(1)]


KINDS: dict[str, dict[str, Any]] = {"perceptron": {}, "convnet": {}, "photo": {"network.params.widths": [8, 16]}}


@pytest.mark.parametrize("recipe", KINDS)
def test_every_bundled_kind_of_network_trains_on_colour_too(recipe: str, tmp_path: Path) -> None:
    bundled = [load_recipe(name) for name in bundled_recipes()]
    kinds = {each.network.name for each in bundled if isinstance(each, Recipe) and each.network}
    assert kinds == {_bundled(name).architecture.name for name in KINDS}
    rng = np.random.default_rng(0)
    labels = np.arange(40, dtype=np.int64) % 2
    images = rng.integers(0, 60, (40, 9, 11, 3), dtype=np.uint8)
    images[labels == 1, ..., 0] += 100
    splits: dict[Any, Split] = {"train": Split(images[:30], labels[:30]), "validation": Split(images[30:], labels[30:])}
    dataset = Dataset("colours", ("blue", "red"), splits, imagewise.Framing("photo", 9, 11, 3), SplitRule.GIVEN)
    settings = KINDS[recipe]
    run = train(
        dataset, recipe=recipe, epochs=12, batch_size=10, settings=settings, out=tmp_path / "run", **ENGINE_SETTINGS
    )
    assert run.test is None
    assert run.validation is not None
    assert run.validation.metrics.accuracy == 1
    red = np.zeros((9, 11, 3), dtype=np.uint8)
    red[..., 0] = 140
    assert run.model.predict(red).label == "red"


def test_the_default_recipe_fits_what_the_pictures_are_and_how_many(tiny_dataset: Dataset) -> None:
    def chosen(kind: FramingKind, count: int) -> str:
        split = Split(np.zeros((count, 12, 10, 1), np.uint8), np.zeros(count, np.int64))
        return default_recipe(replace(tiny_dataset, splits={"train": split}, framing=Framing(kind, 12, 10, 1)))

    assert (chosen("ink", 55_000), chosen("ink", 1_437)) == ("quick", "convnet")
    assert (chosen("photo", 55_000), chosen("photo", 3_000)) == ("photo", "photo")
    assert {"quick", "convnet", "photo"} <= bundled_recipes().keys()


def test_standard_normalisation_is_of_the_training_pictures_alone(tiny_dataset: Dataset, tmp_path: Path) -> None:
    recipe = Recipe.parse(LINEAR | {"normalize": "standard"}, "linear")
    network = design_network(recipe, tiny_dataset)
    pixels = tiny_dataset["train"].images / 255
    assert network.mean == pytest.approx([pixels.mean()])
    assert network.std == pytest.approx([pixels.std()])
    blank = replace(tiny_dataset["train"], images=np.full_like(tiny_dataset["train"].images, 9))
    assert design_network(recipe, replace(tiny_dataset, splits={"train": blank})).std == (1.0,)


def test_the_same_call_makes_the_same_model(tiny_dataset: Dataset, whole: Run, tmp_path: Path) -> None:
    again = train(tiny_dataset, recipe=Recipe.parse(LINEAR, "linear"), out=tmp_path / "again", **ENGINE_SETTINGS)
    images = tiny_dataset["test"].images
    assert np.array_equal(again.model.logits(images), whole.model.logits(images))


def test_a_set_without_test_or_validation_split_can_be_trained_to_the_last_epoch(
    tiny_dataset: Dataset, tmp_path: Path
) -> None:
    alone = replace(tiny_dataset, splits={"train": tiny_dataset["train"]})
    settings = {"keep": "last", "patience": 0}
    run = imagewise.train(
        alone, recipe=Recipe.parse(LINEAR, "linear"), settings=settings, out=tmp_path / "run", device="cpu"
    )
    assert (run.validation, run.test) == (None, None)
    assert run.scored.split == "train"
    assert 'class="verdict unknown"' in (run.folder / "report.html").read_text("utf-8")


def test_overrides_reach_the_recipe_and_the_clash_of_two_is_refused(tiny_dataset: Dataset, tmp_path: Path) -> None:
    options = Options(recipe="perceptron", out=tmp_path / "run", overrides={"epochs": 2, "augment.rotate": 5})
    plan = plan_run(tiny_dataset, options)
    assert isinstance(plan.recipe, Recipe)
    assert (plan.recipe.epochs, plan.recipe.augment.rotate) == (2, 5)
    with pytest.raises(RecipeError, match="keep = 'last'"):
        train(tiny_dataset, recipe="perceptron", settings={"fit_on": "train+validation"}, out=tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("classes", ["one class", "one picture", "no train"])
def test_data_that_cannot_be_learnt_from_is_refused(tiny_dataset: Dataset, classes: str, tmp_path: Path) -> None:
    train_split = tiny_dataset["train"]
    match classes:
        case "one class":
            first = train_split.take(np.flatnonzero(train_split.labels == 0))
            data = replace(tiny_dataset, splits={"train": first}, class_names=("bottom",))
        case "one picture":
            data = replace(tiny_dataset, splits={"train": train_split.take(np.array([0]))})
        case _:
            data = replace(tiny_dataset, splits={"test": train_split})
    with pytest.raises(DataError, match="tiny: training needs at least two classes and two training pictures"):
        train(data, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


# ---- folders that cannot be used


def test_a_folder_that_holds_a_run_is_refused_and_left_as_it_is(tiny_dataset: Dataset, whole: Run) -> None:
    before = {path: path.read_bytes() for path in whole.folder.iterdir()}
    with pytest.raises(OutputError, match=r"already holds a run.*--out.*--resume"):
        train(tiny_dataset, recipe="perceptron", out=whole.folder)
    assert {path: path.read_bytes() for path in whole.folder.iterdir()} == before


def test_a_folder_with_other_files_can_be_used_and_they_stay(tiny_dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    execute(a_plan(tiny_dataset, tmp_path, epochs=1), TrainingCallbacks())
    assert files(tmp_path) == MODEL_FILES | {"notes.txt"}


@pytest.mark.parametrize(
    "place",
    [lambda folder: folder / "file", lambda folder: folder / "file" / "run", lambda folder: folder / ("x" * 300)],
    ids=["a file", "below a file", "too long a name"],
)
def test_a_folder_that_cannot_be_made_is_refused_before_training(
    tiny_dataset: Dataset, tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write to .*--out DIR"):
        train(tiny_dataset, recipe="perceptron", out=place(tmp_path))
    assert (tmp_path / "file").read_text() == "in the way"


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import conftest, engine_runs
import imagewise.training.reports.keeper
from imagewise.errors import OutputError
from imagewise.training.run import TrainingCallbacks, execute

imagewise.training.reports.keeper.SAVE_SECONDS = 0  # after every epoch, however short

class Fill(TrainingCallbacks):
    def on_epoch(self, history, best_epoch, checkpoint):
        if len(history) == 2:  # from now on no file may grow beyond 500 bytes
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))

folder = Path({folder!r})
try:
    execute(engine_runs.a_plan(conftest.make_tiny_dataset(), folder), Fill())
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_that_fills_up_is_an_error_and_what_was_saved_stays(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    script = FULL_DISK.format(tests=str(Path(__file__).parents[1]), folder=str(folder))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "cannot write" in done.stdout
    assert str(folder / "checkpoint.safetensors") in done.stdout
    assert files(folder) == {"run.json", "history.csv", "checkpoint.safetensors"}  # nothing half-written beside them
    assert len(Checkpoint.read(folder / "checkpoint.safetensors").state["history"]) == 2
    assert (folder / "history.csv").read_text().count("\n") == 3


def test_a_run_that_breaks_down_keeps_its_last_good_checkpoint(tiny_dataset: Dataset, tmp_path: Path) -> None:
    """This decay multiplies the weights by -999 a step: for two epochs they are finite, in the third they are not."""
    wild = {"optimizer": {"name": "sgd", "learning_rate": 1e3, "weight_decay": 1.0}, "epochs": 9}
    folder = tmp_path / "run"
    with pytest.raises(TrainingError, match=r"epoch 3.*--learning-rate"):
        train(tiny_dataset, recipe=Recipe.parse(LINEAR, "linear"), settings=wild, out=folder, **ENGINE_SETTINGS)
    assert files(folder) == MODEL_FILES - {"model.onnx"}
    assert record(folder)["status"] == "interrupted"  # nobody trains there any more
    checkpoint = Checkpoint.read(folder / "checkpoint.safetensors")
    assert [epoch["epoch"] for epoch in checkpoint.state["history"]] == [1, 2]
    assert all(np.isfinite(array).all() for array in checkpoint.arrays.values())
    assert (folder / "history.csv").read_text().count("\n") == 3


def test_a_run_that_breaks_down_in_its_first_epoch_leaves_nothing(tiny_dataset: Dataset, tmp_path: Path) -> None:
    wild = {"optimizer.name": "sgd", "optimizer.learning_rate": 1e38}
    recipe = Recipe.parse(LINEAR, "linear")
    with pytest.raises(TrainingError, match=r"epoch 1.*--learning-rate"):
        train(tiny_dataset, recipe=recipe, settings=wild, out=tmp_path / "run", **ENGINE_SETTINGS)
    assert not list(tmp_path.iterdir())


def test_the_models_logits_are_those_of_the_weights_in_the_checkpoint(tiny_dataset: Dataset, whole: Run) -> None:
    arrays = Checkpoint.read(whole.folder / "checkpoint.safetensors").arrays
    best = {key.removeprefix("best."): value for key, value in arrays.items() if key.startswith("best.")}
    network = Network.from_dict(record(whole.folder)["network"])
    images = tiny_dataset["test"].images
    np.testing.assert_allclose(whole.model.logits(images), reference_logits(network, best, images), atol=1e-4)


@pytest.mark.parametrize("settings", ["augment.rotate=10", ["augment.rotate=10"], 3], ids=repr)
def test_settings_that_are_no_mapping_are_refused_with_an_example(
    tiny_dataset: Dataset, tmp_path: Path, settings: Any
) -> None:
    with pytest.raises(TypeError, match=r"settings .*augment\.rotate"):
        train(tiny_dataset, settings=settings, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
