"""ResNets written out in plain torch modules; the published networks by name, and weights for them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backbones.mobile_definitions import EfficientNetLite0, MobileNetV2, MobileNetV4ConvSmall, Published, mean_of_plane


class ResidualBlock(nn.Module):
    """With `wide`, the bottleneck whose second convolution has the stride; else two 3x3 convolutions."""

    def __init__(self, before: int, width: int, stride: int, wide: bool) -> None:
        super().__init__()
        after = 4 * width if wide else width
        shapes: tuple[tuple[int, int, int, int], ...]
        if wide:
            shapes = ((before, width, 1, 1), (width, width, 3, stride), (width, after, 1, 1))
        else:
            shapes = ((before, width, 3, stride), (width, width, 3, 1))
        for number, (a, b, kernel, step) in enumerate(shapes, start=1):
            setattr(self, f"conv{number}", nn.Conv2d(a, b, kernel, step, kernel // 2, bias=False))
            setattr(self, f"bn{number}", nn.BatchNorm2d(b))
        self.count = len(shapes)
        self.downsample: nn.Module | None = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        made = x
        for number in range(1, self.count + 1):
            made = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(made))
            made = F.relu(made) if number < self.count else made
        return F.relu(made + (x if self.downsample is None else self.downsample(x)))


class ResNet(Published):
    def __init__(self, blocks: tuple[int, int, int, int], wide: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        before = 64
        for number, count in enumerate(blocks):
            width = 64 * 2**number
            first = ResidualBlock(before, width, 1 if number == 0 else 2, wide)
            before = 4 * width if wide else width
            rest = [ResidualBlock(before, width, 1, wide) for _ in range(count - 1)]
            setattr(self, f"layer{number + 1}", nn.Sequential(first, *rest))
        self.fc = nn.Linear(before, 1000)

    def pooled(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
        return mean_of_plane(x)

    def classified(self, features: Tensor) -> Tensor:
        logits: Tensor = self.fc(features)
        return logits


def published(name: str) -> Published:
    """The network that a backbone of the catalog is the first part of."""
    match name:
        case "mobilenet_v2":
            return MobileNetV2()
        case "efficientnet_lite0":
            return EfficientNetLite0()
        case "mobilenetv4_conv_small":
            return MobileNetV4ConvSmall()
        case "resnet18":
            return ResNet((2, 2, 2, 2), wide=False)
        case "resnet50":
            return ResNet((3, 4, 6, 3), wide=True)
    raise KeyError(name)


@torch.no_grad()
def draw_weights(network: Published, seed: int = 0) -> None:
    """Random weights under which every channel matters: running statistics are those of random pictures."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            fan_in = module.weight[0].numel()
            module.weight.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
        if isinstance(module, nn.BatchNorm2d):
            module.weight.uniform_(0.5, 1.5, generator=generator)
            module.bias.normal_(0, 0.5, generator=generator)
            module.momentum = 1.0
    network.train()
    network.pooled(torch.randn(16, 3, 64, 64, generator=generator))
    network.eval()
