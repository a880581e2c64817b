"""The PyTorch engine: the device, and learners on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from imagewise.cpu import usable_cpus
from imagewise.data.dataset import Split
from imagewise.errors import EngineError
from imagewise.training.engines.base import Learner, with_precision
from imagewise.training.engines.pytorch.learner import PyTorchLearner
from imagewise.training.engines.pytorch.precision import faster_precision
from imagewise.training.engines.threads import cpu_text
from imagewise.training.job import TrainingJob


class PyTorchEngine:
    """Trains with PyTorch on the CPU or one GPU.

    Args:
        device: `auto` (an NVIDIA GPU where PyTorch sees one, else the CPU), `cpu`, `cuda`, or `mps`, a Mac's GPU.
        threads: on the CPU; None: as many as PyTorch would take, within this process's processors.

    Raises:
        EngineError: the device is unknown or not there.
    """

    def __init__(self, device: str = "auto", threads: int | None = None) -> None:
        if device not in ("auto", "cpu", "cuda", "mps"):
            raise EngineError(f"unknown device {device!r}; there are auto, cpu, cuda and mps.")
        there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        if device == "auto":
            device = "cuda" if there["cuda"] else "cpu"  # not mps: nobody has measured it yet
        if not there[device]:
            kind = "NVIDIA GPU" if device == "cuda" else "Apple GPU"
            others = " or ".join(name for name, present in there.items() if present)
            raise EngineError(f"device {device}: PyTorch sees no {kind} here; use --device {others} or auto.")
        on_gpu = device != "cpu"
        self._device = torch.device(device)
        # PyTorch counts processors, and knows nothing of a container's quota
        self.most_threads = 1 if on_gpu else threads or min(torch.get_num_threads(), usable_cpus())
        self.threads = self.most_threads
        self._active = False

    @property
    def device(self) -> str:
        """`cpu (2 threads)`, `cuda (the GPU's name)` or `mps (Apple GPU)`."""
        if self._device.type == "cuda":
            return f"cuda ({torch.cuda.get_device_name()})"
        if self._device.type == "mps":
            return "mps (Apple GPU)"
        return cpu_text(self.threads, self.most_threads)

    def use_threads(self, count: int) -> None:
        """See `base.Engine`."""
        self.threads = count
        if self._active and self._device.type == "cpu":
            torch.set_num_threads(count)

    def settle(self, job: TrainingJob) -> TrainingJob:
        """See `base.Engine`."""
        return with_precision(job, lambda: self._faster_precision(job))

    def _faster_precision(self, job: TrainingJob) -> str:
        if self._device.type == "mps":  # nobody has measured it yet
            return "float32"
        with self.active():
            return faster_precision(job, self._device)

    def learner(self, job: TrainingJob, training: Split) -> Learner:
        """A learner of the job; see `base.Engine`."""
        return PyTorchLearner(job, training, self._device)

    @contextmanager
    def active(self) -> Iterator[None]:
        """The number of threads, which PyTorch sets for the calling thread; and denormal numbers count as 0.

        Adam's moments of dead inputs decay to denormal numbers, and each operation on one takes a hundred times as long
        (an epoch of `article` rose from 0.73 to 1.05 s and more).
        """
        threads = torch.get_num_threads()
        denormal = not (torch.full((), 1e-40) * 1).item()  # PyTorch has no call that tells
        self._active = True
        self.use_threads(self.threads)
        torch.set_flush_denormal(True)
        try:
            yield
        finally:
            self._active = False
            torch.set_num_threads(threads)
            torch.set_flush_denormal(denormal)
