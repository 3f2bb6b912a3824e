"""Convolution, batch normalisation and an activation: what every network here is built from."""

# ruff: noqa: TID253 - layers cannot be defined without torch

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["ConvNorm"]


class ConvNorm(nn.Module):  # type: ignore[misc]  # torch is not type-checked
    """Bias-free 2-D convolution with symmetric padding, batch normalisation, activation."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        depthwise: bool = False,
        activation: nn.Module | None = None,
    ) -> None:
        """Create the layer.

        Args:
            inputs: input channels.
            outputs: output channels; equal to the inputs for a depthwise layer.
            kernel: kernel length, odd.
            stride: 1 or 2.
            depthwise: one group per channel.
            activation: applied last; None for none.
        """
        super().__init__()
        self.conv = nn.Conv2d(
            inputs,
            outputs,
            kernel,
            stride=stride,
            padding=kernel // 2,
            groups=inputs if depthwise else 1,
            bias=False,
        )
        self.norm = nn.BatchNorm2d(outputs)
        self.activation = activation if activation is not None else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [N, inputs, H, W] to [N, outputs, ceil(H / stride), ceil(W / stride)]."""
        result: Tensor = self.activation(self.norm(self.conv(x)))
        return result
