"""The floor of `perceptron`: the bare matrix products of one epoch (550 batches of 100), on this machine, now.

Prints seconds, the median of five. Each Dense layer costs one product forward, one for its weights' gradient, and, but
for the first, one for its input's.
"""

from itertools import pairwise
from statistics import median
from time import perf_counter

import torch

BATCH, STEPS, SIZES = 100, 550, (784, 256, 256, 10)


def main() -> None:
    inputs = [torch.randn(BATCH, size) for size in SIZES]
    weights = [torch.randn(high, low) for low, high in pairwise(SIZES)]
    seconds = []
    for _ in range(6):
        start = perf_counter()
        for _ in range(STEPS):
            for number, weight in enumerate(weights):
                below, above = inputs[number], inputs[number + 1]
                torch.mm(below, weight.t())
                torch.mm(above.t(), below)
                if number:
                    torch.mm(above, weight)
        seconds.append(perf_counter() - start)
    print(median(seconds[1:]))


if __name__ == "__main__":
    main()
