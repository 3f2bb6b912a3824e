"""Recurrent classifiers of series: LSTM (Hochreiter 1997) and GRU (Cho et al. 2014, 1406.1078)."""

# ruff: noqa: TID253 - layers cannot be defined without torch

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["BidirectionalGru", "StackedLstm"]


class StackedLstm(nn.Module):  # type: ignore[misc]  # torch is not type-checked
    """LSTM layers, then one linear layer on the last step."""

    def __init__(self, features: int, width: int, layers: int, outputs: int) -> None:
        """Create the network with random weights."""
        super().__init__()
        self.lstm = nn.LSTM(features, width, num_layers=layers, batch_first=True)
        self.fc = nn.Linear(width, outputs)

    def forward(self, series: Tensor) -> Tensor:
        """Map standardised series, float32 [N, T, features], to logits [N, outputs]."""
        steps, _ = self.lstm(series)
        result: Tensor = self.fc(steps[:, -1])
        return result


class BidirectionalGru(nn.Module):  # type: ignore[misc]
    """Bidirectional GRU layers, then one linear layer on the mean over the steps."""

    def __init__(self, features: int, width: int, layers: int, outputs: int) -> None:
        """Create the network with random weights."""
        super().__init__()
        self.gru = nn.GRU(features, width, num_layers=layers, batch_first=True, bidirectional=True)
        self.classifier = nn.Linear(2 * width, outputs)

    def forward(self, series: Tensor) -> Tensor:
        """Map standardised series, float32 [N, T, features], to logits [N, outputs]."""
        steps, _ = self.gru(series)
        result: Tensor = self.classifier(steps.mean(dim=1))
        return result
