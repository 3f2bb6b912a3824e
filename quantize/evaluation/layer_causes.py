"""Why a layer loses: rules over what was measured, in the order of what explains most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log10

import numpy as np

from quantize.evaluation.signal_to_noise import SNR_LIMIT_DB
from quantize.quantized_graph import QuantizedGraph

__all__ = ["LayerEvidence", "is_inherited", "name_cause", "weight_evidence"]

_GOOD_DB = 35.0
"""Above it a layer loses nothing that needs a reason."""

_INHERITED_DB = 6.0
_LOST_ALREADY_DB = 1.5
_CLIPPING_SHARE_OF_NOISE = 0.5
_CANCELLED_SHARE = 0.05
_CENTRED_SHARE = 0.05
_FEW_BITS = 5.0
_WEIGHT_MARGIN_DB = 3.0
_OUTLIER_PEAK = 12.0


@dataclass(frozen=True, slots=True)
class LayerEvidence:
    """What was measured of one layer.

    Attributes:
        op: ONNX operator.
        snr_db: with everything quantized.
        lone_snr_db: with this layer alone quantized.
        source: the layer before it that has lost most; "" for none.
        source_snr_db: of that layer.
        clipped_share: of its output's values, 0 to 1.
        clipping_share_of_noise: of the squared error of the layer alone, 0 and up.
        effective_bits: of its output, 0 to 8.
        centred_share: of its output's power that varies between examples, 0 to 1.
        output_to_input_power: mean square of its output over that of its largest input; 1 where
            not measured.
        weight_snr_db: of its int8 weights; 120 where it has none.
        weight_peak: greatest |weight| of a channel over its root mean square.
    """

    op: str
    snr_db: float
    lone_snr_db: float
    source: str = ""
    source_snr_db: float = SNR_LIMIT_DB
    clipped_share: float = 0.0
    clipping_share_of_noise: float = 0.0
    effective_bits: float = 8.0
    centred_share: float = 1.0
    output_to_input_power: float = 1.0
    weight_snr_db: float = SNR_LIMIT_DB
    weight_peak: float = 0.0


def is_inherited(seen: LayerEvidence) -> bool:
    """Whether a layer's loss came with its inputs."""
    return seen.snr_db < _GOOD_DB and _inherited(seen) != ""


def name_cause(seen: LayerEvidence) -> str:
    """One sentence; "" for a layer that loses nothing worth a reason."""
    if seen.snr_db >= _GOOD_DB:
        return ""
    return next((text for rule in _RULES if (text := rule(seen))), "rounding of its 256 levels")


def _inherited(seen: LayerEvidence) -> str:
    """Noise that came with its inputs.

    A layer alone still reads its inputs in the 8 bit that the layer before it chose, so a bad
    range shows in both: where the one before has lost as much already, it is the cause.
    """
    whence = f", most of it by '{seen.source}' ({seen.source_snr_db:.1f} dB)" if seen.source else ""
    if seen.lone_snr_db >= seen.snr_db + _INHERITED_DB:
        return f"lost before it{whence}; alone it keeps {seen.lone_snr_db:.1f} dB"
    if seen.source and seen.source_snr_db <= seen.snr_db + _LOST_ALREADY_DB:
        return f"lost before it{whence}"
    return ""


def _clipping(seen: LayerEvidence) -> str:
    if seen.clipping_share_of_noise < _CLIPPING_SHARE_OF_NOISE or seen.clipped_share <= 0.0:
        return ""
    share = 100 * seen.clipped_share
    shown = f"{share:.2f}" if share >= 0.01 else f"{share:.1g}"  # noqa: PLR2004 - two decimals
    return f"its range clips {shown} % of the values"


def _cancellation(seen: LayerEvidence) -> str:
    if seen.op not in {"Add", "Sub"} or seen.output_to_input_power > _CANCELLED_SHARE:
        return ""
    return (
        f"its inputs cancel: {100 * seen.output_to_input_power:.2g} % of their power is left, "
        "and their rounding stays"
    )


def _large_mean(seen: LayerEvidence) -> str:
    if seen.centred_share > _CENTRED_SHARE:
        return ""
    return (
        f"small signal on a large mean: {100 * seen.centred_share:.2g} % of its power differs "
        "between examples"
    )


def _few_levels(seen: LayerEvidence) -> str:
    if seen.effective_bits >= _FEW_BITS:
        return ""
    return f"few levels used: {seen.effective_bits:.1f} of 8 bits hold most of its values"


def _weights(seen: LayerEvidence) -> str:
    if seen.weight_snr_db > seen.lone_snr_db + _WEIGHT_MARGIN_DB:
        return ""
    spread = (
        f"; a channel's largest is {seen.weight_peak:.0f} times its root mean square"
        if seen.weight_peak >= _OUTLIER_PEAK
        else ""
    )
    return f"rounding of its weights ({seen.weight_snr_db:.1f} dB){spread}"


_RULES: tuple[Callable[[LayerEvidence], str], ...] = (
    _inherited,
    _clipping,
    _cancellation,
    _large_mean,
    _few_levels,
    _weights,
)


def weight_evidence(quantized: QuantizedGraph, name: str) -> tuple[float, float]:
    """How well int8 weights stand for the float ones.

    Args:
        quantized: holds both.
        name: of the weights.

    Returns:
        Signal-to-noise ratio in dB over all channels, and the greatest peak of a channel over its
        root mean square.
    """
    weights = quantized.graph.constants[name].astype(np.float64)
    stored = quantized.weights[name]
    rows = weights.reshape(stored.scale.size, -1)
    steps = stored.values.astype(np.float64).reshape(rows.shape)
    noise = float(np.square(steps * stored.scale.reshape(-1, 1) - rows).sum())
    power = float(np.square(rows).sum())
    level = np.sqrt(np.square(rows).mean(axis=1))
    peaks = np.abs(rows).max(axis=1)[level > 0] / level[level > 0]
    snr = SNR_LIMIT_DB if noise <= 0 or power <= 0 else min(SNR_LIMIT_DB, 10 * log10(power / noise))
    return snr, float(peaks.max(initial=0.0))
