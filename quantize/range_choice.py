"""The range of an activation by the method asked for, or by the one that errs least.

The least error on the values that a range was chosen by would always be that of the MSE search.
So each method chooses by one half of the examples and is judged by the expected squared error on
the other half, and the other way round (two-fold cross-validation; Stone 1974, "Cross-Validatory
Choice and Assessment of Statistical Predictions", J. R. Stat. Soc. B 36): what counts is how a
range holds on examples that it has not seen. The method that errs least then chooses by all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quantize.calibration_options import CalibrationOptions, RangeMethod
from quantize.clip_search import squared_error
from quantize.observers import Histogram
from quantize.range_methods.entropy import least_divergence_range
from quantize.range_methods.mean_squared_error import least_error_range
from quantize.range_methods.minimum_maximum import full_range
from quantize.range_methods.moving_average import averaged_range
from quantize.range_methods.percentile import percentile_range
from quantize.tensor_statistics import RangeEvidence
from quantize.uniform import activation_params

__all__ = ["choose_range"]

_Chooser = Callable[[Histogram, RangeEvidence, CalibrationOptions], tuple[float, float]]

_CHOOSERS: Mapping[RangeMethod, _Chooser] = {
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


_CANDIDATES = (
    RangeMethod.MSE,
    RangeMethod.PERCENTILE,
    RangeMethod.MOVING_AVERAGE,
    RangeMethod.MINMAX,
)
"""Of equals the first. Entropy is not among them: it costs as much as all others together, and
where it errs less it does so by nothing that can be measured at the output."""


def choose_range(
    evidence: RangeEvidence, options: CalibrationOptions
) -> tuple[RangeMethod, float, float]:
    """Choose the range of an activation.

    Returns:
        The method that it comes from, low and high.
    """
    method = options.method
    if method is RangeMethod.AUTO:
        method = _least_error_method(evidence, options)
    low, high = _CHOOSERS[method](evidence.histogram, evidence, options)
    return method, low, high


def _least_error_method(evidence: RangeEvidence, options: CalibrationOptions) -> RangeMethod:
    if not evidence.halves[1].total:
        return RangeMethod.MSE
    errors = dict.fromkeys(_CANDIDATES, 0.0)
    for method in _CANDIDATES:
        for seen, kept in (evidence.halves, evidence.halves[::-1]):
            params = activation_params(*_CHOOSERS[method](seen, evidence, options))
            errors[method] += squared_error(kept, params)
    return min(errors, key=errors.__getitem__)
