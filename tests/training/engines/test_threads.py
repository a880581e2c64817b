"""How many threads an engine uses: by the load at the start and during training, or as the user says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine_runs import LINEAR, OPTIMIZERS, Watch, fit_job, same_weights
from fake_engine import FakeEngine
from fake_load import FakeLoad
from imagewise.data.dataset import Dataset
from imagewise.errors import EngineError
from imagewise.training.engines import loop, registry, threads
from imagewise.training.engines.numpy.blas import OpenBLAS
from imagewise.training.engines.registry import open_engine
from imagewise.training.engines.threads import BUSY_LOOKS, CALM_LOOKS, ThreadGovernor, cpu_text, wait_briefly
from imagewise.training.planning.jobs import make_job
from imagewise.training.recipe import Recipe
from keras_process import ask


@pytest.fixture
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """No number of threads in the environment, and two processors."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    for module in (registry, "imagewise.training.engines.pytorch.engine", "imagewise.training.engines.numpy.engine"):
        name = module if isinstance(module, str) else module.__name__
        monkeypatch.setattr(f"{name}.usable_cpus", lambda: 2)


@pytest.fixture(autouse=True)
def _every_look_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "LOOK_SECONDS", 0.0)


def an_engine(most: int, threads: int | None = None) -> FakeEngine:
    engine = FakeEngine()
    engine.most_threads, engine.threads = most, threads or most
    return engine


@pytest.mark.parametrize(
    ("threads", "most", "text"),
    [(1, 1, "cpu (1 thread)"), (2, 2, "cpu (2 threads)"), (1, 2, "cpu (1 of 2 threads: this computer is busy)")],
)
def test_the_device_line_says_what_the_load_took(threads: int, most: int, text: str) -> None:
    assert cpu_text(threads, most) == text


# ---- at the start


@pytest.mark.usefixtures("nothing_said")
@pytest.mark.parametrize(
    ("free", "device"),
    [
        pytest.param(2.0, "cpu (2 threads)", id="quiet"),
        pytest.param(1.0, "cpu (1 of 2 threads: this computer is busy)", id="one processor busy"),
        pytest.param(0.0, "cpu (1 of 2 threads: this computer is busy)", id="all busy"),
        pytest.param(None, "cpu (2 threads)", id="nothing known"),
    ],
)
def test_pytorch_starts_with_as_many_threads_as_there_are_free_processors(free: float | None, device: str) -> None:
    assert open_engine("pytorch", "cpu", load=FakeLoad(free)).device == device


@pytest.mark.usefixtures("nothing_said")
@pytest.mark.parametrize("name", ["pytorch", "numpy"])
def test_a_number_that_the_user_gives_holds_whatever_the_load(name: str) -> None:
    engine = open_engine(name, "cpu", threads=2, load=FakeLoad(0.0))
    assert (engine.threads, engine.most_threads) == (2, 2)


@pytest.mark.parametrize("name", ["pytorch", "numpy"])
def test_a_number_in_the_environment_holds_whatever_the_load(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    engine = open_engine(name, "cpu", load=FakeLoad(0.0))
    assert engine.threads == engine.most_threads


@pytest.mark.parametrize("threads", [0, -1, -8, 1025, 10**12, 2.5, float("nan"), True, "2"], ids=repr)
@pytest.mark.parametrize("name", ["numpy", "pytorch"])
def test_what_is_no_number_of_threads_is_refused(name: str, threads: Any) -> None:
    with pytest.raises(EngineError, match=f"threads {threads!r} "):
        open_engine(name, threads=threads)


@pytest.mark.parametrize(("free", "waiting"), [(2.0, set()), (None, set()), (1.0, {"GOMP_SPINCOUNT", "KMP_BLOCKTIME"})])
@pytest.mark.usefixtures("nothing_said")
def test_threads_wait_briefly_on_a_busy_computer_only(
    monkeypatch: pytest.MonkeyPatch, free: float | None, waiting: set[str]
) -> None:
    environment: dict[str, str] = {}
    monkeypatch.setattr("imagewise.training.engines.registry.os.environ", environment)
    open_engine("numpy", load=FakeLoad(free))
    assert environment.keys() == waiting


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"])
def test_how_threads_wait_stays_as_the_user_says(name: str) -> None:
    environment = {name: "0"}
    wait_briefly(environment)
    assert environment == {name: "0"}


# ---- during training


def governed(most: int, *free: float | None, threads: int | None = None) -> tuple[FakeEngine, list[tuple[int, int]]]:
    """An engine after a look at each of these loads, and the changes that were reported."""
    engine, changes = an_engine(most, threads), list[tuple[int, int]]()
    governor = ThreadGovernor(engine, FakeLoad(None, *free), lambda *change: changes.append(change))
    for _ in free:
        governor.look()
    assert engine.threads == [threads or most, *(count for count, _ in changes)][-1]
    return engine, changes


@pytest.mark.parametrize(
    ("free", "changes"),
    [
        pytest.param([4.0, 3.9, 3.8], [], id="quiet"),
        pytest.param([3.0] * BUSY_LOOKS, [(3, 4)], id="one busy"),
        pytest.param([0.3] * BUSY_LOOKS, [(1, 4)], id="all busy"),
        pytest.param([3.0, 1.0, 1.0], [(3, 4), (1, 4)], id="busier and busier"),
        pytest.param([None] * BUSY_LOOKS, [], id="nothing known"),
        pytest.param([4.0, *[0.0] * (BUSY_LOOKS - 1), 4.0], [], id="a short burst"),
        pytest.param([0.0, 4.0] * BUSY_LOOKS, [], id="short bursts, with calm between them"),
    ],
)
def test_threads_are_given_up_when_two_looks_agree(free: list[float | None], changes: list[tuple[int, int]]) -> None:
    assert governed(4, *free)[1] == changes


@pytest.mark.parametrize(
    ("free", "threads"),
    [
        pytest.param([4.0] * (CALM_LOOKS - 1), 1, id="calm, but not for long"),
        pytest.param([4.0] * CALM_LOOKS, 4, id="calm"),
        pytest.param([4.0, 1.0] * CALM_LOOKS, 1, id="bursts"),
        pytest.param([4.0, *[2.0] * (CALM_LOOKS - 1)], 2, id="calmer, but not as calm as the first look said"),
    ],
)
def test_threads_are_added_when_it_has_been_calm_for_a_while(free: list[float], threads: int) -> None:
    assert governed(4, *free, threads=1)[0].threads == threads


def test_the_load_is_looked_at_only_now_and_then_and_not_for_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    for engine, every in ((an_engine(2), 3600.0), (an_engine(1), 0.0)):
        monkeypatch.setattr(threads, "LOOK_SECONDS", every)
        load = FakeLoad(0.0)
        ThreadGovernor(engine, load, lambda *_: None).look()
        assert load.asked == 0


class Noted(Watch):
    def __init__(self) -> None:
        super().__init__()
        self.changes: list[tuple[int, int]] = []

    def on_threads(self, threads: int, most: int) -> None:
        self.changes.append((threads, most))


@pytest.mark.usefixtures("nothing_said")
def test_training_changes_its_threads_with_the_load_and_says_so(tiny_dataset: Dataset) -> None:
    job, noted = make_job(Recipe.parse(LINEAR, "test"), tiny_dataset), Noted()
    load = FakeLoad(2.0, 2.0, *[0.5] * BUSY_LOOKS, *[2.0] * CALM_LOOKS)
    loop.fit(job, tiny_dataset, callbacks=noted, engine=an_engine(2), load=load)
    assert noted.changes == [(1, 2), (2, 2)]


@pytest.mark.usefixtures("nothing_said")
@pytest.mark.parametrize("burst", [2, 3, 7])
def test_a_short_burst_beside_a_seeded_run_changes_nothing(tiny_dataset: Dataset, burst: int) -> None:
    values = LINEAR | {"network": {"name": "perceptron", "params": {"hidden": [64]}}, "optimizer": OPTIMIZERS["adam"]}
    job = make_job(Recipe.parse(values, "test"), tiny_dataset, "pytorch", "cpu")
    loads = [FakeLoad(2.0), FakeLoad(2.0, *[2.0] * (burst - 1), 0.0, 2.0)]
    noted = Noted()
    quiet, disturbed = (loop.fit(job, tiny_dataset, callbacks=noted, load=load) for load in loads)
    assert min(load.asked for load in loads) > burst
    assert not noted.changes
    assert same_weights(quiet.weights, disturbed.weights)


@pytest.mark.parametrize("chosen", [2, None])
def test_training_never_looks_where_the_user_has_said_a_number(
    tiny_dataset: Dataset, monkeypatch: pytest.MonkeyPatch, chosen: int | None
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    job, load = make_job(Recipe.parse(LINEAR, "test"), tiny_dataset, threads=chosen), FakeLoad(0.0)
    engine = an_engine(2)
    loop.fit(job, tiny_dataset, engine=engine, load=load)
    assert (engine.threads, load.asked) == (2, 0)


# ---- what the engines do with it


def test_pytorch_uses_the_number_while_it_trains_and_gives_it_back() -> None:
    before = torch.get_num_threads()
    engine = open_engine("pytorch", "cpu", threads=3)
    assert torch.get_num_threads() == before
    with engine.active():
        assert torch.get_num_threads() == 3
        engine.use_threads(1)
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_numpy_uses_the_number_while_it_trains_and_gives_it_back() -> None:
    blas = OpenBLAS.find()
    if blas is None:
        pytest.skip("NumPy computes with another library here")
    before = blas.threads
    engine = open_engine("numpy", threads=2)
    with engine.active():
        assert blas.threads == 2
        engine.use_threads(1)
        assert blas.threads == 1
    assert blas.threads == before


def test_numpy_without_openblas_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenBLAS, "find", lambda: None)
    engine = open_engine("numpy", threads=2)
    before = engine.threads
    with engine.active():
        engine.use_threads(1)
        assert engine.threads == before


def test_tensorflow_cannot_change_its_number_once_it_has_computed_and_says_so() -> None:
    now, same, other = ask("tensorflow_answers", "open_with_threads")
    assert same == f"cpu ({now} thread{'' if now == 1 else 's'})"
    assert f"threads {now + 1}" in other
    assert "another process" in other


@pytest.mark.parametrize("name", ["pytorch", "numpy"])
def test_the_same_number_of_threads_gives_the_same_weights(name: str, tiny_dataset: Dataset) -> None:
    values: dict[str, Any] = LINEAR | {"network": {"name": "perceptron", "params": {"hidden": [64]}}, "epochs": 2}
    values |= {"optimizer": OPTIMIZERS["adam"]}
    job = make_job(Recipe.parse(values, "test"), tiny_dataset, name, "cpu", threads=2)
    one, two = (fit_job(open_engine(name, "cpu", 2), job, tiny_dataset) for _ in range(2))
    assert same_weights(one.weights, two.weights)
    alone = fit_job(open_engine(name, "cpu", 1), job, tiny_dataset)
    assert all(np.allclose(alone.weights[key], value, rtol=1e-3, atol=1e-5) for key, value in one.weights.items())
