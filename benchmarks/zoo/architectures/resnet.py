"""ResNet-50 with the stride in the 3x3 convolution (He et al. 2016, arXiv 1512.03385; "v1.5")."""

# ruff: noqa: TID253 - layers cannot be defined without torch

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.zoo.architectures.convolution import ConvNorm

__all__ = ["Bottleneck", "ResNet50"]

_EXPANSION = 4
_STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Inner width, blocks and first stride of each stage."""


class Bottleneck(nn.Module):  # type: ignore[misc]  # torch is not type-checked
    """1x1, 3x3 and 1x1 convolutions beside a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        """Create the block: `inputs` channels in, four times `width` out."""
        super().__init__()
        outputs = width * _EXPANSION
        self.reduce = ConvNorm(inputs, width, activation=nn.ReLU(inplace=True))
        self.conv = ConvNorm(width, width, 3, stride, activation=nn.ReLU(inplace=True))
        self.expand = ConvNorm(width, outputs)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else ConvNorm(inputs, outputs, 1, stride)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [N, inputs, H, W] to [N, 4 * width, ceil(H / stride), ceil(W / stride)]."""
        result: Tensor = self.activation(self.expand(self.conv(self.reduce(x))) + self.shortcut(x))
        return result


class ResNet50(nn.Module):  # type: ignore[misc]
    """ResNet-50 classifier with one logit per class."""

    def __init__(self, channels: int = 3, classes: int = 1000) -> None:
        """Create the network with random weights."""
        super().__init__()
        self.stem = ConvNorm(channels, 64, 7, 2, activation=nn.ReLU(inplace=True))
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        blocks: list[nn.Module] = []
        inputs = 64
        for width, count, first_stride in _STAGES:
            for index in range(count):
                blocks.append(Bottleneck(inputs, width, first_stride if index == 0 else 1))
                inputs = width * _EXPANSION
        self.blocks = nn.Sequential(*blocks)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Map normalised pictures, float32 [N, channels, H, W], to logits [N, classes]."""
        x = self.blocks(self.pool(self.stem(image)))
        result: Tensor = self.classifier(self.average(x).flatten(1))
        return result
