"""Metrics for Prometheus, summed over all workers."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.responses import Response

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32)
FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # of the workers' metrics; to be set before prometheus_client is imported


class Metrics:
    """Metrics of one worker."""

    def __init__(self) -> None:
        # Without a series of creation times beside each count; several workers have none either.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "imagewise_requests", "Requests answered.", ["endpoint", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "imagewise_request_seconds",
            "From headers to answer.",
            ["endpoint"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._batches = Histogram(
            "imagewise_batch_size", "Pictures recognised by one run.", buckets=_SIZES, registry=self._registry
        )
        self._queue = Gauge(
            "imagewise_queue", "Pictures waiting or under way.", registry=self._registry, multiprocess_mode="livesum"
        )
        self._errors = Counter("imagewise_errors", "Answers of 500 and above.", ["endpoint"], registry=self._registry)
        self._counters: dict[tuple[str, int], Counter] = {}
        self._timers: dict[str, Histogram] = {}

    def request(self, endpoint: str, status: int, seconds: float) -> None:
        """Count a request that was answered with `status` after `seconds`."""
        key = (endpoint, status)
        if key not in self._counters:
            self._counters[key] = self._requests.labels(endpoint, str(status))
            self._timers[endpoint] = self._seconds.labels(endpoint)
        self._counters[key].inc()
        self._timers[endpoint].observe(seconds)
        if status >= 500:
            self._errors.labels(endpoint).inc()

    def batch(self, size: int) -> None:
        """Count a run of a network on `size` pictures."""
        self._batches.observe(size)

    def queue(self, length: int) -> None:
        """Set how many pictures wait or are being recognised now."""
        self._queue.set(length)

    def response(self) -> Response:
        """The answer of `GET /metrics`."""
        registry = self._registry
        if FOLDER in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def mark_worker_dead(process: int, folder: str) -> None:
    """Forget the queue of a worker that has died. Its counts stay."""
    mark_process_dead(process, folder)  # type: ignore[no-untyped-call]
