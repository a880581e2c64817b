from __future__ import annotations

import io
import json
from collections.abc import Generator, Sequence
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
from fake_engine import FakeEngine
from imagewise.cli import app
from imagewise.dataset import Dataset
from imagewise.engines.ordering import endless_order, epoch_order
from imagewise.engines.pytorch import PyTorchEngine
from imagewise.errors import EngineError, TrainingError
from imagewise.initialization import initial_weights
from imagewise.network import Network
from imagewise.planning import design_network
from imagewise.rate_finder import RateSearch, range_test, require_range_test, smooth
from imagewise.rate_plot import rate_plot
from imagewise.recipe import Recipe

SGD = LINEAR | {"optimizer": {"name": "sgd", "learning_rate": 0.1}}


class Costs:
    """An engine with the costs given, whatever the rates."""

    def __init__(self, costs: Sequence[float]) -> None:
        self._costs = costs
        self.asked = 0

    def try_rates(
        self, network: Network, recipe: Recipe, dataset: Dataset, rates: Sequence[float]
    ) -> Generator[float, None, None]:
        for cost, _ in zip(self._costs, rates, strict=True):
            self.asked += 1
            yield cost


def tried(dataset: Dataset, values: dict[str, Any], rates: Sequence[float]) -> list[float]:
    recipe = Recipe.parse(values, "test")
    return list(PyTorchEngine("cpu").try_rates(design_network(recipe, dataset), recipe, dataset, rates))


def search(dataset: Dataset, costs: Sequence[float], lowest: float = 1e-6, highest: float = 10.0) -> RateSearch:
    recipe = Recipe.parse(LINEAR, "test")
    rates = np.geomspace(lowest, highest, len(costs))
    return range_test(Costs(costs), design_network(recipe, dataset), recipe, dataset, rates)


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
    for rate, (indices, _) in zip(rates, endless_order(len(train), recipe.batch_size, recipe.seed), strict=False):
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
    batches = list(islice(endless_order(10, 4, seed=3), 6))
    first, second = (epoch_order(10, 4, 3, epoch) for epoch in (1, 2))
    assert [seed for _, seed in batches] == [*first[1], *second[1]]
    for (found, _), wanted in zip(batches, [*first[0], *second[0]], strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_an_engine_without_a_range_test_is_refused_with_one_that_has_it() -> None:
    assert require_range_test(PyTorchEngine("cpu"), "pytorch")
    with pytest.raises(EngineError, match="the fake engine has no learning-rate range test; use pytorch or numpy"):
        require_range_test(FakeEngine(), "fake")


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
    recipe = Recipe.parse(LINEAR, "test")
    network = design_network(recipe, tiny_dataset)
    for bad, steps in ((1000.0, 101), (float("nan"), 100), (float("inf"), 100)):
        engine = Costs([*a_valley()[:100], *[bad] * 50])
        found = range_test(engine, network, recipe, tiny_dataset)
        assert found.diverged
        assert engine.asked == 101
        assert len(found.rates) == len(found.costs) == len(found.smoothed) == steps
        assert np.isfinite(found.smoothed).all()
    assert not search(tiny_dataset, a_valley()[:110]).diverged


@pytest.mark.parametrize(
    "costs", [[2.3] * 150, list(np.linspace(2, 3, 150)), [float("nan")] * 150, [2.3] + [99.0] * 149]
)
def test_where_no_rate_helps_none_is_suggested(tiny_dataset: Dataset, costs: list[float]) -> None:
    with pytest.raises(TrainingError, match=r"no rate from 1e-06 to .* made the cost fall"):
        search(tiny_dataset, costs)


# ---- from data to rate


def test_the_rate_suggested_trains_better_than_a_hundredth_and_a_hundredfold_of_it() -> None:
    def accuracy(rate: float) -> float:
        recipe = Recipe.parse(values | {"optimizer": optimizer | {"learning_rate": rate}}, "test")
        fitted = engine.fit(design_network(recipe, data), recipe, data, callbacks=imagewise.TrainingCallbacks())
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
        "learning rate", "suggested", "recipe's", "steepest fall", "lowest cost", "valley from", "valley to",
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
