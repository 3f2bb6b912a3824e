"""A transformer encoder over a patient's series, with a mask, static values and a category."""

# ruff: noqa: TID253 - layers cannot be defined without torch

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.zoo.architectures.attention import TransformerBlock

__all__ = ["RecordShape", "RecordTransformer"]


_MASKED_SCORE = -1e4
"""Added to the scores of absent steps: large, and still finite in half precision."""


@dataclass(frozen=True, slots=True)
class RecordShape:
    """Lengths of the inputs and the output."""

    steps: int
    channels: int
    static_values: int
    categories: int
    outputs: int


class RecordTransformer(nn.Module):  # type: ignore[misc]  # torch is not type-checked
    """Two blocks of width 64 over the steps, joined with what does not change over time."""

    def __init__(self, shape: RecordShape, width: int = 64, heads: int = 4, depth: int = 2) -> None:
        """Create the network with random weights."""
        super().__init__()
        self.embed = nn.Linear(shape.channels, width)
        self.position = nn.Parameter(torch.randn(1, shape.steps, width) * 0.1)
        self.blocks = nn.ModuleList(TransformerBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.category = nn.Embedding(shape.categories, 8)
        self.static = nn.Linear(shape.static_values + 8, 32)
        self.classifier = nn.Linear(width + 32, shape.outputs)

    def forward(self, series: Tensor, mask: Tensor, static: Tensor, category: Tensor) -> Tensor:
        """Classify records.

        Args:
            series: standardised, float32 [N, steps, channels]; zero where the mask is.
            mask: 1 where a step was observed, else 0; float32 [N, steps].
            static: standardised, float32 [N, static_values].
            category: 0 <= value < categories, int64 [N].

        Returns:
            Logits, float32 [N, outputs].
        """
        bias = ((1.0 - mask) * _MASKED_SCORE)[:, None, None, :]
        x = self.embed(series) + self.position
        for block in self.blocks:
            x = block(x, bias)
        weights = mask[:, :, None]
        mean = (self.norm(x) * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)
        fixed = torch.relu(self.static(torch.cat([static, self.category(category)], dim=-1)))
        result: Tensor = self.classifier(torch.cat([mean, fixed], dim=-1))
        return result
