"""A recipe's own network in eager PyTorch, as a careful user would write the loop: what our training rate is held to.

    python -m benchmarks.peers.eager_network RUN_FOLDER [PICTURES]      (prints one line of JSON)

The layers and the batch size of the run; float32 pictures normalised once and kept in memory, batches by one random
order, AdamW (fused), cross-entropy; no augmentation, no validation. The best of channels-last and contiguous memory.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imagewise.networks.network import Network
from imagewise.training.engines.pytorch.module import build_module

EPOCHS = 2


def epoch_seconds(model: nn.Module, x: Tensor, y: Tensor, batch: int) -> float:
    """The faster of two epochs."""
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    seconds = []
    for _ in range(EPOCHS):
        start = perf_counter()
        order = torch.randperm(len(x))
        for at in range(0, len(x), batch):
            samples = order[at : at + batch]
            optimizer.zero_grad()
            F.cross_entropy(model(x[samples]), y[samples]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        seconds.append(perf_counter() - start)
    return min(seconds)


def main(folder: Path, pictures: int | None) -> None:
    record = json.loads((folder / "run.json").read_text())
    network, batch = Network.from_dict(record["network"]), int(record["recipe"]["batch_size"])
    count = pictures or record["data"]["counts"]["train"]
    x, y = torch.randn(count, *network.planes), torch.randint(network.classes, (count,))
    seconds = []
    for layout in (torch.contiguous_format, torch.channels_last):
        model = build_module(network).to(memory_format=layout)  # type: ignore[call-overload]
        seconds.append(epoch_seconds(model.train(), x.contiguous(memory_format=layout), y, batch))
    print(json.dumps({"epoch": min(seconds), "pictures": count, "picture": min(seconds) / count}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
