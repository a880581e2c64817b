"""The architecture of tinygrad's examples/beautiful_mnist.py, in eager PyTorch.

Conv 32 5x5 twice, batch normalisation, pool, Conv 64 3x3 twice, batch normalisation, pool, Dense 576-10; Adam at 0.001,
512 pictures drawn at random each step, pixels as they are (0..255). An "epoch" here is ten steps: that is how often the
example scores test; it makes 70.
"""

from __future__ import annotations

import torch
from benchmarks.peers.telling import Progress, Settings, load_mnist, parse
from benchmarks.peers.torch_scoring import score
from torch import nn
from torch.nn import functional as F

STEPS, BATCH = 10, 512


def build() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 5), nn.ReLU(), nn.Conv2d(32, 32, 5), nn.ReLU(), nn.BatchNorm2d(32), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.BatchNorm2d(64), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(576, 10)),
    )


def main(settings: Settings) -> None:
    mnist = load_mnist(settings)
    torch.manual_seed(settings.seed)
    x_train, x_test = (torch.from_numpy(x)[:, None].float() for x in (mnist.train_images, mnist.test_images))
    y_train, y_test = (torch.from_numpy(y).long() for y in (mnist.train_labels, mnist.test_labels))
    model = build()
    optimizer = torch.optim.Adam(model.parameters())

    progress = Progress(settings, scores_itself=True)
    for epoch in range(1, settings.epochs + 1):
        model.train()
        for _ in range(STEPS):
            samples = torch.randint(len(x_train), (BATCH,))
            optimizer.zero_grad()
            F.cross_entropy(model(x_train[samples]), y_train[samples]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if progress.epoch(epoch, lambda: score(model, x_test, y_test)):
            break
    path = settings.out / "model.pt"
    torch.save(model.state_dict(), path)
    progress.finish(path)


if __name__ == "__main__":
    main(parse(epochs=7))
