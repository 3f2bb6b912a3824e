"""Figures for Prometheus: text exposition format 0.0.4.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/. Names and base units after
https://prometheus.io/docs/practices/naming/: seconds and bytes; what only grows ends in `_total`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["METRICS_TYPE", "MetricFamily", "MetricSample", "metrics_text"]

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class MetricSample:
    """One figure of a family.

    Attributes:
        value: in the family's unit.
        labels: by name; any text.
    """

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetricFamily:
    """Figures of one name.

    Attributes:
        name: as Prometheus stores it.
        kind: "counter" for what only grows, else "gauge".
        help: one sentence.
        samples: the figures; a family without any is left out.
    """

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: tuple[MetricSample, ...]


def metrics_text(families: Iterable[MetricFamily]) -> str:
    """The families in their order, each with its help and type, ending in a line feed."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        lines.append(f"# HELP {family.name} {_escaped(family.help)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines += [
            f"{family.name}{_labels(each.labels)} {_number(each.value)}" for each in family.samples
        ]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_quoted(value)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', '\\"')
