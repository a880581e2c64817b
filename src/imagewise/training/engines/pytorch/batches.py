"""From the data set's uint8 arrays to normalised batches on the device."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imagewise.data.dataset import Split
from imagewise.data.memmap import take
from imagewise.networks.network import Network
from imagewise.training.engines.pytorch.augmentation import Augmentation


class Batches:
    """Gathers pictures by index. NumPy gathers, so that memory-mapped sets are read only where they are needed."""

    def __init__(self, split: Split, network: Network, device: torch.device) -> None:
        self._split = split
        self._device = device
        scale, shift = (torch.from_numpy(v)[:, None, None].to(device) for v in network.scale_and_shift)
        self._scale, self._shift = scale, shift if shift.any() else None

    def take(
        self, indices: NDArray[np.int64], augmentation: Augmentation | None, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Pictures (n, C, H, W) float32 in channels-last memory, and labels (n,) int64, on the device."""
        pixels = self._pixels(take(self._split.images, indices))
        if augmentation is not None:
            pixels = augmentation(pixels.float(), generator)
        labels = torch.from_numpy(np.take(self._split.labels, indices)).to(self._device)
        return self._normalized(pixels), labels

    def all(self) -> Tensor:
        """All pictures of the split, (N, C, H, W) float32."""
        return self._normalized(self._pixels(np.array(self._split.images)))

    def _pixels(self, images: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(images).to(self._device).permute(0, 3, 1, 2)

    def _normalized(self, pixels: Tensor) -> Tensor:
        scaled = pixels * self._scale
        return scaled if self._shift is None else scaled.add_(self._shift)
