"""A record for a person to read."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.quoted_series import quoted_series
from benchmarks.records.measurement import (
    AnswerSamples,
    ColdStart,
    Measurement,
    MemoryUse,
    OwnCost,
    SensorLog,
    Subject,
    TruthCheck,
)
from benchmarks.records.record import BenchmarkRecord, RunSettings
from benchmarks.statistics.quantile_interval import QUANTILES
from benchmarks.summary import (
    SeriesSummary,
    answers_per_second,
    arrivals_per_second,
    share_over_bound,
    summarise_queries,
    summarise_stages,
    sustained_latency,
)

__all__ = ["format_record"]

_NS_PER_MS = 1e6
_MIB = 2**20
_COLD_STAGES = ("interpreter_ns", "import_ns", "load_ns", "first_answer_ns", "total_ns")
_PERCENTILE_WIDTH = 24


def format_record(record: BenchmarkRecord) -> list[str]:
    """Say what was measured, where, what came out, and whether it may be quoted."""
    machine = record.machine
    lines = [
        (
            f"machine: {machine.board} · {machine.processor or machine.architecture} · "
            f"{machine.processors} processors · {machine.memory_mib} MiB · {machine.kernel} · "
            f"Python {machine.python}"
        ),
        _settings_line(record.settings),
    ]
    for measurement in record.measurements:
        lines += ["", *_measurement_lines(measurement, record.settings)]
    if len(record.measurements) > 1:
        lines += ["", *_overview_lines(record)]
    lines += [f"not measured: {words}" for words in record.left_out]
    if not record.is_complete:
        lines.append("INCOMPLETE: not every subject was measured to its end")
    return lines


def _settings_line(settings: RunSettings) -> str:
    parts = [
        settings.scenario,
        f"at least {settings.min_duration_s:g} s and {settings.min_queries} queries",
        f"seed {settings.seed}",
    ]
    if settings.scenario == "multi-stream":
        parts.insert(1, f"{settings.samples_per_query} inputs a query")
    if settings.latency_bound_ns is not None:
        parts.insert(1, f"bound {settings.latency_bound_ns / _NS_PER_MS:g} ms")
    return f"scenario: {' · '.join(parts)}"


def _measurement_lines(measurement: Measurement, settings: RunSettings) -> Iterator[str]:
    yield from _subject_lines(measurement)
    yield from _cold_lines(measurement.cold_starts)
    if measurement.load_ns is not None and measurement.first_answer_ns is not None:
        yield (
            f"in the measuring process: load {_ms(measurement.load_ns)} ms, "
            f"first answer {_ms(measurement.first_answer_ns)} ms"
        )
    timed = measurement.phases.get("timed")
    if timed is not None:
        yield from _thinned_lines(measurement)
        yield from _warm_lines(measurement, timed)
        yield from _scenario_lines(timed, settings)
        yield from _sustained_lines(measurement, settings)
    if measurement.memory is not None:
        yield _memory_line(measurement.memory)
    if measurement.own_cost is not None:
        yield _own_cost_line(measurement.own_cost, measurement.sensors)
    if timed is not None:
        yield _energy_line(measurement)
    if measurement.truth is not None:
        yield from _truth_lines(measurement.truth)
    yield from _verdict_lines(measurement)


def _subject_lines(measurement: Measurement) -> Iterator[str]:
    subject = measurement.subject
    version = f" {subject.version}" if subject.version else ""
    package = f", package {subject.package_bytes / _MIB:.2f} MiB"
    yield (
        f"model: {subject.name}{version} · {subject.artifact} "
        f"({subject.artifact_bytes / _MIB:.2f} MiB{package}) · {_label(subject)} · "
        f"{subject.digest[:12]}"
    )
    kinds = {
        "golden": "golden inputs",
        "given": "inputs of the user's",
        "random": "RANDOM inputs, which mean nothing: the engine alone",
    }
    yield f"inputs: {len(measurement.inputs.identities)} {kinds[measurement.inputs.kind]}"


def _label(subject: Subject) -> str:
    engine = f"{subject.engine} {subject.engine_version}".rstrip()
    return f"{subject.precision} · {engine} · {subject.threads} thread" + (
        "s" if subject.threads > 1 else ""
    )


def _cold_lines(starts: Sequence[ColdStart]) -> Iterator[str]:
    if not starts:
        return
    cells = [
        f"{stage.removesuffix('_ns').replace('_', ' ')} {_ms_range(starts, stage)}"
        for stage in _COLD_STAGES
    ]
    peak = max(start.peak_memory_bytes for start in starts)
    yield f"cold start ({len(starts)} fresh processes, files cached; ms, median [least, most]):"
    yield "  " + " · ".join(cells)
    yield f"  peak memory until the first answer {peak / _MIB:.1f} MiB"


def _ms_range(starts: Sequence[ColdStart], stage: str) -> str:
    times = [getattr(start, stage) for start in starts]
    return f"{_ms(statistics.median(times))} [{_ms(min(times))}, {_ms(max(times))}]"


def _warm_lines(measurement: Measurement, timed: AnswerSamples) -> Iterator[str]:
    warm_up = measurement.phases.get("warm_up")
    kept = f", of which {timed.count} were kept," if timed.kept_every > 1 else ""
    yield (
        f"warm ({timed.taken} answers{kept} after {warm_up.taken if warm_up else 0} warm-up "
        "answers; ms, [95 % interval]):"
    )
    yield from _table(summarise_stages(timed))


def _thinned_lines(measurement: Measurement) -> Iterator[str]:
    thinned = {
        name: each.kept_every for name, each in measurement.phases.items() if each.kept_every > 1
    }
    if thinned:
        phases = ", ".join(f"{name} one query of {every}" for name, every in thinned.items())
        yield f"kept so that the record stays small, evenly over time: {phases}"


def _table(summaries: Sequence[SeriesSummary]) -> Iterator[str]:
    carried = [
        quantile
        for quantile in QUANTILES
        if any(each.percentile(quantile) is not None for each in summaries)
    ]
    heads = "".join(f"{f'p{100 * each:g}':>{_PERCENTILE_WIDTH}}" for each in carried)
    yield f"  {'stage':<12}{'least':>8}{heads}{'most':>9}"
    for summary in summaries:
        cells = "".join(_cell(summary, quantile) for quantile in carried)
        yield f"  {summary.name:<12}{_ms(summary.least_ns):>8}{cells}{_ms(summary.most_ns):>9}"


def _cell(summary: SeriesSummary, quantile: float) -> str:
    found = summary.percentile(quantile)
    if found is None:
        return " " * _PERCENTILE_WIDTH
    text = f"{_ms(found.value)} [{_ms(found.low)}, {_ms(found.high)}]"
    return f"{text:>{_PERCENTILE_WIDTH}}"


def _scenario_lines(timed: AnswerSamples, settings: RunSettings) -> Iterator[str]:
    if settings.scenario in ("multi-stream", "server"):
        yield "whole queries, from their arrival (ms):"
        yield from _table([summarise_queries(timed)])
    if settings.latency_bound_ns is not None:
        share = share_over_bound(timed.query_latencies_ns(), settings.latency_bound_ns)
        yield (
            f"server: {arrivals_per_second(timed):.3g} queries a second arrived, {share:.2%} took "
            f"longer than {settings.latency_bound_ns / _NS_PER_MS:g} ms (1 % may)"
        )
    yield f"throughput: {answers_per_second(timed):.4g} answers a second, one at a time"


def _sustained_lines(measurement: Measurement, settings: RunSettings) -> Iterator[str]:
    sustained = sustained_latency(measurement)
    if sustained is None:
        return
    median = sustained.summary.percentile(0.5)
    if median is not None:
        yield (
            f"sustained (after {sustained.after_s:.0f} s of load): p50 {_ms(median.value)} "
            f"[{_ms(median.low)}, {_ms(median.high)}] ms"
            + (f", {sustained.ratio:.3f} of warm" if settings.scenario != "server" else "")
        )


def _memory_line(memory: MemoryUse) -> str:
    return (
        f"memory (MiB): before loading {memory.start_bytes / _MIB:.1f} · after the first answer "
        f"{memory.loaded_bytes / _MIB:.1f} · steady {memory.steady_bytes / _MIB:.1f} · "
        f"peak {memory.peak_bytes / _MIB:.1f}"
    )


def _own_cost_line(cost: OwnCost, sensors: SensorLog) -> str:
    pipeline = (
        ""
        if cost.pipeline_floor_ns is None
        else f" · pipeline around an engine that does nothing {_ms(cost.pipeline_floor_ns)} ms"
    )
    return (
        f"own cost: clock {cost.timer_overhead_ns:.0f} ns a reading, resolution "
        f"{cost.timer_resolution_ns} ns · timing nothing {cost.loop_floor_ns:.0f} ns · between "
        f"two answers {cost.bookkeeping_ns / 1000:.2g} us{pipeline}{_sensors_cost(sensors)}"
    )


def _sensors_cost(sensors: SensorLog) -> str:
    """Of the process that watches, which takes it from nobody unless all processors work."""
    if not sensors.times.count:
        return ""
    each_ns = sensors.cost_ns / sensors.times.count
    return (
        f" · reading the sensors {_ms(each_ns)} ms each {sensors.period_ms / 1000:g} s, in another "
        "process"
    )


def _energy_line(measurement: Measurement) -> str:
    energy = measurement.energy
    if energy.joules_per_answer is None:
        return f"energy: not measured: {energy.reason}"
    return (
        f"energy: {energy.joules_per_answer * 1000:.3g} mJ an answer, idle power included "
        f"(rail {energy.rail})"
    )


def _truth_lines(truth: TruthCheck) -> Iterator[str]:
    if truth.golden_inputs:
        farthest = max(truth.steps_before, truth.steps_after)
        yield (
            f"answers: {truth.golden_inputs} golden inputs replayed, at most {farthest:g} of "
            f"{truth.tolerance_steps} allowed output steps from the lab's; "
            f"{_checked(truth)}"
        )
    else:
        yield f"answers: {_checked(truth)}"
    if truth.repeated is not None:
        ratio = truth.repeated.repeated_ns / truth.repeated.varied_ns
        yield f"one input repeated takes {ratio:.3f} of its time among others"


def _checked(truth: TruthCheck) -> str:
    sustained = f" and {truth.checked_sustained} sustained" if truth.checked_sustained else ""
    return f"{truth.checked_answers} timed{sustained} answers checked, {truth.wrong_answers} wrong"


def _verdict_lines(measurement: Measurement) -> Iterator[str]:
    verdict = measurement.verdict
    yield from (f"note: {note}" for note in verdict.notes)
    yield "VALID" if verdict.is_valid else "INVALID, do not quote: " + "; ".join(verdict.reasons)


def _overview_lines(record: BenchmarkRecord) -> Iterator[str]:
    scenario = record.settings.scenario
    yield f"overview (ms a {'query' if scenario in ('multi-stream', 'server') else 'call'}):"
    for measurement in record.measurements:
        timed = measurement.phases.get("timed")
        median = (
            "-"
            if timed is None
            else _ms(float(np.median(quoted_series(timed, scenario).latencies)))
        )
        word = "VALID" if measurement.verdict.is_valid else "INVALID"
        name = f"{measurement.subject.name} · {_label(measurement.subject)}"
        yield f"  {name:<60} p50 {median:>8}  {word}"


def _ms(nanoseconds: float) -> str:
    milliseconds = nanoseconds / _NS_PER_MS
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}"  # noqa: PLR2004
