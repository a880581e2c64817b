"""Files of torch.save, read without PyTorch: as torch.load reads them, and nothing in them is executed."""

from __future__ import annotations

import io
import os
import pickle
import random
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagewise.backbones.formats import pickled, restricted_pickle
from imagewise.backbones.formats.pickled import read_pickled
from imagewise.backbones.formats.stored import UnreadableError

torch = pytest.importorskip("torch")
FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
MAGIC = 0x1950A86A20F9469CFC6C
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


def saved(value: object, *, zipped: bool) -> io.BytesIO:
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=zipped)
    file.seek(0)
    return file


def network() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU6(), torch.nn.Conv2d(4, 2, 1)
    )


# ---- as torch.load reads them


@FORMATS
def test_a_state_dict_is_read_as_torch_reads_it(zipped: bool) -> None:
    state = network().state_dict()
    tensors = read_pickled(saved(state, zipped=zipped))
    assert list(tensors) == list(state)
    for name, tensor in state.items():
        assert tensors[name].shape == tuple(tensor.shape)
        np.testing.assert_array_equal(tensors[name], tensor.numpy())
    assert tensors["0.weight"].dtype == np.float32
    assert tensors["1.num_batches_tracked"].dtype == np.int64


@FORMATS
def test_parts_transposed_and_shared_tensors_are_read(zipped: bool) -> None:
    whole = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    state = {
        "whole": whole,
        "same": whole,
        "turned": whole.T,
        "part": whole[1:3, ::2],
        "last": whole[3, 5],
        "one": whole[:1, 2:3],
    }
    tensors = read_pickled(saved(state, zipped=zipped))
    for name, tensor in state.items():
        np.testing.assert_array_equal(tensors[name], tensor.numpy())
        assert tensors[name].shape == tuple(tensor.shape)
        assert tensors[name].flags.c_contiguous
    tensors["whole"][:] = 0
    np.testing.assert_array_equal(tensors["same"], whole.numpy())


@FORMATS
@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
def test_other_floating_point_becomes_float32(kind: str, zipped: bool) -> None:
    tensor = torch.linspace(-3, 3, 1001).to(getattr(torch, kind))
    read = read_pickled(saved({"a": tensor}, zipped=zipped))["a"]
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, tensor.float().numpy())


@FORMATS
def test_parameters_are_read_as_tensors(zipped: bool) -> None:
    read = read_pickled(saved(OrderedDict(network().named_parameters()), zipped=zipped))
    for name, parameter in network().named_parameters():
        np.testing.assert_array_equal(read[name], parameter.detach().numpy())


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["mobilenet_v2-b0353104.pth"])
def test_a_published_file_is_read_as_torch_reads_it(name: str) -> None:
    path = Path(os.environ.get("IMAGEWISE_WEIGHTS", ""), name)
    if not path.is_file():
        pytest.skip(f"IMAGEWISE_WEIGHTS has no {name}")
    state = torch.load(path, weights_only=True)
    with path.open("rb") as file:
        tensors = read_pickled(file)
    assert list(tensors) == list(state)
    for tensor, expected in zip(tensors.values(), state.values(), strict=True):
        np.testing.assert_array_equal(tensor, expected.numpy())


# ---- nothing is executed, and nothing takes long or much memory


class Executed:
    """What a malicious pickle calls when it is loaded: `function(*arguments)`."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._call


def legacy(content: bytes) -> io.BytesIO:
    """A file of the legacy format whose object is that pickle."""
    parts = [pickle.dumps(part, 2) for part in (MAGIC, 1001, SYSTEM)]
    return io.BytesIO(b"".join([*parts, content, pickle.dumps([], 2)]))


def zipped_pickle(content: bytes) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", content)
    file.seek(0)
    return file


WRAPPED = pytest.mark.parametrize("wrap", [legacy, zipped_pickle])


def malicious() -> dict[str, bytes]:
    mark = "import pathlib; pathlib.Path('executed').touch()"
    described = {
        "system": Executed(os.system, "touch executed"),
        "exec": Executed(exec, mark),
        "in a table": {"a": Executed(eval, f"exec({mark!r})")},
        "import": Executed(__import__, "antigravity"),
        "getattr": Executed(getattr, "", "join"),
        "a table of pairs": Executed(OrderedDict, [("a", 1)]),
        "numpy": np.zeros(3),
    }
    dumped = {name: pickle.dumps(value, 2) for name, value in described.items()}
    return dumped | {
        "by protocol 4": pickle.dumps(described["system"], 4),
        "by protocol 0": pickle.dumps(described["system"], 0),
        "a class by its place": b"\x80\x02(cos\nsystem\nX\x01\x00\x00\x00aios\nsystem\n.",
        "an extension": b"\x80\x02\x82\x01.",
        "a call of a result": b"\x80\x02ccollections\nOrderedDict\n)R)R.",
        "attributes of a class": b"\x80\x02ctorch\nFloatStorage\n}X\x01\x00\x00\x00aNsb.",
        "attributes of a function": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}b.",
        "a dotted name": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2.__globals__\n.",
        "high memo": b"\x80\x02Nr\xff\xff\xff\xff.",
        "tuples as key": b"\x80\x02})" + b"".join(b"q%ch%c\x86" % (n, n) for n in range(60)) + b"Ns.",
        "a text of 4 GB": b"\x80\x02X\xff\xff\xff\xffabc.",
        "nothing": b"\x80\x02.",
        "unended": b"\x80\x02}",
        "deep": b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b".",
    }


@WRAPPED
@pytest.mark.parametrize("name", malicious())
def test_a_malicious_pickle_is_refused_and_not_executed(
    name: str, wrap: Callable[[bytes], io.BytesIO], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnreadableError):
        read_pickled(wrap(malicious()[name]))
    assert not list(tmp_path.iterdir())


@WRAPPED
def test_the_name_that_a_pickle_asks_for_is_in_the_message(wrap: Callable[[bytes], io.BytesIO]) -> None:
    with pytest.raises(UnreadableError, match=r"asks for 'posix\.system', which no file of weights needs"):
        read_pickled(wrap(pickle.dumps(Executed(os.system, "true"), 2)))


def test_the_malicious_pickles_would_be_executed_by_pickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("system", "exec", "by protocol 0", "by protocol 4"):
        pickle.loads(malicious()[name])
        (tmp_path / "executed").unlink()


def test_a_pickle_of_many_steps_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restricted_pickle, "MOST_STEPS", 100)
    with pytest.raises(UnreadableError, match="over 100 steps"):
        read_pickled(legacy(b"\x80\x02" + b"N" * 100 + b"N."))


# ---- tensors that do not fit their numbers


class Stored:
    """A storage of torch as a pickle refers to it."""

    def __init__(self, key: str, count: object, kind: str = "FloatStorage") -> None:
        self.identity = ("storage", getattr(torch, kind), key, "cpu", count)


def described(tensors: Mapping[str, tuple[object, ...]], numbers: dict[str, bytes], **extra: bytes) -> io.BytesIO:
    """A zip file of tensors that are what the test says: (storage, offset, shape, strides)."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: object) -> object:
            return value.identity if isinstance(value, Stored) else None

    content = io.BytesIO()
    rebuild = torch._utils._rebuild_tensor_v2
    table = {name: Executed(rebuild, *tensor, False, OrderedDict()) for name, tensor in tensors.items()}
    Pickler(content, 2).dump(table)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", content.getvalue())
        for key, stored in numbers.items():
            archive.writestr(f"archive/data/{key}", stored)
        for key, stored in extra.items():
            archive.writestr(f"archive/{key}", stored)
    file.seek(0)
    return file


SIX = np.arange(6, dtype="<f4").tobytes()


def test_a_described_tensor_is_read() -> None:
    file = described({"a": (Stored("0", 6), 0, (2, 3), (3, 1))}, {"0": SIX}, byteorder=b"little")
    np.testing.assert_array_equal(read_pickled(file)["a"], [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize(
    "tensor",
    [
        (Stored("0", 6), 0, (2, 4), (4, 1)),
        (Stored("0", 6), 1, (2, 3), (3, 1)),
        (Stored("0", 6), -1, (2, 3), (3, 1)),
        (Stored("0", 6), 0, (2, 3), (-3, 1)),
        (Stored("0", 6), 5, (2, 3), (-3, 1)),
        (Stored("0", 6), 0, (1000, 1000), (0, 0)),
        (Stored("0", 6), 0, (2**40,), (0,)),
        (Stored("0", 6), 0, (2**70, 2**70), (1, 1)),
        (Stored("0", 6), 0, (0, 2**70), (1, 1)),
        (Stored("0", 6), 2**70, (1,), (1,)),
        (Stored("0", 6), 0, (1,) * 70, (1,) * 70),
        (Stored("0", 6), 0, (2, 3), (3,)),
        (Stored("0", 6), 0, (2, "3"), (3, 1)),
        (Stored("0", 6), 0, (True, 3), (3, 1)),
        (Stored("0", 2**40), 0, (2, 3), (3, 1)),
        (Stored("0", 7), 0, (2, 3), (3, 1)),
        (Stored("0", 5), 0, (5,), (1,)),
        (Stored("0", -6), 0, (2, 3), (3, 1)),
        (Stored("0", "6"), 0, (2, 3), (3, 1)),
        (Stored("1", 6), 0, (2, 3), (3, 1)),
        (Stored("../data.pkl", 6), 0, (2, 3), (3, 1)),
        ("no storage", 0, (2, 3), (3, 1)),
    ],
)
def test_a_tensor_that_does_not_fit_its_numbers_is_refused(tensor: tuple[object, ...]) -> None:
    with pytest.raises(UnreadableError):
        read_pickled(described({"a": tensor}, {"0": SIX}))


def test_a_step_of_any_length_along_an_axis_of_one_is_allowed() -> None:
    read = read_pickled(described({"a": (Stored("0", 6), 3, (1, 3), (2**70, 1))}, {"0": SIX}))
    np.testing.assert_array_equal(read["a"], [[3, 4, 5]])


@pytest.mark.parametrize("other", [Stored("0", 3), Stored("0", 6, "IntStorage")], ids=["size", "type"])
def test_tensors_that_do_not_agree_on_what_they_share_are_refused(other: Stored) -> None:
    tensors = {"a": (Stored("0", 6), 0, (6,), (1,)), "b": (other, 0, (3,), (1,))}
    with pytest.raises(UnreadableError, match="'b' shares its numbers with one of another type or size"):
        read_pickled(described(tensors, {"0": SIX}))


def test_many_tensors_that_share_numbers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickled, "MOST_BYTES", 10_000)
    tensors = {str(n): (Stored("0", 6), 0, (6,), (1,)) for n in range(1000)}
    file = described(tensors, {"0": SIX})
    monkeypatch.setattr(pickled, "left", lambda file: 10_000)
    with pytest.raises(UnreadableError, match="have over 10,000 bytes"):
        read_pickled(file)


def test_packed_parts_are_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
    file.seek(0)
    with pytest.raises(UnreadableError, match=r"'data.pkl' is missing, packed or too large"):
        read_pickled(file)


def test_another_order_of_bytes_is_refused() -> None:
    file = described({"a": (Stored("0", 6), 0, (2, 3), (3, 1))}, {"0": SIX}, byteorder=b"big")
    with pytest.raises(UnreadableError, match="another order of bytes"):
        read_pickled(file)


# ---- other files, cut and damaged ones


@FORMATS
@pytest.mark.parametrize("value", [network(), [torch.zeros(2)], {"state_dict": {"a": torch.zeros(2)}, "epoch": 3}, 5])
def test_what_is_no_table_of_tensors_is_refused(value: object, zipped: bool) -> None:
    file = saved(value, zipped=zipped)
    with pytest.raises(UnreadableError):
        read_pickled(file)


@pytest.mark.parametrize("content", [b"", b"P", b"<html>", b"PK\x03\x04", bytes(1000), pickle.dumps({"a": 1})])
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_pickled(io.BytesIO(content))


@FORMATS
def test_a_cut_file_is_refused_wherever_it_is_cut(zipped: bool) -> None:
    content = saved(network().state_dict(), zipped=zipped).getvalue()
    for length in [*range(0, len(content), 37), *range(len(content) - 60, len(content))]:
        with pytest.raises(UnreadableError):
            read_pickled(io.BytesIO(content[:length]))


@FORMATS
def test_a_damaged_file_is_refused_or_read_but_never_fails_otherwise(zipped: bool) -> None:
    content = saved(network().state_dict(), zipped=zipped).getvalue()
    chance = random.Random(0)
    refused = 0
    for _ in range(800):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 1, 2, 8))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            read_pickled(io.BytesIO(damaged))
        except UnreadableError:
            refused += 1
    assert refused > 200


def test_a_storage_of_another_size_than_its_tensors_is_refused() -> None:
    content = saved({"a": torch.arange(6.0)}, zipped=False).getvalue()
    assert content.endswith(struct.pack("<q6f", 6, *range(6)))
    with pytest.raises(UnreadableError, match="another size"):
        read_pickled(io.BytesIO(content[:-32] + struct.pack("<q7f", 7, *range(7))))
