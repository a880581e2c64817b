"""The NumPy engine: perceptrons without a framework to install or to wait for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from imagewise.cpu import usable_cpus
from imagewise.data.dataset import Split
from imagewise.errors import EngineError
from imagewise.training.engines.base import Learner, with_precision
from imagewise.training.engines.numpy.blas import OpenBLAS
from imagewise.training.engines.numpy.learner import NumPyLearner
from imagewise.training.engines.threads import cpu_text
from imagewise.training.job import TrainingJob


class NumPyEngine:
    """Trains plain Dense stacks (Flatten, then alternating Dense and ReLU) without augmentation, on the CPU.

    Args:
        device: `auto` or `cpu`.
        threads: of matrix products; None: as many as OpenBLAS would take, within this process's processors.

    Raises:
        EngineError: the device is another one.
    """

    def __init__(self, device: str = "auto", threads: int | None = None) -> None:
        if device not in ("auto", "cpu"):
            raise EngineError(f"device {device}: the numpy engine computes on the CPU; use --engine pytorch.")
        self._blas = OpenBLAS.find()
        chosen = threads if self._blas else None
        self.most_threads = chosen or min(self._blas.threads if self._blas else usable_cpus(), usable_cpus())
        self.threads = self.most_threads
        self._active = False

    @property
    def device(self) -> str:
        """`cpu (2 threads)`."""
        return cpu_text(self.threads, self.most_threads)

    def use_threads(self, count: int) -> None:
        """See `base.Engine`. No effect where NumPy computes with another library than OpenBLAS."""
        if self._blas is not None:
            self.threads = count
            if self._active:
                self._blas.threads = count

    def settle(self, job: TrainingJob) -> TrainingJob:
        """See `base.Engine`."""
        return with_precision(job, lambda: "float32")

    def learner(self, job: TrainingJob, training: Split) -> Learner:
        """A learner of the job; see `base.Engine`."""
        return NumPyLearner(job, training)

    @contextmanager
    def active(self) -> Iterator[None]:
        """The number of threads. No warnings of overflow: the loop reports a loss that is not a finite number."""
        before = self._blas.threads if self._blas else 0
        self._active = True
        self.use_threads(self.threads)
        try:
            with np.errstate(all="ignore"):
                yield
        finally:
            self._active = False
            if self._blas is not None:
                self._blas.threads = before
