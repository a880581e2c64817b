"""Files of weights: read in every format, written whole, and bad ones are refused with what to do next."""

from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from imagewise.backbones.catalog import entries
from imagewise.backbones.families import canonical_weights
from imagewise.backbones.weights_file import fault, read_weights, write_weights
from imagewise.errors import ModelError, OutputError

WEIGHTS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "a.bias": np.ones(2, np.float32)}


def test_counters_of_batch_normalisation_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file(WEIGHTS | {"bn.num_batches_tracked": np.array(5)}, path)
    assert read_weights(path).keys() == WEIGHTS.keys()


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_pth_file_is_read_too(zipped: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "a.pth"
    state = torch.nn.BatchNorm2d(4).state_dict()
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    weights = read_weights(path)
    assert weights.keys() == state.keys() - {"num_batches_tracked"}
    assert all(weight.dtype == np.float32 for weight in weights.values())


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.safetensors"
    write_weights(path, WEIGHTS | {"turned": WEIGHTS["a.weight"].T}, "0" * 64)
    for read in (read_weights(path), load_file(path)):
        np.testing.assert_array_equal(read["turned"], WEIGHTS["a.weight"].T)
        np.testing.assert_array_equal(read["a.bias"], WEIGHTS["a.bias"])
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["float32", "float16", "float64"])
def test_numbers_that_are_not_finite_are_refused(value: float, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": np.array([1, value], dtype=kind), "b": np.ones(2, kind)}, path)
    with pytest.raises(ModelError, match=r"a\.safetensors: the tensor 'a' has numbers that are not finite"):
        read_weights(path)


def test_a_float64_beyond_float32_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": np.array([1e300])}, path)
    with pytest.raises(ModelError, match="not finite"):
        read_weights(path)


def test_integers_are_no_weights(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": np.arange(3)}, path)
    with pytest.raises(ModelError, match="type int64, not of floating point"):
        read_weights(path)


@pytest.mark.parametrize("held", [{}, {"bn.num_batches_tracked": np.array(5)}], ids=["none", "a counter"])
def test_a_file_without_weights_is_refused(held: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file(held, path)
    with pytest.raises(ModelError, match="holds no weights"):
        read_weights(path)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth"])
@pytest.mark.parametrize("content", [b"", b"<html>", pickle.dumps(WEIGHTS), b"PK\x03\x04", bytes(100)])
def test_the_message_names_the_file_and_what_to_do(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelError) as refused:
        read_weights(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert f"Remove {name}" in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.safetensors: cannot be read \(No such file"):
        read_weights(tmp_path / "gone.safetensors")
    with pytest.raises(ModelError, match="Is a directory"):
        read_weights(tmp_path)


def test_a_file_of_another_architecture_is_read_and_its_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_weights(path, WEIGHTS, "0" * 64)
    entry = entries()["mobilenet_v2"]
    with pytest.raises(ModelError, match=r"a\.safetensors: not the weights of mobilenet_v2"):
        canonical_weights(entry, read_weights(path), str(path))


def test_a_fault_is_seen_without_reading_the_numbers(tmp_path: Path) -> None:
    path = tmp_path / "download"
    path.write_bytes(b"<html>")
    assert fault(path, "a.safetensors") == fault(path, "a.pth") == "it is a web page, not a file of weights"
    path.write_bytes(bytes(100))
    assert "torch.save" in str(fault(path, "a.pth"))
    write_weights(path, WEIGHTS, "0" * 64)
    assert fault(path, "a.safetensors") is None
    path.write_bytes(path.read_bytes()[:-1])
    assert "it is cut" in str(fault(path, "a.safetensors"))
    assert "cannot be read" in str(fault(tmp_path / "gone", "a.safetensors"))


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("imagewise.atomic.os.fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_weights(tmp_path / "a.safetensors", WEIGHTS, "0" * 64)
    assert not list(tmp_path.iterdir())
