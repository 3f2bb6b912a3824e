"""The page: machine and settings, an overview, then each subject with its plots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.page.plots import plot_distribution, plot_series, plot_stages
from benchmarks.page.style import STYLE
from benchmarks.records.measurement import Measurement, Subject
from benchmarks.records.record import BenchmarkRecord
from benchmarks.summary import answers_per_second, summarise_queries, sustained_latency
from edge.latency_summary import Percentile

__all__ = ["render_page"]

_QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)
_MIB = 2**20


def render_page(record: BenchmarkRecord, *, title: str) -> str:
    """One HTML page without scripts and without anything from elsewhere.

    Args:
        record: of a run or a soak.
        title: such as the file's name.
    """
    parts = [*_head(record, title), *_overview(record)]
    for measurement in record.measurements:
        parts += _measurement(measurement)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f"{''.join(parts)}</main></body></html>\n"
    )


def _head(record: BenchmarkRecord, title: str) -> Iterator[str]:
    machine, settings = record.machine, record.settings
    yield f"<h1>{escape(title)}</h1>"
    yield _paragraph(
        f"{machine.board}, {machine.processor or machine.architecture}, {machine.processors} "
        f"processors, {machine.memory_mib} MiB, {machine.kernel}, Python {machine.python}, edgedx "
        f"{record.edgedx}"
    )
    yield _paragraph(
        f"{settings.scenario}, at least {settings.min_duration_s:g} s and {settings.min_queries} "
        f"queries, seed {settings.seed}; "
        + ", ".join(f"{name} {version}" for name, version in machine.packages.items()),
        "soft",
    )
    if machine.is_emulated:
        yield _paragraph("This processor is emulated: no time on this page is a latency.", "bad")
    elif machine.is_virtual:
        yield _paragraph("This machine is virtual: others may share its processors unseen.", "soft")
    for words in record.left_out:
        yield _paragraph(f"Left out: {words}", "bad")
    if not record.is_complete:
        yield _paragraph("Incomplete: not every subject was measured to its end.", "bad")


def _overview(record: BenchmarkRecord) -> Iterator[str]:
    yield '<h2>Overview</h2><div class="scroll"><table><thead><tr>'
    heads = ("subject", "verdict", *(f"p{100 * each:g}, ms" for each in _QUANTILES))
    yield _cells((*heads, "answers/s", "peak MiB", "file MiB"), "th")
    yield "</tr></thead><tbody>"
    for each in record.measurements:
        yield f"<tr>{''.join(_overview_row(each))}</tr>"
    yield "</tbody></table></div>"
    yield _paragraph(
        "In brackets: 95 % intervals that hold whatever the distribution. A dash: the samples do "
        "not carry that percentile.",
        "soft",
    )


def _overview_row(measurement: Measurement) -> Iterator[str]:
    verdict = "VALID" if measurement.verdict.is_valid else "INVALID"
    yield _cells((_name(measurement.subject), verdict), "td")
    timed = measurement.phases.get("timed")
    has_samples = timed is not None and timed.count > 0
    summary = summarise_queries(timed) if timed is not None and has_samples else None
    for quantile in _QUANTILES:
        yield _number(_interval(summary.percentile(quantile) if summary else None))
    yield _number(f"{answers_per_second(timed):.1f}" if timed and has_samples else "-")
    memory = measurement.memory
    yield _number(f"{memory.peak_bytes / _MIB:.1f}" if memory else "-")
    yield _number(f"{measurement.subject.artifact_bytes / _MIB:.2f}")


def _measurement(measurement: Measurement) -> Iterator[str]:
    yield f"<h2>{escape(_name(measurement.subject))}</h2>"
    verdict = measurement.verdict
    if verdict.is_valid:
        yield '<p><b class="valid">VALID</b></p>'
    else:
        yield '<p><b class="bad">INVALID</b></p>' + _list(verdict.reasons)
    yield _list(verdict.notes)
    timed = measurement.phases.get("timed")
    if timed is None or not timed.count:
        yield _paragraph(f"Nothing was timed. {measurement.failure}", "bad")
        return
    if timed.kept_every > 1:
        yield _paragraph(
            f"One of {timed.kept_every} queries is in the record, evenly over time; percentiles "
            "and plots are of these.",
            "soft",
        )
    yield "<h3>How latencies spread</h3>" + plot_distribution(timed.query_latencies_ns())
    yield "<h3>Over time</h3>" + plot_series(measurement)
    sustained = sustained_latency(measurement)
    if sustained is not None:
        yield _paragraph(
            f"After {sustained.after_s:.0f} s of full load the median answer takes "
            f"{sustained.ratio:.3f} times that of the timed phase.",
        )
    yield "<h3>Where the time goes</h3>" + plot_stages(measurement)
    if measurement.energy.joules_per_answer is not None:
        yield _paragraph(
            f"{measurement.energy.joules_per_answer:.3g} J an answer ({measurement.energy.rail})"
        )
    else:
        yield _paragraph(f"Energy: {measurement.energy.reason}.", "soft")


def _name(subject: Subject) -> str:
    threads = f"{subject.threads} thread{'s' if subject.threads > 1 else ''}"
    return f"{subject.name} {subject.version} {subject.precision} {subject.engine}, {threads}"


def _interval(found: Percentile | None) -> str:
    if found is None:
        return "-"
    return f"{found.value / 1e6:.3f} [{found.low / 1e6:.3f}, {found.high / 1e6:.3f}]"


def _cells(words: Sequence[str], tag: str) -> str:
    return "".join(f"<{tag}>{escape(each)}</{tag}>" for each in words)


def _number(words: str) -> str:
    value, bracket, interval = escape(words).partition(" [")
    below = f'<br><span class="soft">[{interval}</span>' if bracket else ""
    return f'<td class="number">{value}{below}</td>'


def _paragraph(words: str, name: str = "") -> str:
    return f'<p class="{name}">{escape(words)}</p>'


def _list(words: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in words)}</ul>" if words else ""
