"""Plots of one measurement: how latencies spread, how they went over time, where they go."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.page.drawing import Frame, svg
from benchmarks.records.measurement import Measurement, SensorLog
from benchmarks.records.sample_column import MISSING
from benchmarks.statistics.quantile_interval import carried_percentiles

__all__ = ["plot_distribution", "plot_series", "plot_stages"]

_WIDTH = 860.0
_LEFT, _RIGHT = 64.0, 16.0
_INNER = _WIDTH - _LEFT - _RIGHT
_BINS = 60
_COLUMNS = 400
_SHOWN = 0.995
_MOST_SHOWN = 0.999
_STAGES = ("capture", "decode", "preprocess", "infer", "postprocess")
_COLD_STAGES = (
    ("interpreter", "interpreter_ns"),
    ("import edge", "import_ns"),
    ("load", "load_ns"),
    ("first answer", "first_answer_ns"),
)


def plot_distribution(latencies_ns: NDArray[np.int64]) -> str:
    """A histogram with the percentiles that the samples carry.

    Args:
        latencies_ns: of queries, shape (n,), at least one.
    """
    values = latencies_ns / 1e6
    low, high = float(values.min()), float(np.quantile(values, _SHOWN))
    high = high if high > low else low * 1.01 + 1e-6
    counts, edges = np.histogram(values, bins=_BINS, range=(low, high))
    frame = Frame(_LEFT, 24, _INNER, 180, (low, high), (0, float(counts.max())))
    parts = [frame.axes("ms", "answers")]
    parts += [
        frame.bar((float(edges[at]), float(edges[at + 1])), float(count))
        for at, count in enumerate(counts)
        if count
    ]
    for row, each in enumerate(carried_percentiles(latencies_ns)):
        if each.value / 1e6 <= high:
            parts.append(frame.mark(each.value / 1e6, f"p{100 * each.quantile:g}", row=row))
    beyond = int((values > high).sum())
    title = f"Latency of {values.size} queries, {beyond} slower ones beyond {high:.3g} ms not shown"
    return svg(_WIDTH, 250, parts, title)


def plot_series(measurement: Measurement) -> str:
    """Latency over time, and below it clock, temperature and memory on the same axis."""
    phases = [each for each in ("timed", "sustained") if each in measurement.phases]
    if not phases:
        return ""
    started = np.concatenate([measurement.phases[each].values("started") for each in phases])
    calls = np.concatenate([measurement.phases[each].values("call") for each in phases]) / 1e6
    seconds = (started - started[0]) / 1e9
    end = max(float(seconds[-1]), 1e-3)
    rows = [_latency_row(seconds, calls, end)]
    rows += _sensor_rows(measurement.sensors, int(started[0]), end)
    parts, top = [], 24.0
    for index, (height, draw) in enumerate(rows):
        parts.append(draw(top, "seconds" if index == len(rows) - 1 else ""))
        top += height + 36
    return svg(_WIDTH, top + 20, parts, "Latency, clocks, heat and memory over time")


_Row: TypeAlias = tuple[float, Callable[[float, str], str]]
"""Height in pixels, and what draws it at a place with a name for the time axis, or none."""

_SENSORS = (
    ("clock_mhz ", "MHz, fastest core", 1.0, "two"),
    ("temperature_mc ", "degrees Celsius, hottest", 1e-3, "three"),
    ("power_mw ", "W, largest rail", 1e-3, "two"),
    ("resident_bytes", "MiB resident", 2.0**-20, ""),
)


def _latency_row(seconds: NDArray[np.float64], calls: NDArray[np.float64], end: float) -> _Row:
    """Each pixel column shows the least, the median and the most of its answers."""
    columns = np.minimum((seconds / end * _COLUMNS).astype(int), _COLUMNS - 1)
    edges = np.flatnonzero(np.diff(columns)) + 1
    groups = np.split(calls, edges)
    xs = [float(each[0]) for each in np.split(seconds, edges)]
    lows = [float(each.min()) for each in groups]
    middles = [float(np.median(each)) for each in groups]
    highs = [float(each.max()) for each in groups]
    top_value = float(np.quantile(calls, _MOST_SHOWN)) * 1.05

    def draw(top: float, x_name: str) -> str:
        frame = Frame(_LEFT, top, _INNER, 160, (0, end), (0, top_value))
        return (
            frame.axes(x_name, "ms: median, least and most")
            + frame.band(xs, lows, highs)
            + frame.curve(xs, middles)
        )

    return 160.0, draw


def _sensor_rows(log: SensorLog, begun_ns: int, end: float) -> Iterator[_Row]:
    seconds = (log.times.values() - begun_ns) / 1e9
    inside = (seconds >= 0) & (seconds <= end)
    if inside.sum() < 2:  # noqa: PLR2004 - a line takes two
        return
    for prefix, name, scale, style in _SENSORS:
        traces = [
            np.where(column.values() == MISSING, -math.inf, column.values() * scale)[inside]
            for key, column in log.traces.items()
            if key.startswith(prefix)
        ]
        most = np.max(traces, axis=0) if traces else np.full(1, -math.inf)
        if np.isfinite(most).any():
            known = np.where(np.isfinite(most), most, math.nan)
            yield 90.0, _sensor_row(seconds[inside], known, end, (name, style))


def _sensor_row(
    seconds: NDArray[np.float64], values: NDArray[np.float64], end: float, look: tuple[str, str]
) -> Callable[[float, str], str]:
    name, style = look
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = max(0.05 * (high - low), 0.01 * abs(high), 1e-6)

    def draw(top: float, x_name: str) -> str:
        frame = Frame(_LEFT, top, _INNER, 90, (0, end), (low - room, high + room))
        return frame.axes(x_name, name) + frame.curve(seconds.tolist(), values.tolist(), style)

    return draw


def plot_stages(measurement: Measurement) -> str:
    """A waterfall: the median of each stage of a warm answer, and of a cold start."""
    timed = measurement.phases.get("timed")
    rows: list[tuple[str, list[tuple[str, float]], str]] = []
    if timed is not None and timed.count:
        warm = [(name, float(np.median(timed.values(name))) / 1e6) for name in _STAGES]
        rows.append(("warm answer", [each for each in warm if each[1] > 0], ""))
    if measurement.cold_starts:
        cold = [
            (name, statistics.median(getattr(each, field) for each in measurement.cold_starts))
            for name, field in _COLD_STAGES
        ]
        rows.append(("cold start", [(name, value / 1e6) for name, value in cold], "cold"))
    parts, top = [], 24.0
    for title, stages, style in rows:
        height = 20.0 * len(stages)
        parts.append(_waterfall(title, stages, style, top))
        top += height + 40
    return svg(_WIDTH, top, parts, "Where the time goes") if rows else ""


def _waterfall(title: str, stages: list[tuple[str, float]], style: str, top: float) -> str:
    whole = sum(value for _, value in stages) or 1.0
    frame = Frame(100, top, _WIDTH - 100 - 130, 20.0 * len(stages), (0, whole), (0, 1))
    parts, begun = [], 0.0
    for index, (name, value) in enumerate(stages):
        upper = top + 20.0 * index
        left, _ = frame.at(begun, 0)
        right, _ = frame.at(begun + value, 0)
        parts.append(
            f'<rect class="bar {style}" x="{left:.1f}" y="{upper + 2:.1f}" '
            f'width="{max(1.0, right - left):.1f}" height="15"/>'
            f'<text class="name" x="92" y="{upper + 14:.1f}" text-anchor="end">{name}</text>'
            f'<text x="{right + 6:.1f}" y="{upper + 14:.1f}">{value:.3f} ms, '
            f"{value / whole:.0%}</text>"
        )
        begun += value
    words = f"{title}: medians of its stages, together {whole:.3f} ms"
    heading = f'<text class="name" x="0" y="{top - 8:.1f}">{words}</text>'
    return heading + "".join(parts)
