"""What a soak showed, for a person to read."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.records.measurement import Measurement
from benchmarks.soak.findings import LEAK_MIB_PER_HOUR, LEAST_MINUTES_FOR_LEAK, SoakFindings

__all__ = ["format_soak"]


def format_soak(measurement: Measurement, found: SoakFindings) -> Iterator[str]:
    """The lines for one subject."""
    subject = measurement.subject
    threads = f"{subject.threads} thread{'s' if subject.threads > 1 else ''}"
    yield f"{subject.name} {subject.precision} {subject.engine} {threads}"
    yield f"  load        {found.minutes:.1f} minutes, {found.answers} answers"
    yield f"  throttling  {_throttling(found)}"
    yield from _speed(found)
    if found.hottest_c:
        celsius, zone = found.hottest_c
        yield f"  heat        {celsius:.1f} degrees Celsius at most ({zone})"
    else:
        yield "  heat        no temperature can be read on this machine"
    yield from _memory(found)
    verdict = measurement.verdict
    yield f"  verdict     {'VALID' if verdict.is_valid else 'INVALID'}"
    for reason in verdict.reasons:
        yield f"              {reason}"


def _throttling(found: SoakFindings) -> str:
    if found.throttling:
        return f"after {found.throttling.after_s:.0f} s, by {found.throttling.sign}"
    if not found.can_tell_throttling:
        return "not known: this machine shows neither clocks nor throttling"
    return "none seen"


def _speed(found: SoakFindings) -> Iterator[str]:
    ratio = found.sustained_over_cold
    if ratio is None or found.cold_ms is None or found.sustained_ms is None:
        yield "  sustained   too short to tell cold from sustained; soak for 2 minutes or more"
        return
    yield (
        f"  sustained   {found.sustained_ms:.3f} ms against {found.cold_ms:.3f} ms in the first "
        f"minute: {ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}] times"
    )


def _memory(found: SoakFindings) -> Iterator[str]:
    memory = found.memory
    if memory is None:
        yield "  memory      too few readings for a slope; soak longer"
        return
    slope = memory.mib_per_hour
    yield (
        f"  memory      {memory.first_mib:.1f} to {memory.last_mib:.1f} MiB, {slope.value:+.2f} "
        f"[{slope.low:+.2f}, {slope.high:+.2f}] MiB an hour"
    )
    if memory.is_leak is None:
        yield (
            f"              too short to tell a leak from settling: soak for "
            f"{LEAST_MINUTES_FOR_LEAK:g} minutes or more"
        )
    elif memory.is_leak:
        yield f"  LEAK        memory surely grows by more than {LEAK_MIB_PER_HOUR:g} MiB an hour"
