"""How many threads onnxruntime takes for a run, and whether they spin while they wait: by the load."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from fake_load import FakeLoad
from imagewise.model import session as module
from imagewise.model.model import shipped_model
from imagewise.model.session import Session

ITS_OWN = 0  # onnxruntime's default: a thread for each core


@pytest.fixture
def _four_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "usable_cpus", lambda: 4)
    monkeypatch.setattr(module, "affinity", lambda: 4)


def options(**arguments: Any) -> tuple[int, bool]:
    """Threads of a run, and whether they spin."""
    session = Session(shipped_model().read_bytes(), "digits.onnx", **arguments)
    chosen = session._session.get_session_options()
    try:
        spins = chosen.get_session_config_entry("session.intra_op.allow_spinning") != "0"
    except RuntimeError:  # not set
        spins = True
    return chosen.intra_op_num_threads, spins


@pytest.mark.usefixtures("_four_processors")
@pytest.mark.parametrize(
    ("free", "wanted"),
    [
        pytest.param(4.0, (ITS_OWN, True), id="quiet"),
        pytest.param(None, (ITS_OWN, True), id="nothing known"),
        pytest.param(3.0, (3, False), id="one busy"),
        pytest.param(0.0, (1, False), id="all busy"),
    ],
)
def test_a_run_takes_the_processors_that_are_free(free: float | None, wanted: tuple[int, bool]) -> None:
    assert options(load=FakeLoad(free)) == wanted


@pytest.mark.usefixtures("_four_processors")
@pytest.mark.parametrize(("quota", "wanted"), [(4, (ITS_OWN, True)), (2, (2, False)), (1, (1, False))])
def test_a_run_takes_no_more_threads_than_a_containers_quota(
    monkeypatch: pytest.MonkeyPatch, quota: int, wanted: tuple[int, bool]
) -> None:
    monkeypatch.setattr(module, "usable_cpus", lambda: quota)
    assert options(load=FakeLoad(4.0)) == wanted


@pytest.mark.usefixtures("_four_processors")
@pytest.mark.parametrize("free", [0.0, 1.0, 3.0])
def test_a_copy_takes_what_is_free_when_it_is_made(monkeypatch: pytest.MonkeyPatch, free: float) -> None:
    busy = Session(shipped_model().read_bytes(), "digits.onnx", load=FakeLoad(free))
    monkeypatch.setattr(module, "SystemLoad", lambda: FakeLoad(4.0))
    copied = pickle.loads(pickle.dumps(busy))
    assert copied._session.get_session_options().intra_op_num_threads == ITS_OWN


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_number_that_is_given_holds_whatever_the_load(threads: int) -> None:
    assert options(threads=threads, load=FakeLoad(0.0)) == (threads, True)


def test_a_number_in_the_environment_leaves_onnxruntime_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert options(load=FakeLoad(0.0)) == (ITS_OWN, True)


@pytest.mark.parametrize(
    ("shape", "batch"),
    [
        ((28, 28, 1), 500),
        ((96, 96, 3), 54),
        ((224, 224, 3), 10),
        ((3000, 2000, 3), 1),
        ((), 500),
        ((None, "H", 3), 500),
    ],
)
def test_a_run_has_fewer_pictures_where_they_are_large(shape: tuple[Any, ...], batch: int) -> None:
    assert module._batch_of(shape) == batch


def test_many_pictures_are_answered_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(shipped_model().read_bytes(), "digits.onnx")
    images = np.random.default_rng(0).integers(0, 256, (25, 28, 28, 1), dtype=np.uint8)
    whole = session.run(images)
    session.batch = 7
    sizes: list[int] = []
    run = session.run

    def note(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sizes.append(len(part))
        return run(part)

    monkeypatch.setattr(session, "run", note)
    for one, other in zip(session.run_all(images), whole, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert sizes == [7, 7, 7, 4]
