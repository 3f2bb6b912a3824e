"""The block of MobileNetV2 and its successors, with squeeze-and-excitation (arXiv 1709.01507)."""

# ruff: noqa: TID253 - layers cannot be defined without torch

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from benchmarks.zoo.architectures.convolution import ConvNorm

__all__ = ["BlockShape", "InvertedResidual", "SqueezeExcitation"]


@dataclass(frozen=True, slots=True)
class BlockShape:
    """What distinguishes one block.

    Attributes:
        kernel: of the depthwise convolution.
        hidden: channels between the two pointwise convolutions.
        outputs: channels that leave the block.
        stride: of the depthwise convolution.
        squeezed: channels inside squeeze-and-excitation; 0 where the block has none.
        activation: makes the activation of the first two convolutions.
        gate: makes the activation that ends squeeze-and-excitation.
        squeeze_activation: makes the activation inside squeeze-and-excitation.
    """

    kernel: int
    hidden: int
    outputs: int
    stride: int
    squeezed: int
    activation: Callable[[], nn.Module]
    gate: Callable[[], nn.Module]
    squeeze_activation: Callable[[], nn.Module]


class SqueezeExcitation(nn.Module):  # type: ignore[misc]  # torch is not type-checked
    """Scales each channel by a gate computed from all channels' means."""

    def __init__(self, channels: int, shape: BlockShape) -> None:
        """Create the layer for `channels` channels."""
        super().__init__()
        self.average = nn.AdaptiveAvgPool2d(1)
        self.squeeze = nn.Conv2d(channels, shape.squeezed, 1)
        self.activation = shape.squeeze_activation()
        self.excite = nn.Conv2d(shape.squeezed, channels, 1)
        self.gate = shape.gate()

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [N, C, H, W] to the same shape."""
        inner = self.activation(self.squeeze(self.average(x)))
        result: Tensor = x * self.gate(self.excite(inner))
        return result


class InvertedResidual(nn.Module):  # type: ignore[misc]
    """Expand, depthwise convolution, squeeze-and-excitation, project; a shortcut where it fits."""

    def __init__(self, inputs: int, shape: BlockShape) -> None:
        """Create the block for `inputs` channels."""
        super().__init__()
        layers: list[nn.Module] = []
        if shape.hidden != inputs:
            layers.append(ConvNorm(inputs, shape.hidden, activation=shape.activation()))
        layers.append(
            ConvNorm(
                shape.hidden,
                shape.hidden,
                shape.kernel,
                shape.stride,
                depthwise=True,
                activation=shape.activation(),
            )
        )
        if shape.squeezed:
            layers.append(SqueezeExcitation(shape.hidden, shape))
        layers.append(ConvNorm(shape.hidden, shape.outputs))
        self.layers = nn.Sequential(*layers)
        self.has_shortcut = shape.stride == 1 and inputs == shape.outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [N, inputs, H, W] to [N, outputs, ceil(H / stride), ceil(W / stride)]."""
        result: Tensor = self.layers(x)
        return x + result if self.has_shortcut else result
