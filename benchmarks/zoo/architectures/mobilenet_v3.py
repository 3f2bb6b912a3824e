"""MobileNetV3-Large (Howard et al. 2019, arXiv 1905.02244, table 1)."""

# ruff: noqa: TID253 - layers cannot be defined without torch

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.zoo.architectures.convolution import ConvNorm
from benchmarks.zoo.architectures.inverted_residual import BlockShape, InvertedResidual

__all__ = ["MobileNetV3Large"]

_BLOCKS = (
    # kernel, hidden, outputs, squeeze-and-excitation, hard-swish, stride
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)
_STEM_CHANNELS = 16
_LAST_CONV_CHANNELS = 960
_HEAD_FEATURES = 1280
_SQUEEZE_DIVISOR = 4
_CHANNEL_MULTIPLE = 8


def _squeezed(hidden: int) -> int:
    """A quarter of the channels, to the nearest multiple of eight, and never 10 % too few."""
    wanted = hidden / _SQUEEZE_DIVISOR
    rounded = max(_CHANNEL_MULTIPLE, int(wanted + _CHANNEL_MULTIPLE / 2) // 8 * 8)
    return rounded + _CHANNEL_MULTIPLE if rounded < 0.9 * wanted else rounded


class MobileNetV3Large(nn.Module):  # type: ignore[misc]  # torch is not type-checked
    """MobileNetV3-Large classifier with one logit per class."""

    def __init__(self, channels: int = 3, classes: int = 1000) -> None:
        """Create the network with random weights."""
        super().__init__()
        self.stem = ConvNorm(channels, _STEM_CHANNELS, 3, 2, activation=nn.Hardswish())
        blocks: list[nn.Module] = []
        width = _STEM_CHANNELS
        for kernel, hidden, outputs, is_squeezed, is_hard_swish, stride in _BLOCKS:
            shape = BlockShape(
                kernel=kernel,
                hidden=hidden,
                outputs=outputs,
                stride=stride,
                squeezed=_squeezed(hidden) if is_squeezed else 0,
                activation=nn.Hardswish if is_hard_swish else nn.ReLU,
                gate=nn.Hardsigmoid,
                squeeze_activation=nn.ReLU,
            )
            blocks.append(InvertedResidual(width, shape))
            width = outputs
        self.blocks = nn.Sequential(*blocks)
        self.last = ConvNorm(width, _LAST_CONV_CHANNELS, activation=nn.Hardswish())
        self.average = nn.AdaptiveAvgPool2d(1)
        self.features = nn.Linear(_LAST_CONV_CHANNELS, _HEAD_FEATURES)
        self.activation = nn.Hardswish()
        self.classifier = nn.Linear(_HEAD_FEATURES, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Map normalised pictures, float32 [N, channels, H, W], to logits [N, classes]."""
        x = self.average(self.last(self.blocks(self.stem(image)))).flatten(1)
        result: Tensor = self.classifier(self.activation(self.features(x)))
        return result
