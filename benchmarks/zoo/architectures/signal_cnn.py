"""A plain 1-D convolutional network for short signals, after Kiranyaz et al. 2016."""

# ruff: noqa: TID253 - layers cannot be defined without torch

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["SignalCnn"]

_LAYERS = ((32, 15, 1), (64, 9, 2), (64, 7, 2), (128, 5, 2), (128, 3, 2))
"""Output channels, kernel and stride of each convolution."""


class SignalCnn(nn.Module):  # type: ignore[misc]  # torch is not type-checked
    """Five strided convolutions, a mean over time and a linear layer."""

    def __init__(self, leads: int, classes: int) -> None:
        """Create the network with random weights."""
        super().__init__()
        layers: list[nn.Module] = []
        inputs = leads
        for outputs, kernel, stride in _LAYERS:
            conv = nn.Conv1d(
                inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False
            )
            layers += [conv, nn.BatchNorm1d(outputs), nn.ReLU(inplace=True)]
            inputs = outputs
        self.features = nn.Sequential(*layers, nn.MaxPool1d(2))
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, signal: Tensor) -> Tensor:
        """Map signals in millivolts, float32 [N, leads, T], to logits [N, classes]."""
        result: Tensor = self.classifier(self.features(signal).mean(dim=-1))
        return result
