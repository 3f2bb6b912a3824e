"""ViT-tiny, patches of 16 pixels (Dosovitskiy et al. 2021, arXiv 2010.11929; DeiT's size)."""

# ruff: noqa: TID253 - layers cannot be defined without torch

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.zoo.architectures.attention import TransformerBlock

__all__ = ["VisionTransformerTiny"]

_WIDTH = 192
_HEADS = 3
_DEPTH = 12
_PATCH = 16
_INITIAL_DEVIATION = 0.02


class VisionTransformerTiny(nn.Module):  # type: ignore[misc]  # torch is not type-checked
    """ViT-tiny classifier that reads its answer from a class token."""

    def __init__(self, channels: int = 3, classes: int = 1000, size: int = 224) -> None:
        """Create the network with random weights for pictures of `size` x `size` pixels."""
        super().__init__()
        self.patches = nn.Conv2d(channels, _WIDTH, _PATCH, stride=_PATCH)
        tokens = (size // _PATCH) ** 2 + 1
        self.class_token = nn.Parameter(torch.zeros(1, 1, _WIDTH))
        self.position = nn.Parameter(torch.randn(1, tokens, _WIDTH) * _INITIAL_DEVIATION)
        self.blocks = nn.ModuleList(TransformerBlock(_WIDTH, _HEADS) for _ in range(_DEPTH))
        self.norm = nn.LayerNorm(_WIDTH)
        self.classifier = nn.Linear(_WIDTH, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Map normalised pictures, float32 [N, channels, size, size], to logits [N, classes]."""
        patches = self.patches(image).flatten(2).transpose(1, 2)
        token = self.class_token.expand(image.shape[0], -1, -1)
        x = torch.cat([token, patches], dim=1) + self.position
        for block in self.blocks:
            x = block(x)
        result: Tensor = self.classifier(self.norm(x)[:, 0])
        return result
