"""The loop: epochs, batches, validation. It holds no number; they live in the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imagewise.checkpoint import Checkpoint
from imagewise.dataset import Dataset, Split, concatenate
from imagewise.engines import Callbacks, Fitted
from imagewise.engines.course import Course
from imagewise.engines.ordering import epoch_order
from imagewise.engines.pytorch.augmentation import augmentation_for
from imagewise.engines.pytorch.batches import Batches
from imagewise.engines.pytorch.gradients import Autograd, DenseStack, Gradients, is_dense_stack
from imagewise.engines.pytorch.module import build_module, load_weights, read_weights
from imagewise.engines.pytorch.optimization import build_optimizer, load_state, read_state
from imagewise.errors import EngineError, ModelError, NetworkError
from imagewise.history import EpochRecord
from imagewise.initialization import initial_weights
from imagewise.network import Network
from imagewise.recipe import Recipe
from imagewise.schedule import learning_rate

SCORING_BATCH = 1000
REFERENCE_PICTURES = 256
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
        run = _Run(network, recipe, dataset, self._device, resume)
        interrupted = False
        try:
            while not run.course.finished:
                run.epoch(callbacks)
        except KeyboardInterrupt:
            interrupted = True
        weights = run.course.kept(read_weights(run.module))
        load_weights(run.module, weights)
        pictures, logits = run.reference()
        return Fitted(weights, tuple(run.course.history), run.course.best_epoch, interrupted, (pictures, logits))


class _Run:
    """One call of `fit`: the module, its optimiser and the data on the device."""

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        dataset: Dataset,
        device: torch.device,
        resume: Checkpoint | None,
    ) -> None:
        self.network, self.recipe, self.device = network, recipe, device
        self.course = Course(recipe, dataset, resume)
        self.generator = torch.Generator(device)
        self.module = build_module(network, self.generator).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        load_weights(self.module, initial_weights(network, recipe.initialization, recipe.seed))
        self.optimizer = build_optimizer(self.module, recipe.optimizer)
        if resume is not None:
            self._take_up(resume)
        fast = is_dense_stack(network.layers)
        self.gradients: Gradients = (DenseStack if fast else Autograd)(self.module, recipe.label_smoothing)
        names = recipe.fitted_splits
        training = concatenate([dataset.splits[name] for name in names if name in dataset])
        self.count = len(training)
        self._check_batches()
        self.training = Batches(training, network, device)
        self.validation: Split | None = dataset.splits.get("validation") if recipe.fit_on == "train" else None
        self._reference = (self.validation or training).take(
            np.arange(min(REFERENCE_PICTURES, len(self.validation or training)))
        )
        height, width, _ = network.input_shape
        self.augmentation = augmentation_for(recipe.augment, dataset.framing.kind, height, width, device)

    def _take_up(self, resume: Checkpoint) -> None:
        weights = _under("weights.", resume)
        try:
            self.network.check_weights(weights)
            self.network.check_weights(self.course.kept(weights))
            load_weights(self.module, weights)
            load_state(self.optimizer, _under("optimizer.", resume))
        except (NetworkError, ValueError, IndexError) as error:
            raise ModelError(f"the checkpoint is not of this network, or damaged ({error}); start anew.") from error

    def _check_batches(self) -> None:
        norms = (nn.BatchNorm1d, nn.BatchNorm2d)
        smallest = self.count // -(-self.count // self.recipe.batch_size)  # see epoch_order
        if smallest == 1 and any(isinstance(part, norms) for part in self.module.modules()):
            raise EngineError(
                f"batch_size {self.recipe.batch_size} makes batches of one picture, which batch normalisation cannot "
                "use; raise --batch-size."
            )

    def epoch(self, callbacks: Callbacks) -> None:
        """Train one epoch, validate, record, report."""
        number = self.course.next_epoch
        start = perf_counter()
        cost, accuracy, rate = self._train(number, callbacks)
        seconds = perf_counter() - start
        validation_cost, validation_accuracy = self._validate()
        weights = read_weights(self.module)
        self.course.record(
            EpochRecord(number, cost, accuracy, validation_cost, validation_accuracy, rate, seconds), weights
        )
        checkpoint = self.course.checkpoint(weights, read_state(self.optimizer))
        callbacks.on_epoch(self.course.history, self.course.best_epoch, checkpoint)

    def _train(self, epoch: int, callbacks: Callbacks) -> tuple[float, float, float]:
        """Mean cost and accuracy over the epoch's batches, and the last rate."""
        recipe, optimizer = self.recipe, self.optimizer
        order, seeds = epoch_order(self.count, recipe.batch_size, recipe.seed, epoch)
        total, first = len(order) * recipe.epochs, len(order) * (epoch - 1)
        costs, right = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        rate, reported, seen = 0.0, 0.0, 0
        self.module.train()
        for step, (indices, seed) in enumerate(zip(order, seeds, strict=True)):
            self.generator.manual_seed(seed)
            rate = learning_rate(recipe.schedule, recipe.optimizer.learning_rate, first + step, total)
            for group in optimizer.param_groups:
                group["lr"] = rate
            x, y = self.training.take(indices, self.augmentation, self.generator)
            cost, logits = self.gradients(x, y)
            optimizer.step()
            costs.add_(cost, alpha=len(indices))
            right.add_((logits.argmax(1) == y).sum())
            seen += len(indices)
            if (now := perf_counter()) - reported >= REPORT_SECONDS:
                reported = now
                callbacks.on_batch(epoch, step + 1, len(order), float(costs) / seen, rate)
        return float(costs) / self.count, float(right) / self.count, rate

    def _validate(self) -> tuple[float | None, float | None]:
        """Mean cross-entropy and accuracy on the validation split, where there is one."""
        if self.validation is None:
            return None, None
        cost, right = 0.0, 0
        for logits, labels in self._logits(self.validation):
            cost += float(F.cross_entropy(logits, labels, reduction="sum"))
            right += int((logits.argmax(1) == labels).sum())
        return cost / len(self.validation), right / len(self.validation)

    @torch.inference_mode()
    def _logits(self, split: Split) -> Sequence[tuple[Tensor, Tensor]]:
        self.module.eval()
        batches = Batches(split, self.network, self.device).in_order(SCORING_BATCH)
        return [(self.module(x), y) for x, y in batches]

    def reference(self) -> tuple[np.ndarray, np.ndarray]:
        """A few pictures and this module's logits of them."""
        (logits, _), *_ = self._logits(self._reference)
        return self._reference.images, logits.cpu().numpy()


def _under(prefix: str, checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    return {k.removeprefix(prefix): v for k, v in checkpoint.arrays.items() if k.startswith(prefix)}
