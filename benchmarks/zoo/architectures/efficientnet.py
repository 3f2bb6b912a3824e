"""EfficientNet-B0 (Tan and Le 2019, arXiv 1905.11946, table 1)."""

# ruff: noqa: TID253 - layers cannot be defined without torch

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.zoo.architectures.convolution import ConvNorm
from benchmarks.zoo.architectures.inverted_residual import BlockShape, InvertedResidual

__all__ = ["EfficientNetB0"]

_STAGES = (
    # expansion, kernel, stride, outputs, blocks
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
_STEM_CHANNELS = 32
_HEAD_CHANNELS = 1280
_SQUEEZE_DIVISOR = 4


class EfficientNetB0(nn.Module):  # type: ignore[misc]  # torch is not type-checked
    """EfficientNet-B0 classifier with one logit per class."""

    def __init__(self, channels: int = 3, classes: int = 1000) -> None:
        """Create the network with random weights."""
        super().__init__()
        self.stem = ConvNorm(channels, _STEM_CHANNELS, 3, 2, activation=nn.SiLU())
        blocks: list[nn.Module] = []
        width = _STEM_CHANNELS
        for expansion, kernel, first_stride, outputs, count in _STAGES:
            for index in range(count):
                shape = BlockShape(
                    kernel=kernel,
                    hidden=width * expansion,
                    outputs=outputs,
                    stride=first_stride if index == 0 else 1,
                    squeezed=width // _SQUEEZE_DIVISOR,
                    activation=nn.SiLU,
                    gate=nn.Sigmoid,
                    squeeze_activation=nn.SiLU,
                )
                blocks.append(InvertedResidual(width, shape))
                width = outputs
        self.blocks = nn.Sequential(*blocks)
        self.last = ConvNorm(width, _HEAD_CHANNELS, activation=nn.SiLU())
        self.average = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(_HEAD_CHANNELS, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Map normalised pictures, float32 [N, channels, H, W], to logits [N, classes]."""
        x = self.average(self.last(self.blocks(self.stem(image)))).flatten(1)
        result: Tensor = self.classifier(x)
        return result
