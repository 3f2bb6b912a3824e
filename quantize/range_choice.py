"""The range of an activation by the method asked for, or by the one that serves best.

The least squared error of an activation is not the least at the network's output: what is clipped
is clipped always in the same direction, and often in the values that decide, while rounding errors
cancel in the sums of the next layer. So AUTO searches each activation for the range with the least
expected |error| ** 2.4 instead, the exponent with which Li et al. 2021 ("BRECQ", ICLR,
arXiv:2102.05426) choose steps in their published code. docs/calibration.md has what it measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quantize.calibration_options import CalibrationOptions, RangeMethod
from quantize.observers import Histogram
from quantize.range_methods.entropy import least_divergence_range
from quantize.range_methods.mean_squared_error import least_error_range
from quantize.range_methods.minimum_maximum import full_range
from quantize.range_methods.moving_average import averaged_range
from quantize.range_methods.percentile import percentile_range
from quantize.tensor_statistics import RangeEvidence

__all__ = ["choose_range"]

_Chooser = Callable[[Histogram, RangeEvidence, CalibrationOptions], tuple[float, float]]

_AUTO_POWER = 2.4

_CHOOSERS: Mapping[RangeMethod, _Chooser] = {
    RangeMethod.AUTO: lambda seen, _evidence, _options: least_error_range(seen, power=_AUTO_POWER),
    RangeMethod.MINMAX: lambda seen, _evidence, _options: full_range(seen),
    RangeMethod.MOVING_AVERAGE: lambda seen, evidence, _options: averaged_range(
        seen, evidence.average_low, evidence.average_high
    ),
    RangeMethod.PERCENTILE: lambda seen, _evidence, options: percentile_range(
        seen, percentile=options.percentile
    ),
    RangeMethod.ENTROPY: lambda seen, _evidence, _options: least_divergence_range(seen),
    RangeMethod.MSE: lambda seen, _evidence, _options: least_error_range(seen),
}


def choose_range(evidence: RangeEvidence, options: CalibrationOptions) -> tuple[float, float]:
    """Choose the range of an activation by the method of the options.

    Returns:
        (low, high) with low <= 0 <= high.
    """
    return _CHOOSERS[options.method](evidence.histogram, evidence, options)
