"""The pre-norm transformer block (Vaswani et al. 2017, arXiv 1706.03762; Xiong et al. 2020)."""

# ruff: noqa: TID253 - layers cannot be defined without torch

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["TransformerBlock"]

_MLP_RATIO = 4


class TransformerBlock(nn.Module):  # type: ignore[misc]  # torch is not type-checked
    """Self-attention and a two-layer perceptron, each normalised before and added after."""

    def __init__(self, width: int, heads: int) -> None:
        """Create the block; `heads` divides `width`."""
        super().__init__()
        self.heads = heads
        self.head_width = width // heads
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.perceptron_norm = nn.LayerNorm(width)
        self.perceptron = nn.Sequential(
            nn.Linear(width, _MLP_RATIO * width), nn.GELU(), nn.Linear(_MLP_RATIO * width, width)
        )

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Transform a sequence.

        Args:
            x: float32 [N, T, width].
            bias: added to the attention scores, float32 [N, 1, 1, T]; None for none.

        Returns:
            float32 [N, T, width].
        """
        count, length, width = x.shape
        projected = self.query_key_value(self.attention_norm(x))
        split = projected.reshape(count, length, 3, self.heads, self.head_width)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        scores = (query * self.head_width**-0.5) @ key.transpose(-2, -1)
        if bias is not None:
            scores = scores + bias
        mixed = (scores.softmax(dim=-1) @ value).transpose(1, 2).reshape(count, length, width)
        x = x + self.merge(mixed)
        result: Tensor = x + self.perceptron(self.perceptron_norm(x))
        return result
