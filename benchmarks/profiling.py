"""Where a recipe's time goes: the phases of the process, and PyTorch's own account of the training loop.

    python -m benchmarks.profiling DATA RECIPE [PICTURES]        (prints one line of JSON)

One epoch on the first PICTURES training pictures (12,800), twice: the first as it is, for the phases; the second under
torch.profiler, for the shares of the kinds of operation. What is in no operation is Python between them.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.peers.telling import since_process_start

# The first name that is part of an operation's decides its kind.
KINDS = {
    "matrix products": ("addmm", "aten::mm", "bmm", "matmul", "linear"),
    "convolutions": ("convolution", "mkldnn", "slow_conv", "thnn_conv"),
    "batch normalisation": ("batch_norm",),
    "pooling": ("pool",),
    "optimiser": ("adam", "sgd", "optimizer"),
    "augmentation": ("grid_sampl", "affine_grid", "flip"),
    "loss": ("softmax", "nll_loss", "cross_entropy", "argmax"),
    "random numbers": ("bernoulli", "uniform", "normal_", "rand"),
    "memory: copies, conversions, allocation": ("copy", "contiguous", "empty", "clone", "aten::to", "zero", "resize"),
}
ELSEWHERE = "activations and other arithmetic"


def kind_of(operation: str) -> str:
    """The kind that an operation is counted under."""
    name = operation.lower()
    return next((kind for kind, parts in KINDS.items() if any(part in name for part in parts)), ELSEWHERE)


def main(data: str, recipe: str, pictures: int) -> None:
    from imagewise.data.dataset import Split
    from imagewise.training.planning.plan import Options
    from imagewise.training.planning.planning import plan_run
    from imagewise.training.run import TrainingCallbacks, execute

    class Phases(TrainingCallbacks):
        def __init__(self) -> None:
            self.at: dict[str, float] = {}

        def on_plan(self, plan: Any) -> None:
            self.at["imports, data, plan"] = since_process_start()

        def on_batch(self, epoch: int, batch: int, batches: int, cost: float, learning_rate: float) -> None:
            self.at.setdefault("the engine's start, first batch", since_process_start())

        def on_epoch(self, history: Sequence[Any], best_epoch: int, checkpoint: Any) -> None:
            self.at["training and validation"] = since_process_start()

    with tempfile.TemporaryDirectory() as name:
        phases = Phases()
        options = Options(recipe=recipe, out=Path(name) / "first", overrides={"epochs": 1})
        plan = plan_run(data, options)
        whole = plan.dataset["train"]
        few = {**plan.dataset.splits, "train": Split(whole.images[:pictures], whole.labels[:pictures])}
        dataset = replace(plan.dataset, splits=few)
        execute(replace(plan, dataset=dataset), phases)
        phases.at["scoring, model file"] = since_process_start()
        print(json.dumps({"phases": _lengths(phases.at)} | _profile(dataset, options, Path(name) / "second")))


def _profile(dataset: Any, options: Any, out: Path) -> dict[str, Any]:
    """Seconds in each kind of operation and in none, over the training loop only."""
    from torch.profiler import ProfilerActivity, profile

    from imagewise.training.engines.base import Step, StepResults
    from imagewise.training.engines.pytorch.learner import PyTorchLearner
    from imagewise.training.planning.planning import plan_run
    from imagewise.training.run import TrainingCallbacks, execute

    plan = plan_run(dataset, replace(options, out=out))
    inner, found = PyTorchLearner.steps, []

    def watched(self: PyTorchLearner, steps: Sequence[Step]) -> StepResults:
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            start = perf_counter()
            result = inner(self, steps)
            seconds = perf_counter() - start
        found.append((profiler, seconds))
        return result

    PyTorchLearner.steps = watched  # type: ignore[method-assign]
    try:
        execute(plan, TrainingCallbacks())
    finally:
        PyTorchLearner.steps = inner  # type: ignore[method-assign]
    kinds: dict[str, float] = defaultdict(float)
    seconds = sum(each for _, each in found)
    for profiler, _ in found:
        for event in profiler.key_averages():
            kinds[kind_of(event.key)] += event.self_cpu_time_total / 1e6
    kinds["Python between operations"] = max(0.0, seconds - sum(kinds.values()))
    return {"kinds": dict(sorted(kinds.items(), key=lambda item: -item[1])), "profiled": seconds}


def _lengths(at: dict[str, float]) -> dict[str, float]:
    """When each phase ended, as how long it took."""
    ends = [0.0, *at.values()]
    return {name: end - begin for name, begin, end in zip(at, ends[:-1], ends[1:], strict=True)}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 12_800)
