"""Numbers as a person reads them."""

from __future__ import annotations

from math import isfinite

from quantize.evaluation.evaluation import Evaluation, Figure
from quantize.report.model import SpeedGain

__all__ = [
    "decibels",
    "examples_text",
    "figure_text",
    "gain_text",
    "interval_text",
    "mebibytes",
    "milliseconds",
    "number",
    "p_value_text",
    "percent",
    "signed",
]

_LEAST_P = 0.001


def number(value: float, digits: int = 3) -> str:
    """A number with a fixed count of decimals; an en dash where there is none."""
    return f"{value:.{digits}f}" if isfinite(value) else "–"  # noqa: RUF001 - what tables use


def signed(value: float, digits: int = 4) -> str:
    """The same with its sign; a true minus, and no minus before a zero."""
    if not isfinite(value):
        return number(value)
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0.0:
        return text
    return ("+" if value > 0 else "−") + text  # noqa: RUF001 - a minus as wide as a plus


def percent(share: float, digits: int = 1) -> str:
    """A share of 1 in percent."""
    return f"{number(100 * share, digits)} %"


def gain_text(gain: SpeedGain) -> str:
    """What int8 gains in speed, and what to do where it gains nothing."""
    found = f"{gain.ratio:.2f} times float's ({gain.low:.2f} to {gain.high:.2f})"
    if gain.is_float_kept:
        verdict = "" if gain.is_faster else ": int8 gains no speed here"
        return f"{found}{verdict}; float is in the bundle and runs"
    if gain.is_faster:
        return found
    return f"{found}: int8 gains no speed here; --float {gain.engine} keeps and runs float"


def examples_text(evaluation: Evaluation, what: str) -> str:
    """How many examples, and of how many patients where the data says whose they are."""
    if evaluation.groups == evaluation.examples:
        return f"{evaluation.examples} {what}"
    groups = "patient or group" if evaluation.groups == 1 else "patients or groups"
    return f"{evaluation.examples} {what} of {evaluation.groups} {groups}"


def decibels(value: float) -> str:
    """A ratio in dB."""
    return f"{number(value, 1)} dB"


def mebibytes(size_bytes: int) -> str:
    """A size; small ones in KiB."""
    if size_bytes < 1 << 20:
        return f"{size_bytes / 1024:.1f} KiB"
    return f"{size_bytes / (1 << 20):.2f} MiB"


def milliseconds(value: float) -> str:
    """A time; more decimals for short ones, and microseconds for very short ones."""
    if value < 0.1:  # noqa: PLR2004 - two digits
        return f"{1000 * value:.1f} µs"
    return f"{value:.2f} ms" if value < 10 else f"{value:.1f} ms"  # noqa: PLR2004 - the same


def interval_text(figure: Figure, digits: int = 3) -> str:
    """The bounds alone; "" where there are none."""
    if figure.low is None or figure.high is None:
        return ""
    return f"{number(figure.low, digits)} to {number(figure.high, digits)}"


def figure_text(figure: Figure, digits: int = 3) -> str:
    """Value and bounds."""
    bounds = interval_text(figure, digits)
    value = number(figure.value, digits)
    return f"{value} ({bounds})" if bounds else value


def p_value_text(value: float) -> str:
    """A p-value; very small ones as a bound."""
    return f"< {_LEAST_P}" if value < _LEAST_P else number(value)
