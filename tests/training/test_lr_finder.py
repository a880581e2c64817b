from __future__ import annotations

import io
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter1d
from typer.testing import CliRunner

import imagewise
from engine_runs import LINEAR, RESTLESS, fit
from fake_engine import FakeEngine, FakeLearner
from imagewise.cli.app import app
from imagewise.data.dataset import Dataset, Split
from imagewise.errors import RecipeError, TrainingError
from imagewise.networks.initialization import initial_weights
from imagewise.training.design import design_network
from imagewise.training.engines import loop
from imagewise.training.engines.base import Learner, Step, StepResults
from imagewise.training.engines.loop import losses_at
from imagewise.training.engines.pytorch.engine import PyTorchEngine
from imagewise.training.engines.sampling import epoch_batches, infinite_batches
from imagewise.training.job import TrainingJob
from imagewise.training.lr_finder import RateSearch, range_test, rates_between, smooth
from imagewise.training.planning.jobs import make_job
from imagewise.training.recipe import Recipe
from imagewise.training.reports.lr_plot import rate_plot

SGD = LINEAR | {"optimizer": {"name": "sgd", "learning_rate": 0.1}}


class Scripted(FakeEngine):
    """An engine whose steps have the losses given, whatever the rates."""

    def __init__(self, losses: Sequence[float]) -> None:
        super().__init__()
        self._losses = losses
        self.asked = 0

    def learner(self, job: TrainingJob, training: Split) -> Learner:
        engine = self

        class ScriptedLearner(FakeLearner):
            def steps(self, steps: Sequence[Step]) -> StepResults:
                engine.asked += len(steps)
                return StepResults([engine._losses[step.number] for step in steps], [0] * len(steps))

        return ScriptedLearner(job, training, 0.0)


def tried(dataset: Dataset, values: dict[str, Any], rates: Sequence[float]) -> list[float]:
    job = make_job(Recipe.parse(values, "test"), dataset)
    return list(losses_at(job, dataset, rates, PyTorchEngine("cpu")))


def search(dataset: Dataset, costs: Sequence[float], lowest: float = 1e-6, highest: float = 10.0) -> RateSearch:
    rates = np.geomspace(lowest, highest, len(costs))
    return range_test(make_job(Recipe.parse(LINEAR, "test"), dataset), dataset, rates, engine=Scripted(costs))


def a_valley(steps: int = 150) -> list[float]:
    """2.3, down by a sigmoid around the rate 1e-3, up again from 1e-1 on."""
    place = np.linspace(-6, 1, steps)
    return list(0.3 + 2 / (1 + np.exp(4 * (place + 3))) + 3 * np.maximum(place + 1, 0) ** 2)


# ---- the engine's part


def test_costs_are_those_of_a_loop_in_plain_pytorch(tiny_dataset: Dataset) -> None:
    rates = np.geomspace(1e-3, 1.0, 20).tolist()  # 6 batches an epoch: into the fourth
    recipe = Recipe.parse(SGD, "test")
    first = initial_weights(design_network(recipe, tiny_dataset), recipe.initialization, recipe.seed)
    weight, bias = (torch.from_numpy(first[name]).clone().requires_grad_() for name in ("1.weight", "1.bias"))
    train = tiny_dataset["train"]
    wanted = []
    for rate, (indices, _) in zip(rates, infinite_batches(len(train), recipe.batch_size, recipe.seed), strict=False):
        pictures, labels = train.images[indices], torch.from_numpy(train.labels[indices])
        x = torch.from_numpy(pictures.transpose(0, 3, 1, 2).reshape(len(indices), -1) / np.float32(255))
        cost = torch.nn.functional.cross_entropy(x @ weight.T + bias, labels)
        for parameter, gradient in zip((weight, bias), torch.autograd.grad(cost, (weight, bias)), strict=True):
            parameter.data -= rate * gradient
        wanted.append(float(cost.detach()))
    np.testing.assert_allclose(tried(tiny_dataset, SGD, rates), wanted, rtol=1e-4)


def test_at_one_rate_it_is_the_training_that_fit_does(tiny_dataset: Dataset) -> None:
    """Dropout, augmentation, batch normalisation and momentum included."""
    values = RESTLESS | {"optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9}, "schedule": {}}
    _, fitted = fit(PyTorchEngine("cpu"), values | {"epochs": 2}, tiny_dataset)
    costs = tried(tiny_dataset, values, [0.05] * 12)  # 90 pictures, batches of 15: two epochs
    assert [np.mean(costs[:6]), np.mean(costs[6:])] == pytest.approx([r.cost for r in fitted.history], rel=1e-5)


def test_the_order_of_batches_goes_on_from_epoch_to_epoch() -> None:
    batches = list(islice(infinite_batches(10, 4, seed=3), 6))
    first, second = (epoch_batches(10, 4, 3, epoch) for epoch in (1, 2))
    assert [seed for _, seed in batches] == [*first[1], *second[1]]
    for (found, _), wanted in zip(batches, [*first[0], *second[0]], strict=True):
        np.testing.assert_array_equal(found, wanted)


# ---- reading the curve


def test_smoothing_is_scipys_gaussian_away_from_the_ends() -> None:
    values = np.random.default_rng(0).normal(size=200)
    np.testing.assert_allclose(smooth(values, 4)[40:160], gaussian_filter1d(values, 4, truncate=10)[40:160], atol=1e-9)
    np.testing.assert_allclose(smooth(np.full(9, 2.5), 3), 2.5)  # the ends are not pulled to 0


def test_a_valley_is_found_where_it_is(tiny_dataset: Dataset) -> None:
    found = search(tiny_dataset, a_valley())
    assert 3e-4 < found.steepest < 3e-3
    assert 0.02 < found.lowest < 0.2
    start, end = found.valley
    assert found.cost_at(start) == pytest.approx(1.3, abs=0.1)  # half of 2 is gained, or lost again
    assert found.cost_at(end) == pytest.approx(1.3, abs=0.2)
    assert found.steepest < found.suggestion < found.lowest
    assert found.cost_at(1e-5) == pytest.approx(2.3, abs=0.02)
    assert found.cost_at(1e-7) is None


def test_a_set_learnt_by_heart_is_no_reason_for_a_huge_rate(tiny_dataset: Dataset) -> None:
    """90 pictures, one batch: the cost is 0 before the rates come that would break the training."""
    found = imagewise.find_learning_rate(tiny_dataset, recipe="perceptron", device="cpu")
    assert not found.diverged
    assert found.costs[-1] < 0.02 * found.costs[0]
    assert found.suggestion < 0.01


def test_a_dip_in_a_noisy_flat_valley_does_not_draw_the_suggestion(tiny_dataset: Dataset) -> None:
    flat = [*np.linspace(1.8, 1.5, 50), *[1.5] * 70, *np.linspace(1.5, 6, 30)]
    left, right = ([cost - 0.1 * (place <= step < place + 8) for step, cost in enumerate(flat)] for place in (55, 105))
    one, other = search(tiny_dataset, left), search(tiny_dataset, right)
    assert other.lowest > 30 * one.lowest
    assert other.suggestion < 2 * one.suggestion


@pytest.mark.parametrize("scale", [0.5, 20])
def test_costs_on_another_scale_give_the_same_rates(tiny_dataset: Dataset, scale: float) -> None:
    one, other = (search(tiny_dataset, [factor * cost for cost in a_valley()]) for factor in (1, scale))
    assert (one.suggestion, one.steepest, one.lowest) == (other.suggestion, other.steepest, other.lowest)


def test_it_ends_when_the_cost_explodes_or_is_no_number(tiny_dataset: Dataset) -> None:
    job = make_job(Recipe.parse(LINEAR, "test"), tiny_dataset)
    for bad, steps in ((1000.0, 101), (float("nan"), 100), (float("inf"), 100)):
        engine = Scripted([*a_valley()[:100], *[bad] * 50])
        found = range_test(job, tiny_dataset, rates_between(), engine=engine)
        assert found.diverged
        assert engine.asked == 101
        assert len(found.rates) == len(found.costs) == len(found.smoothed) == steps
        assert np.isfinite(found.smoothed).all()
    assert not search(tiny_dataset, a_valley()[:110]).diverged


@pytest.mark.parametrize(
    "costs", [[2.3] * 150, list(np.linspace(2, 3, 150)), [float("nan")] * 150, [2.3] + [99.0] * 149]
)
def test_where_no_rate_helps_none_is_suggested(tiny_dataset: Dataset, costs: list[float]) -> None:
    with pytest.raises(TrainingError, match=r"no rate from 1e-06 to .* lowered the loss"):
        search(tiny_dataset, costs)


# ---- from data to rate


def test_the_rate_suggested_trains_better_than_a_hundredth_and_a_hundredfold_of_it() -> None:
    def accuracy(rate: float) -> float:
        recipe = Recipe.parse(values | {"optimizer": optimizer | {"learning_rate": rate}}, "test")
        fitted = loop.fit(make_job(recipe, data), data, engine=engine)
        return float(fitted.history[-1].validation_accuracy or 0)

    data, engine = imagewise.load_data("digits"), PyTorchEngine("cpu")
    for optimizer in ({"name": "adam", "learning_rate": 1.0}, {"name": "sgd", "learning_rate": 1.0, "momentum": 0.9}):
        network = {"name": "perceptron", "params": {"hidden": [32]}}
        values: dict[str, Any] = LINEAR | {"network": network, "optimizer": optimizer, "batch_size": 64, "epochs": 4}
        rate = imagewise.find_learning_rate(data, recipe=Recipe.parse(values, "test"), device="cpu").suggestion
        assert accuracy(rate) > max(accuracy(rate / 100), accuracy(rate * 100)) + 0.1


def test_the_same_seed_gives_the_same_search_and_nothing_is_written(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, again, other = (
        imagewise.find_learning_rate(tiny_dataset, recipe="perceptron", settings={"seed": seed}, device="cpu")
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.costs, again.costs)
    assert one.costs[0] != other.costs[0]
    assert not list(tmp_path.iterdir())


def test_settings_count(tiny_dataset: Dataset) -> None:
    adam = imagewise.find_learning_rate(tiny_dataset, recipe="perceptron", device="cpu")
    assert (adam.recipe, adam.recipe_rate) == ("perceptron", 0.001)
    plain = {"optimizer": {"name": "sgd", "learning_rate": 0.5}}
    sgd = imagewise.find_learning_rate(tiny_dataset, recipe="perceptron", settings=plain, device="cpu", steps=60)
    assert sgd.recipe_rate == 0.5
    assert sgd.suggestion > 3 * adam.suggestion  # Adam divides by the gradients' size
    assert len(sgd.rates) <= 60


@pytest.mark.parametrize(
    ("lowest", "highest"),
    [(0.1, 0.1), (1, 0.1), (0, 1), (-1, 1), (1e-3, -1), (float("nan"), 1), (1e-3, float("nan")), (1e-3, float("inf"))],
)
def test_a_range_that_no_rates_rise_through_is_refused_before_the_data_is_read(lowest: float, highest: float) -> None:
    with pytest.raises(RecipeError, match="lowest first"):
        imagewise.find_learning_rate("no such data", lowest=lowest, highest=highest)


@pytest.mark.parametrize("steps", [2, 0, -1])
def test_too_few_steps_are_refused(steps: int) -> None:
    with pytest.raises(RecipeError, match="3 or more"):
        imagewise.find_learning_rate("no such data", steps=steps)


def test_a_range_of_ones_own_is_tried(tiny_dataset: Dataset) -> None:
    found = imagewise.find_learning_rate(
        tiny_dataset, recipe="perceptron", lowest=1e-4, highest=1e-2, steps=40, device="cpu"
    )
    np.testing.assert_allclose([found.rates[0], found.rates[1]], [1e-4, 1e-4 * 100 ** (1 / 39)])
    assert found.rates[-1] <= 1e-2 * (1 + 1e-9)


# ---- plot and command


@pytest.mark.parametrize("recipe_rate", [0.001, 1e-9])
def test_the_plot_is_a_png_with_both_rates_marked_where_they_are_in_range(
    tiny_dataset: Dataset, recipe_rate: float
) -> None:
    found = search(tiny_dataset, a_valley())
    drawn = RateSearch("tiny", "mine", recipe_rate, found.rates, found.costs, found.smoothed, diverged=True)
    picture = Image.open(io.BytesIO(rate_plot(drawn)))
    assert (picture.format, picture.size) == ("PNG", (1200, 750))
    colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20) or []}
    assert (0xB4, 0x46, 0x1F) in colours  # the suggestion's line
    assert ((0x4A, 0x53, 0x60) in colours) or recipe_rate < 1e-6


def test_the_command_prints_a_table_and_leaves_the_plot_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(
        app, ["lr-find", "digits", "--recipe", "perceptron", "--set", "network.params.hidden=[8]"]
    )
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split("  ")[0] for line in lines[:7]] == [
        "learning rate", "suggested", "recipe's", "steepest fall", "lowest loss", "valley from", "valley to",
    ]  # fmt: skip
    assert "imagewise train ... --learning-rate 0." in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["digits-perceptron-rates.png"]


def test_json_goes_to_stdout_alone(tmp_path: Path) -> None:
    out = tmp_path / "new" / "plot.png"
    command = ["lr-find", "digits", "--recipe", "perceptron", "--batch-size", "50", "--json", "--out", str(out)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.stderr
    values = json.loads(result.stdout)
    assert (values["data"], values["recipe"], values["recipe_rate"]) == ("digits", "perceptron", 0.001)
    assert values["rates"][0] <= values["steepest"] <= values["lowest"] <= values["rates"][-1]
    assert len(values["rates"]) == len(values["costs"]) == len(values["smoothed"])
    assert values["plot"] == str(out)
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--recipe", "perceptrom"], "Did you mean 'perceptron'"),
        (["--set", "optimizer.momentum=1"], "momentum"),
        (["--set", "class_weights.three=2"], "class_weights names 'three'"),
        (["--lowest", "0.1", "--highest", "0.01"], "from 0.1 (lowest) to 0.01 (highest)"),
        (["--lowest", "20"], "from 20 (lowest) to 10 (highest)"),
        (["--lowest", "0"], "--lowest: 0 is not a number above 0"),
        (["--lowest", "-1"], "--lowest: -1 is not a number above 0"),
        (["--highest", "nan"], "--highest: nan is not a number above 0"),
        (["--highest", "inf"], "--highest: inf is not a number above 0"),
    ],
)
def test_what_train_would_refuse_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["lr-find", "digits", *options])
    assert result.exit_code == 2
    assert message in result.stderr
    assert not list(tmp_path.iterdir())
