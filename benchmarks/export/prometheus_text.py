"""The figures of a record for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.records.measurement import Measurement
from benchmarks.records.record import BenchmarkRecord
from benchmarks.summary import answers_per_second, summarise_queries, summarise_stages
from edge.metrics_text import MetricFamily, MetricSample, metrics_text

__all__ = ["record_to_prometheus"]

_HELP = {
    "edgedx_bench_valid": "1 where nothing disturbed the measurement, else 0.",
    "edgedx_bench_latency_seconds": "Warm latency by stage and quantile.",
    "edgedx_bench_latency_low_seconds": "Lower end of the quantile's 95 % interval.",
    "edgedx_bench_latency_high_seconds": "Upper end of the quantile's 95 % interval.",
    "edgedx_bench_samples": "Answers of the timed phase.",
    "edgedx_bench_answers_per_second": "Throughput of the timed phase.",
    "edgedx_bench_cold_start_seconds": "From starting a process to its first answer, median.",
    "edgedx_bench_peak_memory_bytes": "Most resident memory of the measuring process.",
    "edgedx_bench_joules_per_answer": "Energy an answer, idle power included.",
}


@dataclass(frozen=True, slots=True)
class _Sample:
    name: str
    labels: Mapping[str, str]
    value: float


def record_to_prometheus(record: BenchmarkRecord) -> str:
    """One gauge a figure; a quantile that the samples do not carry is absent.

    Args:
        record: of a run or a soak.
    """
    samples = [
        sample for measurement in record.measurements for sample in _samples(record, measurement)
    ]
    return metrics_text(
        MetricFamily(
            name,
            "gauge",
            words,
            tuple(MetricSample(each.value, each.labels) for each in samples if each.name == name),
        )
        for name, words in _HELP.items()
    )


def _samples(record: BenchmarkRecord, measurement: Measurement) -> Iterator[_Sample]:
    subject = measurement.subject
    labels = {
        "model": subject.name,
        "version": subject.version,
        "engine": subject.engine,
        "precision": subject.precision,
        "threads": str(subject.threads),
        "board": record.machine.board,
        "scenario": record.settings.scenario,
    }
    yield _Sample("edgedx_bench_valid", labels, float(measurement.verdict.is_valid))
    timed = measurement.phases.get("timed")
    if timed is not None and timed.count:
        yield _Sample("edgedx_bench_samples", labels, float(timed.taken))
        yield _Sample("edgedx_bench_answers_per_second", labels, answers_per_second(timed))
        for summary in (summarise_queries(timed), *summarise_stages(timed)):
            for each in summary.percentiles:
                with_stage = {**labels, "stage": summary.name, "quantile": f"{each.quantile:g}"}
                for part, value in (("", each.value), ("_low", each.low), ("_high", each.high)):
                    name = f"edgedx_bench_latency{part}_seconds"
                    yield _Sample(name, with_stage, value / 1e9)
    totals = sorted(each.total_ns for each in measurement.cold_starts)
    if totals:
        median_s = totals[(len(totals) - 1) // 2] / 1e9
        yield _Sample("edgedx_bench_cold_start_seconds", labels, median_s)
    if measurement.memory is not None:
        peak = float(measurement.memory.peak_bytes)
        yield _Sample("edgedx_bench_peak_memory_bytes", labels, peak)
    joules = measurement.energy.joules_per_answer
    if joules is not None:
        yield _Sample("edgedx_bench_joules_per_answer", labels, joules)
