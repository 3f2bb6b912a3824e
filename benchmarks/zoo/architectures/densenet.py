"""DenseNet-121 (Huang et al. 2017, arXiv 1608.06993)."""

# ruff: noqa: TID253 - layers cannot be defined without torch

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["DenseLayer", "DenseNet121"]

_GROWTH = 32
_BOTTLENECK = 4
_LAYERS = (6, 12, 24, 16)


def _pre_activated(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
    return [
        nn.BatchNorm2d(inputs),
        nn.ReLU(inplace=True),
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
    ]


class DenseLayer(nn.Module):  # type: ignore[misc]  # torch is not type-checked
    """A layer that appends 32 channels to what it was given."""

    def __init__(self, inputs: int) -> None:
        """Create the layer for `inputs` channels."""
        super().__init__()
        inner = _BOTTLENECK * _GROWTH
        self.layers = nn.Sequential(
            *_pre_activated(inputs, inner, 1), *_pre_activated(inner, _GROWTH, 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [N, inputs, H, W] to [N, inputs + 32, H, W]."""
        return torch.cat([x, self.layers(x)], dim=1)


class DenseNet121(nn.Module):  # type: ignore[misc]
    """DenseNet-121 classifier with one logit per class."""

    def __init__(self, channels: int = 3, classes: int = 1000) -> None:
        """Create the network with random weights."""
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        layers: list[nn.Module] = []
        width = 64
        for stage, count in enumerate(_LAYERS):
            for _ in range(count):
                layers.append(DenseLayer(width))
                width += _GROWTH
            if stage < len(_LAYERS) - 1:
                layers += [*_pre_activated(width, width // 2, 1), nn.AvgPool2d(2)]
                width //= 2
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        self.average = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(width, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Map normalised pictures, float32 [N, channels, H, W], to logits [N, classes]."""
        x = self.features(self.stem(image))
        result: Tensor = self.classifier(self.average(x).flatten(1))
        return result
