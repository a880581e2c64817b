"""Published networks for phones, written out in plain torch modules with the publishers' names.

Written from the papers and from the structure that torchvision and timm document: each computes its padding, shortcuts
and widths itself, while it runs, so that an error in a builder cannot repeat itself here.
"""

from __future__ import annotations

from math import ceil

from torch import Tensor, nn
from torch.nn import functional as F


class Published(nn.Module):
    """`pooled` makes the feature vectors, `forward` the logits of ImageNet's 1,000 classes."""

    def pooled(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def classified(self, features: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return self.classified(self.pooled(x))


def mean_of_plane(x: Tensor) -> Tensor:
    return x.mean((2, 3))


# ---- torchvision's MobileNet V2


def conv_bn(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(before, after, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU6())


class InvertedResidual(nn.Module):
    def __init__(self, before: int, wide: int, after: int, stride: int) -> None:
        super().__init__()
        expand = [conv_bn(before, wide, 1)] if wide != before else []
        project = [nn.Conv2d(wide, after, 1, bias=False), nn.BatchNorm2d(after)]
        self.conv = nn.Sequential(*expand, conv_bn(wide, wide, 3, stride, groups=wide), *project)
        self.same = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.conv(x)
        return x + made if self.same else made


class MobileNetV2(Published):
    # filters before, expanded and after, and stride, of each of the 17 blocks
    BLOCKS = (
        (32, 32, 16, 1), (16, 96, 24, 2), (24, 144, 24, 1), (24, 144, 32, 2), (32, 192, 32, 1), (32, 192, 32, 1),
        (32, 192, 64, 2), (64, 384, 64, 1), (64, 384, 64, 1), (64, 384, 64, 1), (64, 384, 96, 1), (96, 576, 96, 1),
        (96, 576, 96, 1), (96, 576, 160, 2), (160, 960, 160, 1), (160, 960, 160, 1), (160, 960, 320, 1),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        blocks = [InvertedResidual(*block) for block in self.BLOCKS]
        self.features = nn.Sequential(conv_bn(3, 32, 3, 2), *blocks, conv_bn(320, 1280, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))

    def pooled(self, x: Tensor) -> Tensor:
        return mean_of_plane(self.features(x))

    def classified(self, features: Tensor) -> Tensor:
        logits: Tensor = self.classifier(features)
        return logits


# ---- timm's EfficientNet-Lite0


class SameConv(nn.Conv2d):
    """Padded as TensorFlow's SAME: ceil(side / stride) windows; an odd pixel of padding is put behind."""

    def forward(self, x: Tensor) -> Tensor:
        pads: list[int] = []
        for axis in (3, 2):  # of the last axis first, as F.pad takes them
            side, kernel, stride = x.shape[axis], self.kernel_size[axis - 2], self.stride[axis - 2]
            missing = max((ceil(side / stride) - 1) * stride + kernel - side, 0)
            pads += [missing // 2, missing - missing // 2]
        return super().forward(F.pad(x, pads))


def same_conv(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> SameConv:
    return SameConv(before, after, kernel, stride, groups=groups, bias=False)


def tf_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class LiteSeparable(nn.Module):
    def __init__(self, before: int, after: int, kernel: int) -> None:
        super().__init__()
        self.conv_dw, self.bn1 = same_conv(before, before, kernel, groups=before), tf_norm(before)
        self.conv_pw, self.bn2 = same_conv(before, after, 1), tf_norm(after)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.bn2(self.conv_pw(F.relu6(self.bn1(self.conv_dw(x)))))
        return made


class LiteInverted(nn.Module):
    def __init__(self, before: int, after: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = 6 * before
        self.conv_pw, self.bn1 = same_conv(before, wide, 1), tf_norm(wide)
        self.conv_dw, self.bn2 = same_conv(wide, wide, kernel, stride, groups=wide), tf_norm(wide)
        self.conv_pwl, self.bn3 = same_conv(wide, after, 1), tf_norm(after)
        self.same = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        made = F.relu6(self.bn1(self.conv_pw(x)))
        made = F.relu6(self.bn2(self.conv_dw(made)))
        made = self.bn3(self.conv_pwl(made))
        total: Tensor = x + made if self.same else made
        return total


class EfficientNetLite0(Published):
    # repeats, kernel, stride, filters before and after: table 1 of the paper, stages 3 to 8
    STAGES = (
        (2, 3, 2, 16, 24), (2, 5, 2, 24, 40), (3, 3, 2, 40, 80),
        (3, 5, 1, 80, 112), (4, 5, 2, 112, 192), (1, 3, 1, 192, 320),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem, self.bn1 = same_conv(3, 32, 3, 2), tf_norm(32)
        stages: list[nn.Sequential] = [nn.Sequential(LiteSeparable(32, 16, 3))]
        for repeats, kernel, stride, before, after in self.STAGES:
            rest = [LiteInverted(after, after, kernel, 1) for _ in range(repeats - 1)]
            stages.append(nn.Sequential(LiteInverted(before, after, kernel, stride), *rest))
        self.blocks = nn.Sequential(*stages)
        self.conv_head, self.bn2 = same_conv(320, 1280, 1), tf_norm(1280)
        self.classifier = nn.Linear(1280, 1000)

    def pooled(self, x: Tensor) -> Tensor:
        x = self.blocks(F.relu6(self.bn1(self.conv_stem(x))))
        return mean_of_plane(F.relu6(self.bn2(self.conv_head(x))))

    def classified(self, features: Tensor) -> Tensor:
        logits: Tensor = self.classifier(features)
        return logits


# ---- timm's MobileNet V4 Conv-Small


class ConvNormAct(nn.Module):
    def __init__(self, before: int, after: int, kernel: int, stride: int = 1, depthwise: bool = False) -> None:
        super().__init__()
        groups = before if depthwise else 1
        self.conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.bn(self.conv(x))
        return made


class PlainBlock(nn.Module):
    """A convolution of the first stages; timm calls its norm `bn1`."""

    def __init__(self, before: int, after: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn1(self.conv(x)))


class UniversalBlock(nn.Module):
    def __init__(self, first: int, second: int, before: int, wide: int, after: int, stride: int) -> None:
        super().__init__()
        if first:
            self.dw_start = ConvNormAct(before, before, first, 1 if second else stride, depthwise=True)
        self.pw_exp = ConvNormAct(before, wide, 1)
        if second:
            self.dw_mid = ConvNormAct(wide, wide, second, stride, depthwise=True)
        self.pw_proj = ConvNormAct(wide, after, 1)
        self.first, self.second, self.same = first, second, stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        made = self.dw_start(x) if self.first else x
        made = F.relu(self.pw_exp(made))
        made = F.relu(self.dw_mid(made)) if self.second else made
        made = self.pw_proj(made)
        total: Tensor = x + made if self.same else made
        return total


class MobileNetV4ConvSmall(Published):
    # kernels of the two depthwise convolutions, filters before, expanded and after, and stride
    STAGE2 = ((5, 5, 64, 192, 96, 2), *[(0, 3, 96, 192, 96, 1)] * 4, (3, 0, 96, 384, 96, 1))
    STAGE3 = (
        (3, 3, 96, 576, 128, 2), (5, 5, 128, 512, 128, 1), (0, 5, 128, 512, 128, 1), (0, 5, 128, 384, 128, 1),
        (0, 3, 128, 512, 128, 1), (0, 3, 128, 512, 128, 1),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem, self.bn1 = nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32)
        self.blocks = nn.Sequential(
            nn.Sequential(PlainBlock(32, 32, 3, 2), PlainBlock(32, 32, 1, 1)),
            nn.Sequential(PlainBlock(32, 96, 3, 2), PlainBlock(96, 64, 1, 1)),
            nn.Sequential(*[UniversalBlock(*block) for block in self.STAGE2]),
            nn.Sequential(*[UniversalBlock(*block) for block in self.STAGE3]),
            nn.Sequential(PlainBlock(128, 960, 1, 1)),
        )
        self.conv_head, self.norm_head = nn.Conv2d(960, 1280, 1, bias=False), nn.BatchNorm2d(1280)
        self.classifier = nn.Linear(1280, 1000)

    def pooled(self, x: Tensor) -> Tensor:
        x = self.blocks(F.relu(self.bn1(self.conv_stem(x))))
        x = x.mean((2, 3), keepdim=True)
        return F.relu(self.norm_head(self.conv_head(x))).flatten(1)

    def classified(self, features: Tensor) -> Tensor:
        logits: Tensor = self.classifier(features)
        return logits
