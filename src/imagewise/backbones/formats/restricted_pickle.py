"""What a pickle describes, without making any of it: plain values, and calls that are only named.

Not `pickle.Unpickler` with a `find_class` of its own: nine bytes that name a high place in its memo make it take
gigabytes, nested tuples as keys take it minutes to hash, and BUILD sets attributes of whatever it is given.
"""

from __future__ import annotations

import pickletools
from collections.abc import Collection
from dataclasses import dataclass
from typing import IO, Any

from imagewise.backbones.formats.stored import UnreadableError, shown

MOST_STEPS = 200_000  # the 314 tensors of MobileNetV2 take 12,000
_DICT = "collections.OrderedDict"
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = ("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "BINSTRING", "SHORT_BINSTRING")
_EMPTY = ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE")
_GROUPING = ("MARK", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "APPEND", "APPENDS", "SETITEM", "SETITEMS")
_MEMO = ("BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET")
_CALLING = ("GLOBAL", "BINPERSID", "REDUCE", "BUILD")
_NAMES = {"PROTO", "STOP", *_CONSTANTS, *_VALUES, *_EMPTY, *_GROUPING, *_MEMO, *_CALLING}
_OPCODES = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes if opcode.name in _NAMES}


@dataclass(frozen=True, slots=True)
class Global:
    """A class or function that a pickle names, as in `torch.FloatStorage`."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a pickle describes: the full name of what is called, and the arguments."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Persistent:
    """A reference to something that is stored outside the pickle."""

    identity: Any


def read_pickle(file: IO[bytes], allowed: Collection[str]) -> Any:
    """The one value of the pickle at the file's position, which moves to its end.

    Numbers, texts, None, tuples, lists, dicts (OrderedDict too, without attributes) whose keys are texts, and
    `Global`, `Call` and `Persistent`. Only opcodes of protocol 2 are read, which is what torch.save writes.

    Args:
        allowed: full names that the pickle may mention besides collections.OrderedDict.

    Raises:
        UnreadableError: it mentions another name or is not as described here, is cut, or is damaged.
    """
    machine = _Machine(allowed)
    try:
        for _ in range(MOST_STEPS):
            opcode = _OPCODES.get(file.read(1))
            if opcode is None:
                raise UnreadableError("its pickle is cut, or has steps that no file of weights needs")
            if opcode.name == "STOP":
                return machine.pop()
            machine.step(opcode.name, _argument(opcode, file))
    except UnreadableError:
        raise
    except (ValueError, IndexError, KeyError) as error:  # a cut argument, or a stack or memo that lacks something
        raise UnreadableError(f"its pickle is cut or damaged ({error})") from error
    raise UnreadableError(f"its pickle has over {MOST_STEPS:,} steps")


def _argument(opcode: pickletools.OpcodeInfo, file: IO[bytes]) -> Any:
    if opcode.name == "GLOBAL":  # two lines; pickletools would unescape them
        return ".".join(file.readline(200).decode("ascii").removesuffix("\n") for _ in range(2))
    return None if opcode.arg is None else opcode.arg.reader(file)


class _Machine:
    """The stack of a pickle."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = {*allowed, _DICT}
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def pop(self) -> Any:
        return self._stack.pop()

    def step(self, opcode: str, argument: Any) -> None:
        match opcode:
            case "PROTO":
                pass
            case _ if opcode in _CONSTANTS:
                self._stack.append(_CONSTANTS[opcode])
            case _ if opcode in _VALUES:
                self._stack.append(argument)
            case "EMPTY_DICT":
                self._stack.append({})
            case "EMPTY_LIST":
                self._stack.append([])
            case "EMPTY_TUPLE":
                self._stack.append(())
            case "MARK":
                self._marks.append(len(self._stack))
            case "TUPLE":
                self._stack.append(tuple(self._since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                self._stack.append(tuple(reversed([self.pop() for _ in range(int(opcode[-1]))])))
            case "APPEND" | "APPENDS":
                items = self._since_mark() if opcode == "APPENDS" else [self.pop()]
                self._top(list).extend(items)
            case "SETITEM" | "SETITEMS":
                items = self._since_mark() if opcode == "SETITEMS" else [self.pop(), self.pop()][::-1]
                self._set(items)
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = self._stack[-1]
            case "BINGET" | "LONG_BINGET":
                self._stack.append(self._memo[argument])
            case "GLOBAL":
                self._stack.append(self._global(argument))
            case "BINPERSID":
                self._stack.append(Persistent(self.pop()))
            case "REDUCE":
                self._reduce()
            case "BUILD":  # attributes of an OrderedDict: torch keeps the versions of modules there
                self.pop()
                self._top(dict)

    def _since_mark(self) -> list[Any]:
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _top(self, kind: type) -> Any:
        if not isinstance(self._stack[-1], kind):
            raise UnreadableError(f"its pickle changes something that is no {kind.__name__}")
        return self._stack[-1]

    def _set(self, items: list[Any]) -> None:
        target = self._top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str):
                raise UnreadableError("its pickle has a table with keys that are no text")
            target[key] = value

    def _global(self, name: str) -> Global:
        if name not in self._allowed:
            raise UnreadableError(f"its pickle asks for {shown(name)}, which no file of weights needs")
        return Global(name)

    def _reduce(self) -> None:
        arguments, called = self.pop(), self.pop()
        if not isinstance(called, Global) or not isinstance(arguments, tuple):
            raise UnreadableError("its pickle calls something that has no name")
        if called.name == _DICT:
            if arguments:
                raise UnreadableError("its pickle makes a table out of something else")
            self._stack.append({})
        else:
            self._stack.append(Call(called.name, arguments))
