"""A record for a person to read."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.cold_start import ColdStart
from benchmarks.record import BenchmarkRecord
from benchmarks.summary import QUANTILES, StageSummary, summarise_stages

__all__ = ["format_record"]

_NS_PER_MS = 1e6
_MIB = 2**20
_COLD_STAGES = ("interpreter_ns", "import_ns", "load_ns", "first_answer_ns", "total_ns")


def format_record(record: BenchmarkRecord) -> list[str]:
    """Say what was measured, where, what came out, and whether it may be quoted."""
    return [
        *_subject_lines(record),
        *_cold_lines(record.cold_starts),
        (
            f"in this process: load {_ms(record.load_ns)} ms, "
            f"first answer {_ms(record.first_answer_ns)} ms"
        ),
        *_warm_lines(record),
        *_verdict_lines(record),
    ]


def _subject_lines(record: BenchmarkRecord) -> list[str]:
    subject, machine = record.subject, record.machine
    version = f" {subject.version}" if subject.version else ""
    pictures = "golden inputs" if record.is_golden else "pictures"
    return [
        (
            f"model: {subject.name}{version} · {subject.artifact} "
            f"({subject.artifact_bytes / _MIB:.2f} MiB) · {subject.precision} · "
            f"{subject.engine} {subject.engine_version} · {subject.threads} threads · "
            f"{subject.digest[:12]}"
        ),
        (
            f"machine: {machine.board} · {machine.processor or machine.architecture} · "
            f"{machine.processors} processors · {machine.memory_mib} MiB · {machine.kernel} · "
            f"Python {machine.python}"
        ),
        f"inputs: {len(record.pictures)} {pictures}",
    ]


def _cold_lines(starts: Sequence[ColdStart]) -> list[str]:
    if not starts:
        return []
    cells = [
        f"{stage.removesuffix('_ns').replace('_', ' ')} {_ms_range(starts, stage)}"
        for stage in _COLD_STAGES
    ]
    peak = max(start.peak_memory_bytes for start in starts)
    return [
        f"cold start ({len(starts)} fresh processes, files cached; ms, median [least, most]):",
        "  " + " · ".join(cells),
        f"  peak memory until the first answer {peak / _MIB:.1f} MiB",
    ]


def _ms_range(starts: Sequence[ColdStart], stage: str) -> str:
    times = [getattr(start, stage) for start in starts]
    return f"{_ms(statistics.median(times))} [{_ms(min(times))}, {_ms(max(times))}]"


def _warm_lines(record: BenchmarkRecord) -> list[str]:
    summaries = summarise_stages(record.warm)
    carried = [
        quantile
        for quantile in QUANTILES
        if any(each.quantile == quantile for each in summaries[-1].percentiles)
    ]
    heads = "".join(f"{f'p{100 * each:g} [95 % interval]':>26}" for each in carried)
    lines = [
        (
            f"warm ({summaries[-1].samples} answers after {len(record.warm.warm_up_calls_ns)} "
            "warm-up calls; ms):"
        ),
        f"  {'stage':<12}{'least':>8}{heads}{'most':>8}",
    ]
    return lines + [_stage_line(each) for each in summaries]


def _stage_line(summary: StageSummary) -> str:
    cells = "".join(
        f"{f'{_ms(each.value)} [{_ms(each.low)}, {_ms(each.high)}]':>26}"
        for each in summary.percentiles
    )
    return f"  {summary.stage:<12}{_ms(summary.least_ns):>8}{cells}{_ms(summary.most_ns):>8}"


def _verdict_lines(record: BenchmarkRecord) -> list[str]:
    golden, verdict = record.golden, record.verdict
    lines = []
    if golden.inputs:
        farthest = max(golden.steps_before, golden.steps_after)
        lines.append(
            f"answers: {golden.inputs} golden inputs replayed, at most {farthest:g} of "
            f"{golden.tolerance_steps} allowed output steps from the lab's",
        )
    lines += [f"note: {note}" for note in verdict.notes]
    if verdict.is_valid:
        lines.append("VALID")
    else:
        lines.append("INVALID, do not quote: " + "; ".join(verdict.reasons))
    return lines


def _ms(nanoseconds: float) -> str:
    milliseconds = nanoseconds / _NS_PER_MS
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}"  # noqa: PLR2004
