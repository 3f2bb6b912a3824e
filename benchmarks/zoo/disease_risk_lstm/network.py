"""A small LSTM over an hourly series and the mask of what was measured."""

# ruff: noqa: TID253 - layers cannot be defined without torch

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["RiskLstm"]


class RiskLstm(nn.Module):  # type: ignore[misc]  # torch is not type-checked
    """One LSTM layer (Hochreiter and Schmidhuber 1997); its mean and last state, one logit.

    What is missing says something too, so the mask goes in beside the values (Che et al. 2018,
    "Recurrent Neural Networks for Multivariate Time Series with Missing Values").
    """

    def __init__(self, channels: int, width: int, dropout: float) -> None:
        """Create the network with random weights."""
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(2 * channels, width, batch_first=True)
        self.classifier = nn.Linear(2 * width, 1)

    def forward(self, series: Tensor, mask: Tensor) -> Tensor:
        """Map values and their mask, float32 [N, T, channels] each, to logits [N, 1]."""
        steps, _ = self.lstm(self.dropout(torch.cat([series, mask], dim=2)))
        state = torch.cat([steps.mean(dim=1), steps[:, -1]], dim=1)
        result: Tensor = self.classifier(self.dropout(state))
        return result
