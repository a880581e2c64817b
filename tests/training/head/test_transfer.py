"""Runs of recipe transfer: a folder of photographs in, a model on a pretrained network out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import imagewise
from imagewise.backbones import opening
from imagewise.errors import DownloadError, ModelError, RecipeError
from imagewise.model.session import import_onnxruntime
from imagewise.training.head.recipe import HeadRecipe
from imagewise.training.planning.plan import Options
from imagewise.training.planning.planning import plan_run
from imagewise.training.reports.callbacks import TrainingCallbacks

SMALL = "mobilenet_v2_035"  # comes with imagewise
QUIET: dict[str, Any] = {"verbose": False, "report": False, "offline": True}
COLOURS = {"blue": (40, 60, 200), "green": (50, 170, 60), "red": (200, 50, 40)}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of 110 pictures of 100x90 pixels: noise around a colour."""
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (folder / name).mkdir()
        for number in range(110):
            levels = np.clip(rng.normal(colour, 50, (90, 100, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(levels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def run(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> imagewise.Run:
    out = tmp_path_factory.mktemp("run") / "run"
    return imagewise.train(photographs, backbone=SMALL, out=out, offline=True, verbose=False)


def test_a_run_leaves_a_model_a_record_and_a_report(run: imagewise.Run) -> None:
    assert sorted(file.name for file in run.folder.iterdir()) == ["model.onnx", "report.html", "run.json"]
    assert run.accuracy > 0.8
    assert isinstance(run.recipe, HeadRecipe)
    assert (run.history, run.best_epoch, run.interrupted) == ((), 0, False)
    record = json.loads((run.folder / "run.json").read_text("utf-8"))
    assert (record["status"], record["backbone"]["name"], record["engine"]) == ("finished", SMALL, "onnxruntime")
    assert record["head"]["tried"]
    assert run.head is not None
    assert run.head.strength in run.recipe.strengths


def test_the_card_names_the_pretrained_network_its_licence_and_what_to_cite(run: imagewise.Run) -> None:
    backbone = run.model.card.backbone
    assert backbone is not None
    assert (backbone.name, backbone.licence) == (SMALL, "Apache-2.0")
    assert "MobileNetV2" in str(backbone.citation)


def test_the_model_recognises_files_as_it_was_scored(run: imagewise.Run, photographs: Path) -> None:
    model = imagewise.load_model(run.folder)
    answers = [model.predict(path).label for name in COLOURS for path in sorted((photographs / name).iterdir())[:4]]
    assert np.mean([a == n for a, n in zip(answers, np.repeat(list(COLOURS), 4), strict=True)]) > 0.7
    evaluation = imagewise.evaluate(model, photographs)
    assert run.test is not None
    assert evaluation.metrics.accuracy == run.test.metrics.accuracy


def test_the_scores_from_features_are_those_of_the_model_file(run: imagewise.Run) -> None:
    assert run.test is not None
    probabilities = run.model.predict_batch(run.test.pictures.images)
    np.testing.assert_allclose(probabilities, run.test.probabilities, atol=1e-4)


def test_a_second_run_computes_no_features(
    run: imagewise.Run, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("features were computed again")

    monkeypatch.setattr("imagewise.backbones.features.FeatureSession", refuse)
    again = imagewise.train(photographs, backbone=SMALL, out=tmp_path / "run", **QUIET)
    np.testing.assert_array_equal(
        again.model.predict_batch(np.zeros((1, *again.model.framing.shape), np.uint8)),
        run.model.predict_batch(np.zeros((1, *run.model.framing.shape), np.uint8)),
    )


def test_photographs_get_a_pretrained_network_where_nothing_is_named(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "PREFERRED", (SMALL,))
    plan = plan_run(photographs, Options(out=tmp_path / "run", offline=True))
    assert plan.recipe.name == "transfer"
    assert plan.dataset.framing.shape == (96, 96, 3)
    assert plan.dataset.framing.kind == "photo"


@pytest.mark.parametrize("options", [{"engine": "pytorch"}, {"recipe": "photo"}])
def test_who_names_an_engine_or_a_recipe_gets_it(photographs: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    plan = plan_run(photographs, Options(out=tmp_path / "run", offline=True, **options))
    assert (plan.recipe.name, plan.dataset.shape) == ("photo", (80, 80, 3))


def test_without_any_weights_a_network_is_trained_from_random_ones_and_the_run_says_so(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "PREFERRED", ("efficientnet_lite0",))
    monkeypatch.delenv("IMAGEWISE_WEIGHTS", raising=False)
    plan = plan_run(photographs, Options(out=tmp_path / "run", offline=True))
    assert (plan.recipe.name, plan.dataset.shape) == ("photo", (80, 80, 3))
    [notice] = [each for each in plan.dataset.notices if "random weights" in each]
    assert "efficientnet_lite0 are not on this machine" in notice


def test_a_backbone_that_is_named_is_never_replaced(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMAGEWISE_WEIGHTS", raising=False)
    with pytest.raises(DownloadError, match="imagewise backbones fetch efficientnet_lite0"):
        plan_run(photographs, Options(out=tmp_path / "run", offline=True, overrides={"backbone": "efficientnet_lite0"}))
    with pytest.raises(ModelError, match=r"no backbone is called 'mobilnet'.*mobilenet"):
        plan_run(photographs, Options(out=tmp_path / "run", offline=True, overrides={"backbone": "mobilnet"}))
    assert not (tmp_path / "run").exists()


def test_a_head_has_no_epochs_and_the_error_names_recipes_that_have(photographs: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"recipe transfer: epochs: .*has no epochs.*--recipe finetune"):
        plan_run(photographs, Options(out=tmp_path / "run", offline=True, overrides={"epochs": 3}))


def test_a_recipe_from_random_weights_takes_no_backbone(photographs: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="a network or a backbone, not both"):
        plan_run(
            photographs, Options(out=tmp_path / "run", offline=True, recipe="photo", overrides={"backbone": SMALL})
        )


@pytest.mark.parametrize("framing", ["photo:96:grey", "photo:96x128", "photo:32", "ink"])
def test_a_framing_that_a_pretrained_network_cannot_see_is_refused(
    photographs: Path, tmp_path: Path, framing: str
) -> None:
    with pytest.raises(RecipeError, match="--framing photo:224"):
        plan_run(
            photographs,
            Options(out=tmp_path / "run", offline=True, framing=framing, overrides={"backbone": SMALL}),
        )


class PressCtrlC(TrainingCallbacks):
    def on_progress(self, *_: Any) -> None:
        raise KeyboardInterrupt


def test_ctrl_c_while_features_are_computed_leaves_no_folder(photographs: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        imagewise.train(
            photographs, backbone=SMALL, framing="photo:64", out=tmp_path / "run", callbacks=PressCtrlC(), **QUIET
        )
    assert not (tmp_path / "run").exists()


def test_a_complete_run_is_not_resumed_but_for_a_missing_report(run: imagewise.Run) -> None:
    with pytest.raises(RecipeError, match="is complete: its head is fitted"):
        imagewise.train(resume=run.folder, verbose=False)
    (run.folder / "report.html").unlink()
    again = imagewise.train(resume=run.folder, offline=True, verbose=False)
    assert (run.folder / "report.html").exists()
    assert (again.accuracy, again.head) == (run.accuracy, run.head)


def test_an_onnx_file_is_a_backbone(run: imagewise.Run, photographs: Path, tmp_path: Path) -> None:
    onnx_file = tmp_path / "mine.onnx"
    onnx_file.write_bytes((run.folder / "model.onnx").read_bytes())
    other = imagewise.train(photographs, backbone=str(onnx_file), out=tmp_path / "run", **QUIET)
    assert other.accuracy > 0.8
    card = other.model.card
    assert card.backbone is not None
    assert (card.backbone.name, card.network) == ("mine.onnx", {})
    assert import_onnxruntime().InferenceSession(str(other.folder / "model.onnx")).get_inputs()[0].name == "pictures"


def test_pictures_are_smaller_where_the_time_is_short(photographs: Path, tmp_path: Path) -> None:
    large = tmp_path / "large"
    for name in COLOURS:
        (large / name).mkdir(parents=True)
        for number in range(4):
            noise = np.random.default_rng(number).integers(0, 256, (240, 240, 3), dtype=np.uint8)
            Image.fromarray(noise).save(large / name / f"{number}.png")
    options = Options(out=tmp_path / "run", offline=True, overrides={"backbone": SMALL}, minutes=0.0001)
    plan = plan_run(large, options)
    assert plan.dataset.shape == (96, 96, 3)
    assert any("the run may take" in notice for notice in plan.dataset.notices)


def test_minutes_are_refused_for_a_recipe_that_counts_epochs(photographs: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="--minutes is for recipes that start from a pretrained network"):
        plan_run(photographs, Options(out=tmp_path / "run", offline=True, recipe="photo", minutes=1))


@pytest.mark.parametrize(("framing", "given"), [("photo:96", None), (None, "dataset")])
def test_minutes_are_refused_where_the_size_is_given_already(
    photographs: Path, tmp_path: Path, framing: str | None, given: str | None
) -> None:
    data = imagewise.load_data(photographs, framing="photo:64") if given else photographs
    with pytest.raises(RecipeError, match=r"--minutes chooses the size of the pictures, and .* out"):
        plan_run(data, Options(out=tmp_path / "run", offline=True, framing=framing, minutes=1))


def test_pictures_that_look_the_same_are_in_one_fold(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(32):  # nothing tells the classes apart, but each picture is there twice
        blocks = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        picture = np.asarray(Image.fromarray(blocks).resize((72, 72), Image.Resampling.BICUBIC))
        folder = tmp_path / "data" / ("a" if number % 2 else "b")
        folder.mkdir(parents=True, exist_ok=True)
        for copy, brighter in enumerate((0, 1)):
            Image.fromarray(np.clip(picture.astype(int) + brighter, 0, 255).astype(np.uint8)).save(
                folder / f"{number}-{copy}.png"
            )
    expected = []
    for near_copies in (True, False):
        run = imagewise.train(
            tmp_path / "data", backbone=SMALL, framing="photo:64", near_copies=near_copies,
            out=tmp_path / str(near_copies), offline=True, verbose=False,
        )  # fmt: skip
        assert run.head is not None
        assert run.head.expectation is not None
        expected.append(run.head.expectation.accuracy)
    assert expected[0] < 0.75
    assert expected[1] > 0.8


def test_few_pictures_are_all_trained_on_and_a_cross_validation_tells_what_to_expect(
    photographs: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few"
    for name in COLOURS:
        (few / name).mkdir(parents=True)
        for path in sorted((photographs / name).iterdir())[:6]:
            (few / name / path.name).write_bytes(path.read_bytes())
    run = imagewise.train(few, backbone=SMALL, out=tmp_path / "run", offline=True, verbose=False)
    assert run.counts == {"train": 18}
    assert (run.test, run.validation, run.scored.split) == (None, None, "train")
    assert run.head is not None
    assert run.head.expectation is not None
    assert run.head.expectation.count == 18
    assert run.accuracy == pytest.approx(run.head.expectation.accuracy, abs=0.1)  # one of four repetitions
    assert any("too few to keep some for testing" in notice for notice in run.notices)
    assert "expect less of new ones" not in (run.folder / "report.html").read_text("utf-8")


def test_a_test_split_that_the_data_came_with_stays_however_small(photographs: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    for split, numbers in {"train": range(8), "test": range(8, 10)}.items():
        for name in COLOURS:
            (given / split / name).mkdir(parents=True)
            for number in numbers:
                content = (photographs / name / f"{number}.png").read_bytes()
                (given / split / name / f"{number}.png").write_bytes(content)
    plan = plan_run(given, Options(out=tmp_path / "run", offline=True, overrides={"backbone": SMALL}))
    assert len(plan.dataset["test"]) == 6
