"""The PyTorch engine: eager, fused optimiser, channels-last, batches gathered without a loader."""

from imagewise.engines.pytorch.engine import PyTorchEngine

__all__ = ["PyTorchEngine"]
