from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors.numpy import save_file

from imagewise.errors import ModelError, OutputError
from imagewise.training.checkpoint import Checkpoint

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
dtypes = st.sampled_from([np.float32, np.float64, np.int64, np.uint8])
names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)


@same_folder
@given(
    contents=st.dictionaries(names, arrays(dtypes, array_shapes(min_dims=0, max_dims=4, max_side=3)), max_size=4),
    state=st.dictionaries(st.text(max_size=8), json_values, max_size=4),
)
def test_what_is_written_is_read_to_the_last_bit(
    contents: dict[str, Any], state: dict[str, Any], tmp_path: Path
) -> None:
    Checkpoint(contents, state).write(tmp_path / "c.safetensors")
    found = Checkpoint.read(tmp_path / "c.safetensors")
    assert found.state == state
    assert found.arrays.keys() == contents.keys()
    for name, array in contents.items():
        assert (found.arrays[name].dtype, found.arrays[name].shape) == (array.dtype, array.shape)
        assert found.arrays[name].tobytes() == array.tobytes()


def test_arrays_that_lie_across_in_memory_are_read_as_they_look(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1)[::-1]
    Checkpoint({"a": array}, {}).write(tmp_path / "c")
    assert np.array_equal(Checkpoint.read(tmp_path / "c").arrays["a"], array)


def test_a_missing_checkpoint_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"c\.safetensors"):
        Checkpoint.read(tmp_path / "c.safetensors")


@pytest.mark.parametrize("content", [b"", b"\x00" * 7, b"x" * 500, b"\x80\x04K\x01.", b"\xff" * 64])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(ModelError, match=re.escape(str(tmp_path / "c"))):
        Checkpoint.read(tmp_path / "c")


def test_a_folder_or_someone_elses_arrays_are_refused(tmp_path: Path) -> None:
    save_file({"a": np.zeros(3, dtype=np.float32)}, tmp_path / "other.safetensors")
    for path in (tmp_path, tmp_path / "other.safetensors"):
        with pytest.raises(ModelError, match=re.escape(str(path))):
            Checkpoint.read(path)


def a_checkpoint() -> Checkpoint:
    return Checkpoint({"w": np.ones((3, 2), dtype=np.float32)}, {"history": [], "best_epoch": 0, "since": 0})


def test_a_checkpoint_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    a_checkpoint().write(tmp_path / "c")
    content = (tmp_path / "c").read_bytes()
    for length in range(len(content)):
        (tmp_path / "c").write_bytes(content[:length])
        with pytest.raises(ModelError):
            Checkpoint.read(tmp_path / "c")


@same_folder
@given(data=st.data())
def test_a_damaged_byte_is_refused_or_changes_a_value_but_never_ends_in_another_error(
    data: st.DataObject, tmp_path: Path
) -> None:
    a_checkpoint().write(tmp_path / "c")
    content = bytearray((tmp_path / "c").read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (tmp_path / "c").write_bytes(content)
    try:
        found = Checkpoint.read(tmp_path / "c")
    except ModelError:
        return
    assert isinstance(found.state, dict)


def test_one_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_checkpoint().write(tmp_path / "c")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("imagewise.atomic.os.fsync", full)
    with pytest.raises(OutputError, match=f"cannot write {tmp_path / 'c'}"):
        Checkpoint({"w": np.zeros((9, 9), dtype=np.float32)}, {"history": [1]}).write(tmp_path / "c")
    assert Checkpoint.read(tmp_path / "c").state == a_checkpoint().state
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
