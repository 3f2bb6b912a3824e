"""How an evaluation is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from quantize.evaluation.evaluation import ThresholdRule

__all__ = ["EvaluationOptions"]


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """How models are judged.

    Attributes:
        reference: name of the float model that others are held against; "" takes the first.
        quantized: names of the files that share the refitted operating point; empty takes those
            whose name holds "int8".
        repeats: bootstrap resamples.
        seed: of the draws.
        specificities: at which sensitivity is stated.
        fit_share: share of the examples to refit on, where the data names no validation split;
            0 refits nothing.
        threshold_rule: how thresholds are refitted.
        may_name: whether files of flipped examples may be named in reports.
        progress: told how many of how many examples are done.
    """

    reference: str = ""
    quantized: tuple[str, ...] = ()
    repeats: int = 2000
    seed: int = 1
    specificities: tuple[float, ...] = (0.90, 0.95)
    fit_share: float = 1.0 / 3.0
    threshold_rule: ThresholdRule = "specificity"
    may_name: bool = False
    progress: Callable[[int, int], None] | None = field(default=None, compare=False)
