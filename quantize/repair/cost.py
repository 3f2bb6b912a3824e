"""What int8 costs in decisions: the two figures that the ladder is climbed for."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Cost"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a quantized model loses against the float model, or may lose.

    Attributes:
        drop: of the metric, such as the mean AUROC; negative where int8 is better.
        flips: share of decisions that change, 0 to 1.
    """

    drop: float
    flips: float

    def is_within(self, limits: Cost) -> bool:
        """Whether neither figure is beyond its limit."""
        return self.drop <= limits.drop and self.flips <= limits.flips
