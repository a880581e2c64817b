"""A module, its optimiser and the training pictures, on a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imagewise.data.dataset import Split
from imagewise.networks.network import Weights
from imagewise.training.engines.base import Step, StepResults
from imagewise.training.engines.pytorch.augmentation import augmentation_for
from imagewise.training.engines.pytorch.averaging import WeightAverage
from imagewise.training.engines.pytorch.batches import Batches
from imagewise.training.engines.pytorch.gradients import BatchGradients, pictures_at_once
from imagewise.training.engines.pytorch.loss import TrainingLoss
from imagewise.training.engines.pytorch.mixup import mixing_for
from imagewise.training.engines.pytorch.module import build_module, load_weights, read_weights
from imagewise.training.engines.pytorch.optimization import build_optimizer
from imagewise.training.job import TrainingJob

STEPPED = "stepped."  # before the names of weights in the optimiser's state


class PyTorchLearner:
    """Trains a module by plain autograd; see `base.Learner`."""

    def __init__(self, job: TrainingJob, training: Split, device: torch.device) -> None:
        recipe, network = job.recipe, job.network
        self._job, self._device = job, device
        self._generator = torch.Generator(device)
        self.module = self._build()
        self._average = WeightAverage(self.module, self._build(), recipe.ema) if recipe.ema else None
        self.load(job.starting_weights())
        for name, parameter in self.module.named_parameters():
            parameter.requires_grad_(job.rate_multiplier(name) > 0)
        self._optimizer = build_optimizer(self.module, recipe.optimizer, job.rate_multiplier)
        weights = None if job.class_weights is None else torch.from_numpy(job.class_weights).to(device)
        loss = TrainingLoss(recipe.label_smoothing, weights)
        self._gradients = BatchGradients(
            self.module, loss, self._optimizer.parameters, pictures_at_once(job), recipe.precision == "bfloat16"
        )
        self._training = Batches(training, network, device)
        height, width, _ = network.input_shape
        self._augmentation = augmentation_for(recipe.augment, job.framing_kind, height, width, device)
        self._mixing = mixing_for(recipe.augment)

    def _build(self) -> nn.Sequential:
        module = build_module(self._job.network, self._generator)
        return module.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    @property
    def _recognizing(self) -> nn.Module:
        return self.module if self._average is None else self._average.module

    def read(self) -> Weights:
        """Canonical weights, copied; averages where the recipe has `ema`."""
        return read_weights(self._recognizing)

    def load(self, weights: Weights) -> None:
        """Take these canonical weights, which become the average, too."""
        load_weights(self.module, weights)
        load_weights(self._recognizing, weights)

    def read_optimizer(self) -> dict[str, NDArray[np.float32]]:
        """Arrays of the optimiser's state, copied, and, where `read` gives averages, the weights that are stepped."""
        stepped = {} if self._average is None else read_weights(self.module)
        return self._optimizer.read_state() | {STEPPED + name: value for name, value in stepped.items()}

    def load_optimizer(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """The inverse of `read_optimizer`."""
        stepped = {name.removeprefix(STEPPED): value for name, value in arrays.items() if name.startswith(STEPPED)}
        if bool(stepped) != (self._average is not None):
            raise ValueError("of its run and this one, only one averages its weights (ema)")
        self._optimizer.load_state({k: v for k, v in arrays.items() if not k.startswith(STEPPED)})
        if stepped:
            load_weights(self.module, stepped)

    def steps(self, steps: Sequence[Step]) -> StepResults:
        """Take these steps. Losses stay on the device until the last one is taken."""
        self.module.train()
        if self._job.freeze_batch_norm:
            for module in self.module.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        taken = [self._step(step) for step in steps]
        losses, correct = (torch.stack(values).tolist() for values in zip(*taken, strict=True))
        return StepResults(losses, correct)

    def _step(self, step: Step) -> tuple[Tensor, Tensor]:
        """Loss () and correct predictions () of the batch before the step."""
        self._generator.manual_seed(step.seed)
        x, y = self._training.take(step.indices, self._augmentation, self._generator)
        mixed = None
        if self._mixing is not None:
            x, mixed = self._mixing(x, y, self._generator)
        loss, logits, gradients = self._gradients(x, y, mixed)
        self._optimizer.step(gradients, step.learning_rate)
        if self._average is not None:
            self._average.update(step.number)
        return loss, (logits.argmax(1) == y).sum()

    @torch.inference_mode()
    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits of a few framed pictures (n, H, W, C): float32 (n, classes)."""
        module = self._recognizing.eval()
        x = Batches(Split(images, np.zeros(len(images), dtype=np.int64)), self._job.network, self._device).all()
        found: NDArray[np.float32] = module(x).cpu().numpy()
        return found
