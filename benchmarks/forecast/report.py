"""A forecast in words, with what it cannot know."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.forecast.forecast import (
    MEMORY_ERROR_SHARE,
    Forecast,
    forecast_memory_mib,
)
from benchmarks.forecast.model_work import FileWork
from devices.profile import BoardProfile

__all__ = ["LIMITS", "format_forecast"]

LIMITS = (
    "This is a forecast, not a latency: nothing was measured on the board. The range holds nine",
    "of ten published figures of boards that the fit had not seen (docs/forecast.md). It fails",
    "where an engine has no fast kernel for an operation (onnxruntime took 3.7 times the fastest",
    "engine's time for one model on one board), for GPUs, for models of many tiny operations",
    "(LSTMs unrolled over time), and on a board that throttles.",
)
_MILLION = 1e6


def format_forecast(profile: BoardProfile, file: FileWork, found: Forecast) -> Iterator[str]:
    """The lines for one model file.

    Args:
        profile: of the board.
        file: the model file.
        found: its forecast.
    """
    work = file.work
    threads = f"{found.threads} thread{'s' if found.threads > 1 else ''}"
    yield f"{file.name} ({file.engine}) on {profile.title}, {threads} at {found.clock_mhz:g} MHz"
    yield (
        f"  infer    {_ms(found.low_ms)} to {_ms(found.high_ms)} ms, likeliest "
        f"{_ms(found.latency_ms)} ms"
    )
    if file.engine == "onnxruntime":
        yield "  note     none of the figures that the range rests on is onnxruntime's"
    memory_mib = forecast_memory_mib(work, file.engine)
    yield f"  memory   about {memory_mib:.0f} MiB (within {MEMORY_ERROR_SHARE:.0%} on x86-64)"
    yield (
        f"  work     {work.multiplications / _MILLION:.1f} million multiplications, "
        f"{work.integer_share:.0%} of them int8; weights {work.weight_bytes / _MILLION:.2f} MB"
    )
    whole = sum(each.seconds for each in found.shares)
    for share in found.shares:
        precision = "int8" if share.is_integer else "float32"
        yield (
            f"    {share.seconds / whole:4.0%}  {share.kind} {precision}, "
            f"{share.operations} operations"
        )
    if work.integer_share > 0 and not _has_dot_product(profile):
        yield (
            "  note     this board has no dot-product instructions: int8 gains far less here than "
            "on boards that have them, and may gain nothing"
        )


def _has_dot_product(profile: BoardProfile) -> bool:
    names = profile.instructions.names if profile.instructions else ()
    return any(each == "asimddp" or each.endswith("vnni") for each in names)


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.3g}"
