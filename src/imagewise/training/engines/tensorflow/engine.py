"""The TensorFlow engine: the device, and learners on it."""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from typing import cast

from imagewise.cpu import usable_cpus
from imagewise.data.dataset import Split
from imagewise.errors import EngineError
from imagewise.training.engines.base import Learner, with_precision
from imagewise.training.engines.tensorflow.framework import tf
from imagewise.training.engines.tensorflow.learner import TensorFlowLearner
from imagewise.training.engines.threads import cpu_text
from imagewise.training.job import TrainingJob


class TensorFlowEngine:
    """Trains with TensorFlow on the CPU or one GPU.

    Args:
        device: `auto` (a GPU where TensorFlow sees one), `cpu` or `cuda`.
        threads: on the CPU; None: as many as TensorFlow would take, within this process's processors.

    Raises:
        EngineError: the device is unknown or not there.
    """

    def __init__(self, device: str = "auto", threads: int | None = None) -> None:
        if device == "mps":
            raise EngineError("device mps: the tensorflow engine does not use it; use --engine pytorch.")
        if device not in ("auto", "cpu", "cuda"):
            raise EngineError(f"unknown device {device!r}; there are auto, cpu and cuda.")
        gpus = [] if device == "cpu" else tf.config.list_physical_devices("GPU")
        if device == "cuda" and not gpus:
            raise EngineError("device cuda: TensorFlow sees no GPU here; use --device cpu or auto.")
        self._gpu = gpus[0] if gpus else None
        self.threads = 1 if self._gpu else tf.config.threading.get_intra_op_parallelism_threads() or usable_cpus()
        self.most_threads = self.threads if self._gpu else threads or self.threads
        self.use_threads(self.most_threads)
        if self.threads != self.most_threads:
            raise EngineError(
                f"threads {threads}: TensorFlow computes with {self.threads} in this process already, and cannot "
                "change it. Start another process."
            )

    @property
    def device(self) -> str:
        """`cpu (2 threads)` or `cuda (the GPU's name)`."""
        if self._gpu is not None:
            details = tf.config.experimental.get_device_details(self._gpu)
            return f"cuda ({details.get('device_name', 'GPU')})"
        return cpu_text(self.threads, self.most_threads)

    def use_threads(self, count: int) -> None:
        """See `base.Engine`. TensorFlow takes a number until it has computed something, and never again."""
        if self._gpu is not None:
            return
        with suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(count)
            self.threads = count

    def settle(self, job: TrainingJob) -> TrainingJob:
        """See `base.Engine`."""
        return with_precision(job, lambda: "float32")

    def learner(self, job: TrainingJob, training: Split) -> Learner:
        """A learner of the job; see `base.Engine`."""
        return TensorFlowLearner(job, training)

    def active(self) -> AbstractContextManager[None]:
        """The device. TensorFlow flushes denormal numbers itself."""
        return cast(AbstractContextManager[None], tf.device("/CPU:0" if self._gpu is None else "/GPU:0"))
