"""What the families of pretrained networks share: a convolution with its norm and activation, padding, widths."""

from __future__ import annotations

from dataclasses import dataclass

from imagewise.networks import layers as L
from imagewise.networks.layers import Layer, Sides


@dataclass(frozen=True)
class Style:
    """What one family or one publisher's weights do alike in every block.

    Attributes:
        activation: after each normalised convolution that has one.
        epsilon: of batch normalisation.
        tensorflow: pad as TensorFlow's SAME does, else PyTorch's way, half the kernel on each side.
    """

    activation: Layer
    epsilon: float = 1e-5
    tensorflow: bool = False

    def padding(self, side: int, kernel: int, stride: int) -> int | Sides:
        """Padding of a `kernel` x `kernel` window over a plane of `side` x `side`, so that ceil(side / stride) is left.

        TensorFlow puts the odd pixel behind (tensorflow.org/api_docs/python/tf/nn, "Notes on padding").
        """
        if not self.tensorflow or stride == 1:
            return kernel // 2
        missing = max((halved(side, stride) - 1) * stride + kernel - side, 0)
        before, after = missing // 2, missing - missing // 2
        return before if before == after else (before, before, after, after)

    def conv(
        self, filters: int, kernel: int, side: int, stride: int = 1, groups: int = 1, activate: bool = True
    ) -> tuple[Layer, ...]:
        """A convolution without bias, batch normalisation and, if `activate`, the activation."""
        padding = self.padding(side, kernel, stride)
        conv = L.Conv(filters, kernel, stride, padding, groups, bias=False)
        return (conv, L.BatchNorm(self.epsilon), *([self.activation] if activate else []))

    def inverted_residual(
        self, before: int, filters: int, side: int, *, kernel: int, stride: int, expansion: int
    ) -> tuple[Layer, ...]:
        """MobileNet V2's block (Sandler et al. 2018, figure 4): expand, filter each channel, project linearly.

        An `expansion` of 1 has no expanding convolution. The input is added where the shapes allow it.
        """
        wide = before * expansion
        body = (
            *(self.conv(wide, 1, side) if expansion > 1 else ()),
            *self.conv(wide, kernel, side, stride, groups=wide),
            *self.conv(filters, 1, halved(side, stride), activate=False),
        )
        return (L.Branch("add", body),) if stride == 1 and before == filters else body


def halved(side: int, stride: int) -> int:
    """Side of the plane after a window of that stride."""
    return -(-side // stride)


def divisible(width: float, divisor: int = 8) -> int:
    """The multiple of `divisor` nearest to `width`, at least 90% of it (`_make_divisible` of TensorFlow's slim)."""
    rounded = max(divisor, int(width + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * width else rounded
