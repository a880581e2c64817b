"""The engines by name. A new engine is a package next to this file and a line here."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self

from imagewise.cpu import usable_cpus
from imagewise.errors import EngineError
from imagewise.installing import install_command
from imagewise.load import LoadReader, SystemLoad, threads_are_set, threads_for
from imagewise.training.engines.threads import wait_briefly

if TYPE_CHECKING:
    from imagewise.training.engines.base import Engine

MOST_THREADS = 1024  # more than any computer's processors: a slip of the finger, or a size that libraries refuse


class EngineName(StrEnum):
    """The engines. A line holds the name, which is the package's, the class in its `engine.py`, the framework that it
    imports, and the extra that installs the framework.

    >>> EngineName("numpy").framework is None
    True
    """

    PYTORCH = "pytorch", "PyTorchEngine", "torch", "train"
    TENSORFLOW = "tensorflow", "TensorFlowEngine", "tensorflow", "tensorflow"
    NUMPY = "numpy", "NumPyEngine"

    class_name: str
    framework: str | None
    extra: str

    def __new__(cls, name: str, class_name: str = "", framework: str | None = None, extra: str = "") -> Self:
        """A member whose value is the name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.class_name, member.framework, member.extra = class_name, framework, extra
        return member


def open_engine(name: str, device: str = "auto", threads: int | None = None, load: LoadReader | None = None) -> Engine:
    """The engine of that name on a device, with as many threads as there are free processors.

    Args:
        device: `auto`, `cpu`, `cuda` or `mps`, as the engine has them.
        threads: this many on the CPU, whatever the load. None leaves the number to `OMP_NUM_THREADS` and its like where
            the user has set one of them, else to the load.
        load: tells how many processors are free; None asks the system.

    Raises:
        EngineError: unknown, not installed (names the command), the device is not there, this process has loaded
            another framework, or `threads` is not from 1 to `MOST_THREADS`.
    """
    if name not in list(EngineName):
        *others, last = EngineName
        raise EngineError(f"unknown engine {name!r}; the engines are {', '.join(others)} and {last}.")
    whole = isinstance(threads, int) and not isinstance(threads, bool)
    if threads is not None and not (whole and 1 <= threads <= MOST_THREADS):
        raise EngineError(
            f"threads {threads!r} is no whole number from 1 to {MOST_THREADS:,}. Leave it out to let the load of this "
            "computer decide."
        )
    require_framework(name)
    free = None if threads or threads_are_set(os.environ) else (load or SystemLoad()).free_now()
    if threads_for(usable_cpus(), free) < usable_cpus():
        wait_briefly(os.environ)  # before the framework is loaded, which reads it once
    module = import_module(f"imagewise.training.engines.{name}.engine")
    engine: Engine = getattr(module, EngineName(name).class_name)(device, threads)
    engine.use_threads(threads_for(engine.most_threads, free))
    return engine


def is_installed(engine: str) -> bool:
    """Whether the framework of the engine is there, without importing it."""
    framework = EngineName(engine).framework
    return framework is None or find_spec(framework) is not None


def require_framework(engine: str) -> None:
    """Refuse where the framework of `engine` is not installed, or where this process has loaded another one.

    Two do not go together: each brings libraries and threads of its own, which then collide.

    Raises:
        EngineError: names the command that installs it, or the way out.
    """
    wanted = EngineName(engine)
    if wanted.framework is None:
        return
    if not is_installed(engine):
        raise EngineError(
            f"this needs {wanted.framework}, which is not installed. Install it with: {install_command(wanted.extra)}"
        )
    for other in EngineName:
        if other != wanted and other.framework in sys.modules:
            raise EngineError(
                f"this needs {wanted.framework}, but this process has loaded {other.framework}, and the two do not go "
                f"together. Start another process, or stay with the {other} engine."
            )
