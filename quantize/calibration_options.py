"""What calibration can be told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from edge.errors import UsageError

__all__ = ["CalibrationOptions", "RangeMethod"]

_WHOLE = 100.0


class RangeMethod(str, Enum):
    """How the range of an activation is chosen.

    AUTO searches each activation as MSE does, but weighs what is clipped more.
    """

    AUTO = "auto"
    MINMAX = "minmax"
    MOVING_AVERAGE = "moving-average"
    PERCENTILE = "percentile"
    ENTROPY = "entropy"
    MSE = "mse"


@dataclass(frozen=True, slots=True)
class CalibrationOptions:
    """Options of a calibration.

    Attributes:
        method: for all activations but graph inputs and outputs, which keep all that was seen.
        percentile: for that method: per cent of the values that stay inside, over 0 up to 100.
        values_per_example: at most about so many values of an activation count in its histogram
            for each example, evenly spaced; extremes are always those of all values. At least 1.
        checkpoint_seconds: time between two writings of the checkpoint, where there is one.
    """

    method: RangeMethod = RangeMethod.AUTO
    percentile: float = 99.99
    values_per_example: int = 1 << 16
    checkpoint_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what means nothing.

        Raises:
            UsageError: a value is out of bounds.
        """
        if not 0.0 < self.percentile <= _WHOLE:
            raise UsageError(f"percentile {self.percentile}: give over 0 up to 100, such as 99.99")
        if self.values_per_example < 1:
            raise UsageError(f"{self.values_per_example} values per example: give at least 1")
        if not self.checkpoint_seconds >= 0.0:
            raise UsageError(f"{self.checkpoint_seconds} s between checkpoints: give at least 0")
