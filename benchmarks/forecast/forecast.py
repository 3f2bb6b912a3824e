"""Latency and memory of a model on a board, before the board is there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.forecast.time_model import FITTED, Processor, latency_s, operation_s
from benchmarks.forecast.work import ModelWork, OperationKind
from devices.profile import BoardProfile
from edge.errors import UsageError

__all__ = [
    "ERROR_FACTOR",
    "MEMORY_ERROR_SHARE",
    "Forecast",
    "KindShare",
    "board_processor",
    "forecast_latency",
    "forecast_memory_mib",
]

ERROR_FACTOR = 1.7
"""Nine of ten published figures lie within this factor of what is forecast without the figures of
their board: `python -m benchmarks.forecast.check`."""

MEMORY_ERROR_SHARE = 0.2
"""How far memory measured on x86-64 lay from the forecast at most: the same command."""

_BASE_MIB = {"onnxruntime": 75.0, "litert": 59.0}
"""Resident memory with Python, NumPy, OpenCV and the engine, and a model of 70 kB; measured on
x86-64 by the same command. A board's libraries differ."""

_WEIGHT_COPIES = {"onnxruntime": 3, "litert": 2}

_MIB = 2.0**20


@dataclass(frozen=True, slots=True)
class KindShare:
    """Where the forecast time goes.

    Attributes:
        kind: of operation.
        is_integer: on 8-bit integers.
        operations: how many.
        multiplications: of all of them.
        seconds: of all of them.
    """

    kind: OperationKind
    is_integer: bool
    operations: int
    multiplications: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What to expect of a model on a board.

    Attributes:
        latency_ms: of one inference, the model warm; decoding and resizing are not in it.
        low_ms: nine of ten times it is no less,
        high_ms: and no more, if the engine's kernels are as good as those of the figures fitted.
        threads: inside one inference.
        clock_mhz: at which it is forecast.
        shares: by kind of operation, the longest first.
    """

    latency_ms: float
    low_ms: float
    high_ms: float
    threads: int
    clock_mhz: float
    shares: tuple[KindShare, ...]


def board_processor(profile: BoardProfile, *, clock_mhz: float | None = None) -> Processor:
    """The faster cores of a board.

    Args:
        profile: of the board.
        clock_mhz: another clock than the highest.

    Raises:
        UsageError: the profile does not say what cores, clock, instructions or memory it has.
    """
    missing = [
        name
        for name, value in (
            ("cores", profile.cores),
            ("instructions", profile.instructions),
            ("memory bandwidth", profile.memory and profile.memory.bandwidth_gb_per_s),
        )
        if not value
    ]
    known = [each for each in profile.cores if clock_mhz or each.clock_max_mhz]
    if profile.cores and not known:
        missing.append("clock")
    if missing or profile.instructions is None or profile.memory is None:
        raise UsageError(
            f"{profile.title} says nothing of its {', '.join(missing)}, so nothing can be "
            "forecast; name a board that is one of a kind"
        )
    fastest = max(known, key=lambda each: each.clock_max_mhz or 0)
    return Processor(
        core=fastest.kind,
        cores=fastest.count,
        clock_mhz=clock_mhz or float(fastest.clock_max_mhz or 0),
        instructions=frozenset(profile.instructions.names),
        memory_bytes_per_s=(profile.memory.bandwidth_gb_per_s or math.nan) * 1e9,
    )


def forecast_latency(work: ModelWork, processor: Processor, *, threads: int) -> Forecast:
    """Forecast one inference.

    Args:
        work: of the model.
        processor: of the board.
        threads: inside one inference.
    """
    latency_ms = 1e3 * latency_s(work, processor, threads=threads)
    return Forecast(
        latency_ms=latency_ms,
        low_ms=latency_ms / ERROR_FACTOR,
        high_ms=latency_ms * ERROR_FACTOR,
        threads=threads,
        clock_mhz=processor.clock_mhz,
        shares=_shares(work, processor, threads),
    )


def _shares(work: ModelWork, processor: Processor, threads: int) -> tuple[KindShare, ...]:
    groups: dict[tuple[OperationKind, bool], list[tuple[int, float]]] = {}
    for each in work.operations:
        seconds = operation_s(each, processor, threads=threads, model=FITTED)
        groups.setdefault((each.kind, each.is_integer), []).append((each.multiplications, seconds))
    shares = (
        KindShare(kind, is_integer, len(found), sum(m for m, _ in found), sum(s for _, s in found))
        for (kind, is_integer), found in groups.items()
    )
    return tuple(sorted(shares, key=lambda each: -each.seconds))


def forecast_memory_mib(work: ModelWork, engine: str) -> float:
    """Peak resident memory of a process that runs the model.

    The weights count as often as an engine's adapter keeps them: as the file, as the engine's
    own copy of it (onnxruntime), and as the kernels pack them.

    Args:
        work: of the model.
        engine: "onnxruntime" or "litert".
    """
    weights = _WEIGHT_COPIES[engine] * work.weight_bytes
    return _BASE_MIB[engine] + (weights + 2 * work.peak_activation_bytes) / _MIB
