"""The kiosk's figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edge.kiosk.messages import Health
from edge.kiosk.view import KioskCounts, KioskView
from edge.metrics_text import MetricFamily, MetricSample, metrics_text

__all__ = ["kiosk_metrics"]

_STATUSES = ("ok", "degraded", "down")


def kiosk_metrics(kiosk: KioskView, answered: Mapping[int, int]) -> str:
    """Everything that is counted, as Prometheus text.

    Args:
        kiosk: the kiosk.
        answered: HTTP answers by status.
    """
    health = kiosk.health()
    return metrics_text(
        (
            *_state(health),
            *_totals(kiosk.counts()),
            _age(kiosk.latest().age_ms),
            MetricFamily(
                "edgedx_kiosk_http_requests_total",
                "counter",
                "HTTP requests answered, by status.",
                tuple(
                    MetricSample(number, {"status": str(status)})
                    for status, number in sorted(answered.items())
                ),
            ),
        )
    )


def _state(health: Health) -> Iterator[MetricFamily]:
    model = health.model
    info = {"version": health.service.version}
    if model is not None:
        info |= {"model": model.name, "model_version": model.version, "digest": model.digest}
    yield MetricFamily(
        "edgedx_kiosk_info", "gauge", "What runs; always 1.", (MetricSample(1, info),)
    )
    yield MetricFamily(
        "edgedx_kiosk_status",
        "gauge",
        "1 for the status that the kiosk has, else 0.",
        tuple(MetricSample(int(each == health.status), {"status": each}) for each in _STATUSES),
    )
    gauges = (
        ("source_open", "1 where the source gives frames.", health.source.state == "open"),
        ("worker_ready", "1 where the worker can answer.", health.worker.state == "ready"),
        ("journal_ok", "1 where the journal can be written.", health.journal.state == "ok"),
        ("journal_bytes", "Size of the journal.", health.journal.bytes),
        (
            "uptime_seconds",
            "Since the service started, by the monotonic clock.",
            health.service.uptime_ms / 1e3,
        ),
        (
            "worker_uptime_seconds",
            "Since the worker started.",
            health.worker.uptime_ms / 1e3,
        ),
    )
    for name, words, value in gauges:
        # Not a bool: Prometheus reads numbers.
        sample = MetricSample(value + 0)
        yield MetricFamily(f"edgedx_kiosk_{name}", "gauge", words, (sample,))


def _totals(counts: KioskCounts) -> Iterator[MetricFamily]:
    totals = (
        ("frames_captured", "Frames that the source gave.", counts.captured),
        ("frames_dropped", "Frames replaced by a newer one before any was taken.", counts.dropped),
        ("answers", "Answers with a result.", counts.answered),
        ("uploads", "Pictures sent in.", counts.uploads),
        ("source_reconnects", "Times that a lost source came back.", counts.reconnects),
        ("worker_restarts", "Times that the worker was replaced.", counts.worker_restarts),
        ("journal_entries", "Journal entries written.", counts.journal_entries),
        ("journal_failures", "Entries that could not be written.", counts.journal_failures),
        ("infer_seconds", "Seconds spent in inference.", counts.infer_seconds_sum),
        (
            "capture_to_answer_seconds",
            "Seconds from capture to answer, over all answers of the source.",
            counts.capture_to_answer_seconds_sum,
        ),
    )
    for name, words, value in totals:
        sample = MetricSample(value)
        yield MetricFamily(f"edgedx_kiosk_{name}_total", "counter", words, (sample,))
    yield MetricFamily(
        "edgedx_kiosk_refused_total",
        "counter",
        "Frames and uploads that got no result, by gate.",
        tuple(MetricSample(number, {"gate": gate}) for gate, number in counts.refused),
    )


def _age(age_ms: int | None) -> MetricFamily:
    samples = () if age_ms is None else (MetricSample(age_ms / 1e3),)
    return MetricFamily(
        "edgedx_kiosk_answer_age_seconds",
        "gauge",
        "Since the capture of the frame whose answer is shown; absent without one.",
        samples,
    )
