"""The loop: epochs, batches, validation. It holds no number; they live in the recipe."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from imagewise.checkpoint import Checkpoint
from imagewise.dataset import Dataset, Split
from imagewise.engines import Callbacks, Fitted
from imagewise.engines.course import Course
from imagewise.engines.dense_stack import is_dense_stack
from imagewise.engines.driver import Material, drive
from imagewise.engines.ordering import endless_order, epoch_order
from imagewise.engines.pytorch.augmentation import augmentation_for
from imagewise.engines.pytorch.batches import Batches
from imagewise.engines.pytorch.gradients import Autograd, DenseStack, Gradients
from imagewise.engines.pytorch.mixing import mixing_for
from imagewise.engines.pytorch.module import build_module, load_weights, read_weights
from imagewise.engines.pytorch.optimization import build_optimizer
from imagewise.errors import EngineError
from imagewise.initialization import initial_weights
from imagewise.network import Network, Weights
from imagewise.picture import FramingKind
from imagewise.recipe import Recipe
from imagewise.schedule import learning_rate

SCORING_BATCH = 1000
REPORT_SECONDS = 0.1


class PyTorchEngine:
    """Trains with PyTorch on the CPU or one GPU.

    Args:
        device: `auto` (a GPU where PyTorch sees one), `cpu` or `cuda`.

    Raises:
        EngineError: the device is unknown or not there.
    """

    def __init__(self, device: str = "auto") -> None:
        if device not in ("auto", "cpu", "cuda"):
            raise EngineError(f"unknown device {device!r}; there are auto, cpu and cuda.")
        if device == "cuda" and not torch.cuda.is_available():
            raise EngineError("device cuda: PyTorch sees no GPU here; use --device cpu or auto.")
        on_gpu = device != "cpu" and torch.cuda.is_available()
        self._device = torch.device("cuda" if on_gpu else "cpu")

    @property
    def device(self) -> str:
        """`cpu (2 threads)` or `cuda (the GPU's name)`."""
        if self._device.type == "cuda":
            return f"cuda ({torch.cuda.get_device_name()})"
        return f"cpu ({torch.get_num_threads()} threads)"

    def fit(
        self,
        network: Network,
        recipe: Recipe,
        dataset: Dataset,
        *,
        callbacks: Callbacks,
        resume: Checkpoint | None = None,
    ) -> Fitted:
        """Train; see `imagewise.engines.Engine`."""
        course = Course(recipe, dataset, resume)
        material = Material.choose(network, recipe, dataset)
        learner = _Learner(network, recipe, material, dataset.framing.kind, self._device)
        return drive(learner, network, material, course, callbacks, resume)

    def try_rates(
        self, network: Network, recipe: Recipe, dataset: Dataset, rates: Sequence[float]
    ) -> Generator[float, None, None]:
        """See `imagewise.engines.TriesRates`."""
        material = Material.choose(network, recipe, dataset)
        learner = _Learner(network, recipe, material, dataset.framing.kind, self._device)
        batches = endless_order(learner.count, recipe.batch_size, recipe.seed)
        learner.module.train()
        for rate, (indices, seed) in zip(rates, batches, strict=False):
            cost, _, _ = learner.step(indices, seed, rate)
            yield float(cost)


class _Learner:
    """The module, its optimiser and the training pictures on the device; see `imagewise.engines.driver.Learner`."""

    def __init__(
        self, network: Network, recipe: Recipe, material: Material, kind: FramingKind, device: torch.device
    ) -> None:
        self.network, self.recipe, self.device = network, recipe, device
        self.generator = torch.Generator(device)
        self.module = build_module(network, self.generator).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.load(initial_weights(network, recipe.initialization, recipe.seed))
        self.optimizer = build_optimizer(self.module, recipe.optimizer)
        fast = is_dense_stack(network.layers)
        weights = None if material.class_weights is None else torch.from_numpy(material.class_weights).to(device)
        self.gradients: Gradients = (DenseStack if fast else Autograd)(self.module, recipe.label_smoothing, weights)
        self.count = len(material.training)
        self.training = Batches(material.training, network, device)
        height, width, _ = network.input_shape
        self.augmentation = augmentation_for(recipe.augment, kind, height, width, device)
        self.mixing = mixing_for(recipe.augment)

    def read(self) -> Weights:
        return read_weights(self.module)

    def load(self, weights: Weights) -> None:
        load_weights(self.module, weights)

    def read_optimizer(self) -> dict[str, NDArray[np.float32]]:
        return self.optimizer.read_state()

    def load_optimizer(self, arrays: dict[str, NDArray[Any]]) -> None:
        self.optimizer.load_state(arrays)

    def train(self, epoch: int, callbacks: Callbacks) -> tuple[float, float, float]:
        """Mean cost and accuracy over the epoch's batches, and the last rate."""
        recipe = self.recipe
        order, seeds = epoch_order(self.count, recipe.batch_size, recipe.seed, epoch)
        total, first = len(order) * recipe.epochs, len(order) * (epoch - 1)
        costs, right = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        rate, reported, seen = 0.0, 0.0, 0
        self.module.train()
        for step, (indices, seed) in enumerate(zip(order, seeds, strict=True)):
            rate = learning_rate(recipe.schedule, recipe.optimizer.learning_rate, first + step, total)
            cost, logits, y = self.step(indices, seed, rate)
            costs.add_(cost, alpha=len(indices))
            right.add_((logits.argmax(1) == y).sum())
            seen += len(indices)
            if (now := perf_counter()) - reported >= REPORT_SECONDS:
                reported = now
                callbacks.on_batch(epoch, step + 1, len(order), float(costs) / seen, rate)
        return float(costs) / self.count, float(right) / self.count, rate

    def step(self, indices: NDArray[np.int64], seed: int, rate: float) -> tuple[Tensor, Tensor, Tensor]:
        """One step on these pictures: their cost () and logits (n, classes) before it, and their labels (n,)."""
        self.generator.manual_seed(seed)
        x, y = self.training.take(indices, self.augmentation, self.generator)
        mixed = None
        if self.mixing is not None:
            x, mixed = self.mixing(x, y, self.generator)
        cost, logits = self.gradients(x, y, mixed)
        self.optimizer.step(rate)
        return cost, logits, y

    @torch.inference_mode()
    def score(self, split: Split) -> tuple[float, float]:
        self.module.eval()
        cost, right = 0.0, 0
        for x, labels in Batches(split, self.network, self.device).in_order(SCORING_BATCH):
            logits = self.module(x)
            cost += float(F.cross_entropy(logits, labels, reduction="sum"))
            right += int((logits.argmax(1) == labels).sum())
        return cost / len(split), right / len(split)

    @torch.inference_mode()
    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.module.eval()
        split = Split(images, np.zeros(len(images), dtype=np.int64))
        ((x, _),) = Batches(split, self.network, self.device).in_order(len(images))
        found: NDArray[np.float32] = self.module(x).cpu().numpy()
        return found
