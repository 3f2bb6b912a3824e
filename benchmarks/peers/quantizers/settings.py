"""Which settings of each other quantizer are tried on which family of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["FAMILIES", "OUR_SETTINGS", "SETTINGS", "Setting", "settings_for"]

FAMILIES = ("cnn", "attention", "recurrent")

_ALL = frozenset(FAMILIES)
_CNN = frozenset({"cnn"})
_NOT_CNN = frozenset({"attention", "recurrent"})
_ATTENTION = frozenset({"attention"})
_MULTIPLICATIONS = ["Conv", "Gemm", "MatMul"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to run one quantizer.

    Attributes:
        peer: name of the quantizer.
        name: of the setting.
        environment: key of `ENVIRONMENTS`.
        worker: module under `workers`.
        engine: "onnxruntime" or "litert": what runs its file.
        families: models it is tried on.
        options: handed to the worker.
        is_dynamic: activations are quantized while the model runs, not by calibration.
    """

    peer: str
    name: str
    environment: str
    worker: str
    engine: str
    families: frozenset[str]
    options: Mapping[str, object] = field(default_factory=dict)
    is_dynamic: bool = False


def _onnxruntime(
    name: str, families: frozenset[str], *, is_dynamic: bool = False, **options: object
) -> Setting:
    return Setting(
        "onnxruntime",
        name,
        "nncf",
        "onnxruntime_worker",
        "onnxruntime",
        families,
        options,
        is_dynamic,
    )


def _nncf(name: str, families: frozenset[str], **options: object) -> Setting:
    return Setting("nncf", name, "nncf", "nncf_worker", "onnxruntime", families, options)


def _quark(name: str, families: frozenset[str], **options: object) -> Setting:
    return Setting("quark", name, "quark", "quark_worker", "onnxruntime", families, options)


def _litert_quantizer(
    name: str, families: frozenset[str], *, is_dynamic: bool = False, **options: object
) -> Setting:
    return Setting(
        "litert-quantizer",
        name,
        "litert-quantizer",
        "litert_quantizer_worker",
        "litert",
        families,
        options,
        is_dynamic,
    )


SETTINGS: tuple[Setting, ...] = (
    _onnxruntime("min-max", _ALL, method="MinMax"),
    _onnxruntime("percentile 99.99", _CNN, method="Percentile", percentile=99.99),
    _onnxruntime("percentile 99.999", _CNN, method="Percentile", percentile=99.999),
    _onnxruntime("entropy", _CNN, method="Entropy"),
    _onnxruntime(
        "min-max, multiplications only",
        _ATTENTION,
        method="MinMax",
        operators=_MULTIPLICATIONS,
    ),
    _onnxruntime(
        "percentile 99.999, multiplications only",
        _ATTENTION,
        method="Percentile",
        percentile=99.999,
        operators=_MULTIPLICATIONS,
    ),
    _onnxruntime("dynamic", _NOT_CNN, is_dynamic=True, method="dynamic"),
    _nncf("default", _ALL),
    _nncf("mixed, bias correction", _CNN, is_mixed=True, is_accurate=True),
    _nncf(
        "mixed, bias correction, min-max", _CNN, is_mixed=True, is_accurate=True, ranges="MINMAX"
    ),
    _nncf(
        "mixed, bias correction, quantile",
        _CNN,
        is_mixed=True,
        is_accurate=True,
        ranges="MEAN_QUANTILE",
    ),
    _nncf("mixed, min-max", _CNN, is_mixed=True, ranges="MINMAX"),
    _nncf("transformer", _ATTENTION, is_transformer=True),
    _nncf("transformer, min-max", _ATTENTION, is_transformer=True, ranges="MINMAX"),
    _quark("default", _CNN, config="INT8_CNN_DEFAULT"),
    _quark("default", _NOT_CNN, config="INT8_TRANSFORMER_DEFAULT"),
    _quark("percentile, per channel", _ALL, config="U8S8_AAWS", per_channel=True),
    _quark(
        "percentile, per channel, equalised",
        _CNN,
        config="U8S8_AAWS",
        per_channel=True,
        is_equalised=True,
    ),
    _quark(
        "percentile, per channel, learned rounding",
        _CNN,
        config="U8S8_AAWS_ADAROUND",
        per_channel=True,
        iterations=200,
    ),
    _litert_quantizer("min-max", _ALL, ranges="min-max"),
    _litert_quantizer("mean squared error", _ALL, ranges="mse"),
    _litert_quantizer(
        "mean squared error, multiplications only",
        _NOT_CNN,
        ranges="mse",
        operators=["CONV_2D", "FULLY_CONNECTED"],
    ),
    _litert_quantizer("dynamic", _NOT_CNN, is_dynamic=True, ranges="dynamic"),
    Setting("tensorflow", "default", "tensorflow", "tensorflow_worker", "litert", _ALL),
)


OUR_SETTINGS: Mapping[str, Mapping[str, object]] = {
    "default": {},
    "full repair": {"is_full": True},
}
"""Ours: what `edge-quantize` does, and all rungs of its ladder that keep activations integer."""


def settings_for(family: str, peers: tuple[str, ...]) -> tuple[Setting, ...]:
    """The settings to try on a family; of all quantizers where none is named."""
    return tuple(
        each for each in SETTINGS if family in each.families and (not peers or each.peer in peers)
    )
