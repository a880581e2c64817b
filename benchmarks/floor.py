"""The floor of a recipe: the time of its bare arithmetic, on this machine, now.

    python -m benchmarks.floor RUN_FOLDER        (prints one line of JSON)

For each Dense and Conv of the run's network: its product forward, the one for its weights' gradient and, but for the
first, the one for its input's, at the recipe's batch size, with nothing around them; in PyTorch, and what is Dense in
NumPy too, of which the faster counts: their BLAS libraries differ. Beside it the rates that this machine reaches at
all: a large matrix product, and a 3x3 convolution of 64 channels.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from statistics import median
from time import perf_counter

from imagewise.networks.layers import Branch, Conv, Dense, Layer, Shape
from imagewise.networks.network import Network

PRODUCTS = 3  # forward, the weights' gradient, the input's gradient


@dataclass(frozen=True)
class Arithmetic:
    """A layer that multiplies, and what it is given.

    Attributes:
        shape: (C, H, W) or (features,), of one picture.
        macs: multiplications with addition, forward, of one picture.
        first: nothing before it learns, so that it needs no gradient of its input.
    """

    layer: Dense | Conv
    shape: Shape
    macs: int
    first: bool

    @property
    def training_macs(self) -> int:
        """Forward and backward, of one picture."""
        return self.macs * (PRODUCTS - self.first)


def arithmetic(network: Network) -> list[Arithmetic]:
    """All layers that multiply, in order, inside branches too."""
    found = list(_walk(network.layers, network.planes))
    return [Arithmetic(layer, shape, macs, number == 0) for number, (layer, shape, macs) in enumerate(found)]


def _walk(layers: tuple[Layer, ...], shape: Shape) -> Iterator[tuple[Dense | Conv, Shape, int]]:
    for layer in layers:
        made = layer.output_shape(shape)
        match layer:
            case Dense():
                yield layer, shape, shape[0] * layer.units
            case Conv():
                yield layer, shape, prod(made) * (shape[0] // layer.groups) * layer.kernel**2
            case Branch():
                yield from _walk(layer.body, shape)
                yield from _walk(layer.shortcut, shape)
            case _:
                pass
        shape = made


def bare_seconds(work: Arithmetic, batch: int) -> float:
    """Of one batch's products of this layer: the median of repetitions that take about 0.2 s."""
    if isinstance(work.layer, Dense):
        return min(_timed(_dense(work, batch), 0.2), _timed(_dense_in_numpy(work, batch), 0.2))
    return _timed(_conv(work, work.layer, batch), 0.2)


def _dense_in_numpy(work: Arithmetic, batch: int) -> Callable[[], None]:
    import numpy as np

    assert isinstance(work.layer, Dense)
    rng = np.random.default_rng(0)
    below = rng.standard_normal((batch, work.shape[0]), np.float32)
    above = rng.standard_normal((batch, work.layer.units), np.float32)
    weight = rng.standard_normal((work.layer.units, work.shape[0]), np.float32)

    def product() -> None:
        below @ weight.T
        above.T @ below
        if not work.first:
            above @ weight

    return product


def _dense(work: Arithmetic, batch: int) -> Callable[[], None]:
    import torch

    assert isinstance(work.layer, Dense)
    below, above = torch.randn(batch, work.shape[0]), torch.randn(batch, work.layer.units)
    weight = torch.randn(work.layer.units, work.shape[0])

    def product() -> None:
        torch.mm(below, weight.t())
        torch.mm(above.t(), below)
        if not work.first:
            torch.mm(above, weight)

    return product


def _conv(work: Arithmetic, layer: Conv, batch: int) -> Callable[[], None]:
    import torch

    made = layer.output_shape(work.shape)
    (channels, height, width), (top, left, bottom, right) = work.shape, layer.sides
    # PyTorch pads opposite sides alike; what one side has more is part of the picture here
    shape = (channels, height + abs(top - bottom), width + abs(left - right))
    pictures = torch.randn(batch, *shape).to(memory_format=torch.channels_last)
    gradient = torch.randn(batch, *made).to(memory_format=torch.channels_last)
    weight = torch.randn(layer.filters, work.shape[0] // layer.groups, layer.kernel, layer.kernel)
    weight = weight.to(memory_format=torch.channels_last)
    two = [layer.stride] * 2, [min(top, bottom), min(left, right)], [1, 1]

    def product() -> None:
        torch.ops.aten.convolution(pictures, weight, None, *two, False, [0, 0], layer.groups)
        wanted = [not work.first, True, False]
        torch.ops.aten.convolution_backward(gradient, pictures, weight, None, *two, False, [0, 0], layer.groups, wanted)

    return product


def _timed(product: Callable[[], object], seconds: float) -> float:
    product()
    taken: list[float] = []
    while sum(taken) < seconds or len(taken) < 3:
        start = perf_counter()
        product()
        taken.append(perf_counter() - start)
    return median(taken)


def machine_rates() -> dict[str, float]:
    """GMAC/s of a 1024x1024x1024 product and of a 3x3 convolution, 64 to 64 channels, 28x28, 32 pictures."""
    import torch

    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    gemm = 1024**3 / _timed(lambda: torch.mm(a, b), 0.5) / 1e9
    x = torch.randn(32, 64, 28, 28).to(memory_format=torch.channels_last)
    w = torch.randn(64, 64, 3, 3).to(memory_format=torch.channels_last)
    macs = 32 * 64 * 28 * 28 * 64 * 9
    conv = macs / _timed(lambda: torch.conv2d(x, w, padding=1), 0.5) / 1e9
    return {"gemm": gemm, "conv": conv}


def main(folder: Path) -> None:
    import torch

    with torch.inference_mode():
        record = json.loads((folder / "run.json").read_text())
        network, batch = Network.from_dict(record["network"]), int(record["recipe"]["batch_size"])
        splits = ("train", "validation") if record["recipe"]["fit_on"] == "train+validation" else ("train",)
        pictures = sum(record["data"]["counts"].get(name, 0) for name in splits)
        works = arithmetic(network)
        batches = -(-pictures // batch)
        seconds = batches * sum(bare_seconds(work, batch) for work in works)
        macs = sum(work.training_macs for work in works)
        rates = machine_rates()
    print(json.dumps({"floor": seconds, "macs": macs, "pictures": pictures, "batch": batch} | rates))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
