"""PyTorch's own MNIST example (pytorch/examples, mnist/main.py), rewritten without torchvision.

Conv 32, Conv 64, 2x2 max pooling, Dropout 0.25, Dense 9216-128, Dropout 0.5, 10; Adadelta at 1.0, times 0.7 an epoch;
batches of 64 and, for test, 1,000; 14 epochs. Pictures go one by one through the transforms that torchvision does
(Pillow image, tensor in 0..1, normalised by 0.1307 and 0.3081) and through DataLoader as the example has it on a CPU:
no workers, not shuffled. It scores test after every epoch.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from benchmarks.peers.telling import Progress, Settings, load_mnist, parse
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

LOG_INTERVAL = 10


class Pictures(Dataset[tuple[Tensor, int]]):
    """torchvision's MNIST with ToTensor and Normalize: the same steps for each picture."""

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
        self.images, self.labels = torch.from_numpy(images), torch.from_numpy(labels).long()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self.images[index].numpy())
        pixels = torch.from_numpy(np.array(picture, np.uint8, copy=True)).view(28, 28, 1)
        tensor = pixels.permute(2, 0, 1).contiguous().to(torch.get_default_dtype()).div(255)
        mean = torch.as_tensor((0.1307,), dtype=tensor.dtype).view(-1, 1, 1)
        std = torch.as_tensor((0.3081,), dtype=tensor.dtype).view(-1, 1, 1)
        return tensor.clone().sub_(mean).div_(std), int(self.labels[index])


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, 1), nn.Conv2d(32, 64, 3, 1)
        self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        x = self.dropout1(F.max_pool2d(x, 2))
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        return F.log_softmax(self.fc2(self.dropout2(x)), dim=1)


def score(model: Net, loader: DataLoader[tuple[Tensor, int]], count: int) -> float:
    model.eval()
    loss, right = 0.0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            loss += F.nll_loss(output, target, reduction="sum").item()
            right += int(output.argmax(dim=1).eq(target).sum().item())
    return right / count


def main(settings: Settings) -> None:
    mnist = load_mnist(settings)
    torch.manual_seed(settings.seed)
    train = DataLoader(Pictures(mnist.train_images, mnist.train_labels), batch_size=64)
    test = DataLoader(Pictures(mnist.test_images, mnist.test_labels), batch_size=1000)
    model = Net()
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    progress = Progress(settings, scores_itself=True)
    for epoch in range(1, settings.epochs + 1):
        model.train()
        for step, (data, target) in enumerate(train):
            optimizer.zero_grad()
            loss = F.nll_loss(model(data), target)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if step % LOG_INTERVAL == 0:
                print(f"epoch {epoch}, batch {step}: loss {loss.item():.6f}", file=sys.stderr)
        if progress.epoch(epoch, lambda: score(model, test, len(mnist.test_labels))):
            break
        scheduler.step()
    path = settings.out / "mnist_cnn.pt"
    torch.save(model.state_dict(), path)
    progress.finish(path)


if __name__ == "__main__":
    main(parse(epochs=14))
