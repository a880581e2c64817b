"""A backbone run by onnxruntime at full speed: small batches, each computed by one thread, several at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from imagewise.backbones.backbone import Backbone
from imagewise.cpu import usable_cpus
from imagewise.errors import ModelError
from imagewise.model.session import Device, device_of, import_onnxruntime, providers_of, session_options

Features = NDArray[np.float32]
Indices = NDArray[np.int64]

_PIXELS = 4 * 224 * 224  # of a batch: what the layers hand on stays in the processor's cache
_PIXELS_ON_GPU = 32 * 224 * 224


class FeatureSession:
    """A backbone at one side in pixels.

    One run uses one thread, and as many runs go on at the same time as there are processors. Threads that share a run
    would wait for each other at every layer: for nothing on a quiet computer, for long on a busy one
    (docs/decisions.md has the figures).

    Args:
        backbone: computes the features.
        side: of the pictures, in pixels.
        threads: runs at the same time; None for the processors that may be used.
        device: as for `Session`.

    Attributes:
        batch: pictures of a run.
        runs: how many of them go on at the same time.

    Raises:
        ModelError: onnxruntime cannot open its graph.
        EngineError: the device cannot be used.
    """

    def __init__(self, backbone: Backbone, side: int, threads: int | None = None, device: Device = "cpu") -> None:
        ort = import_onnxruntime()
        options = session_options(ort)
        options.intra_op_num_threads = 1
        providers = providers_of(device, ort.get_available_providers())
        content = backbone.graph(side).SerializeToString()
        self._name, self._features = backbone.name, backbone.features
        try:
            self._session = ort.InferenceSession(content, options, providers=providers, enable_fallback=False)
        except Exception as error:  # onnxruntime's exceptions share no base class of their own
            raise ModelError(f"{backbone.name}: onnxruntime cannot open it at {side} pixels ({error}).") from error
        on_gpu = device_of(self._session, device) == "cuda"
        self.batch = max(1, (_PIXELS_ON_GPU if on_gpu else _PIXELS) // side**2)
        self.runs = 1 if on_gpu else threads or usable_cpus()

    def run(self, pictures: NDArray[np.uint8]) -> Features:
        """Features, (n, features) float32, of a batch of pictures, (n, side, side, 3) uint8.

        Raises:
            ModelError: the graph does not run, or makes something else than finite features of the right length.
        """
        try:
            (features,) = self._session.run(["features"], {"pictures": np.ascontiguousarray(pictures)})
        except Exception as error:  # as above
            raise ModelError(f"{self._name}: its graph does not run ({error}). Take another backbone.") from error
        if features.shape != (len(pictures), self._features) or not np.isfinite(features).all():
            raise ModelError(
                f"{self._name}: its features are not {self._features} finite numbers a picture. Its weights are "
                "damaged, or it is made for other pictures: take another backbone."
            )
        return np.asarray(features, dtype=np.float32)

    def map(self, compute: Callable[[Indices], Features], parts: Iterable[Indices]) -> Iterator[Features]:
        """What `compute`, which calls `run`, makes of each part: in order, while those that follow are computed."""
        waiting: deque[Future[Features]] = deque()
        pool = ThreadPoolExecutor(self.runs)
        try:
            for part in parts:
                waiting.append(pool.submit(compute, part))
                if len(waiting) > 2 * self.runs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
