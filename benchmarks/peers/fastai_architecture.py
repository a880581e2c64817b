"""The architecture of fast.ai's book, chapter 13: simple_cnn with batch normalisation, in eager PyTorch.

Five convolutions of stride 2 (8, 16, 32, 64, 10 filters, the first 5x5), ReLU and batch normalisation after each; one
cycle to rate 0.1, 5 epochs, batches of 512. Adam and the cycle are fastai's: momentum 0.95 to 0.85 and back, 0.99 for
the squares, decoupled decay of 0.01 for all but biases and normalisation. fastai scores after every epoch.
"""

from __future__ import annotations

import torch
from benchmarks.peers.telling import Progress, Settings, load_mnist, parse
from benchmarks.peers.torch_scoring import score
from torch import nn
from torch.nn import functional as F

BATCH, RATE = 512, 0.1


def conv(before: int, filters: int, kernel: int = 3, activation: bool = True) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(before, filters, kernel, stride=2, padding=kernel // 2)]
    if activation:
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.BatchNorm2d(filters))


def build() -> nn.Sequential:
    return nn.Sequential(
        conv(1, 8, 5), conv(8, 16), conv(16, 32), conv(32, 64), conv(64, 10, activation=False), nn.Flatten()
    )


def main(settings: Settings) -> None:
    mnist = load_mnist(settings)
    torch.manual_seed(settings.seed)
    x_train, x_test = (torch.from_numpy(x)[:, None].float() / 255 for x in (mnist.train_images, mnist.test_images))
    y_train, y_test = (torch.from_numpy(y).long() for y in (mnist.train_labels, mnist.test_labels))
    model = build()
    kernels = [weight for weight in model.parameters() if weight.ndim > 1]
    others = [weight for weight in model.parameters() if weight.ndim == 1]
    groups = [{"params": kernels, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.95, 0.99), eps=1e-5)
    steps = max(1, len(x_train) // BATCH)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=steps * settings.epochs, pct_start=0.25, div_factor=25, final_div_factor=4000
    )

    progress = Progress(settings, scores_itself=True)
    for epoch in range(1, settings.epochs + 1):
        model.train()
        order = torch.randperm(len(x_train))
        for step in range(steps):
            samples = order[step * BATCH : (step + 1) * BATCH]
            optimizer.zero_grad()
            F.cross_entropy(model(x_train[samples]), y_train[samples]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            cycle.step()
        if progress.epoch(epoch, lambda: score(model, x_test, y_test)):
            break
    path = settings.out / "model.pt"
    torch.save(model.state_dict(), path)
    progress.finish(path)


if __name__ == "__main__":
    main(parse(epochs=5))
