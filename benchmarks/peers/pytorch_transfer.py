"""PyTorch's tutorial "Transfer Learning for Computer Vision", rewritten without torchvision: head, then all weights.

Random crops of 8 to 100% of a picture at 224 pixels, and flips; for test, the middle 224 of 256 pixels. A Linear layer
on the frozen backbone, Adam at 1e-3, 10 epochs; then all weights, Adam at 1e-4, 3 epochs. Batches of 32, two workers
that decode. The tutorial has SGD and batches of 4 for 25 epochs; in 10, Adam gets further. The frozen backbone keeps
its batch statistics, which the tutorial's changes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from math import exp, log
from pathlib import Path

import numpy as np
import torch
from benchmarks.peers.photographs import Phases, Settings, open_backbone, parse
from benchmarks.peers.torch_backbone import plain_module
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

WORKERS = 2
Loader = DataLoader[tuple[Tensor, int]]


class ImageFolder(Dataset[tuple[Tensor, int]]):
    """Pictures of class folders, as torchvision's ImageFolder has them."""

    def __init__(self, folder: Path, transform: Callable[[Image.Image], Tensor]) -> None:
        self.classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
        self._files = [(f, n) for n, name in enumerate(self.classes) for f in sorted((folder / name).iterdir())]
        self._transform = transform

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path, label = self._files[index]
        with Image.open(path) as picture:
            return self._transform(picture.convert("RGB")), label


class Transforms:
    """torchvision's RandomResizedCrop, RandomHorizontalFlip, Resize, CenterCrop, ToTensor and Normalize."""

    def __init__(self, side: int, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        self._side = side
        self._mean, self._std = (torch.tensor(values).view(3, 1, 1) for values in (mean, std))

    def for_training(self, picture: Image.Image) -> Tensor:
        size = (self._side, self._side)
        picture = picture.resize(size, Image.Resampling.BILINEAR, box=_random_box(picture.width, picture.height))
        if random.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return self._tensor(picture)

    def for_test(self, picture: Image.Image) -> Tensor:
        shorter = round(self._side * 256 / 224)
        scale = shorter / min(picture.size)
        picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
        left, top = (picture.width - self._side) // 2, (picture.height - self._side) // 2
        return self._tensor(picture.crop((left, top, left + self._side, top + self._side)))

    def _tensor(self, picture: Image.Image) -> Tensor:
        pixels = torch.from_numpy(np.array(picture, np.uint8, copy=True))
        return (pixels.permute(2, 0, 1).float().div(255) - self._mean) / self._std


def _random_box(width: int, height: int) -> tuple[float, float, float, float]:
    for _ in range(10):
        area = width * height * random.uniform(0.08, 1)
        ratio = exp(random.uniform(log(3 / 4), log(4 / 3)))
        w, h = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if 0 < w <= width and 0 < h <= height:
            left, top = random.randint(0, width - w), random.randint(0, height - h)
            return left, top, left + w, top + h
    return 0, 0, width, height


def _seed_worker(_: int) -> None:
    random.seed(torch.initial_seed())


def train(model: nn.Module, loader: Loader, optimizer: torch.optim.Optimizer, mode: Callable[[], object]) -> None:
    """One epoch; `mode` says which modules are in training mode."""
    mode()
    for pictures, labels in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(pictures), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def score(model: nn.Module, loader: Loader) -> int:
    """How many pictures are recognised."""
    model.eval()
    with torch.no_grad():
        return sum(int(model(pictures).argmax(1).eq(labels).sum()) for pictures, labels in loader)


def main(settings: Settings) -> None:
    torch.manual_seed(settings.seed)
    random.seed(settings.seed)
    backbone = open_backbone(settings.backbone)
    transforms = Transforms(settings.side, backbone.entry.mean, backbone.entry.std)
    pictures = ImageFolder(settings.train, transforms.for_training)
    unseen = ImageFolder(settings.test, transforms.for_test)
    loader = DataLoader(pictures, settings.batch, shuffle=True, num_workers=WORKERS, worker_init_fn=_seed_worker)
    test = DataLoader(unseen, settings.batch, num_workers=WORKERS)
    body = plain_module(backbone, settings.side)
    head = nn.Linear(backbone.depths[0], len(pictures.classes))
    model, phases = nn.Sequential(body, head), Phases()

    body.requires_grad_(False)
    body.eval()
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-3)
    for _ in range(settings.epochs):
        train(model, loader, optimizer, head.train)
    _save(model, settings.out / "head.pt", "head", phases, unseen, test)

    body.requires_grad_(True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    for _ in range(settings.tuning_epochs):
        train(model, loader, optimizer, model.train)
    _save(model, settings.out / "all.pt", "all", phases, unseen, test)


def _save(model: nn.Module, path: Path, phase: str, phases: Phases, pictures: ImageFolder, loader: Loader) -> None:
    torch.save(model.state_dict(), path)
    phases.ended(phase, path, len(pictures), lambda: score(model, loader))


if __name__ == "__main__":
    main(parse())
