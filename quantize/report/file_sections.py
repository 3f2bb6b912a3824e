"""Sections on files and on how they were made: size, speed, ladder, versions."""

from __future__ import annotations

from edge.bundle.manifest import Parity
from quantize.report.model import QuantizationReport
from quantize.report.number_text import (
    decibels,
    gain_text,
    mebibytes,
    milliseconds,
    number,
    percent,
)
from quantize.report.plots.rows import Bar, Interval, bar_chart, interval_chart
from quantize.report.plots.svg import Caption
from quantize.report.series import PageContext
from quantize.report.tables import paragraph, table

__all__ = ["ladder_section", "origin_section", "size_section", "speed_section"]

_SAME = "same decision"


def size_section(report: QuantizationReport, page: PageContext) -> str:
    """Bytes of every file, and how close each stays to the float model."""
    if not report.files:
        return ""
    bars = [
        Bar(
            each.name,
            each.size_bytes / (1 << 20),
            mebibytes(each.size_bytes),
            kind=page.kinds[each.name],
        )
        for each in report.files
    ]
    caption = Caption(
        "Size of the files in MiB", "; ".join(f"{each.name}: {each.text}" for each in bars)
    )
    first = report.files[0].size_bytes or 1
    parity = {each.artifact: each for each in report.parity}
    rows: list[tuple[str, ...]] = [
        (
            each.name,
            mebibytes(each.size_bytes),
            percent(each.size_bytes / first, 0),
            *_closeness(parity.pop(each.name, None)),
        )
        for each in report.files
    ]
    rows += [(f"{name} (not in the bundle)", "", "", *_closeness(parity[name])) for name in parity]
    header = ("file", "size", "of the source", "SNR", "cosine", "largest difference", _SAME)
    seen = f"against the float model on {report.calibration_examples} calibration examples"
    return bar_chart(page.ids, caption, bars) + table(f"Files, {seen}", header, rows)


def _closeness(known: Parity | None) -> tuple[str, str, str, str]:
    """Cells on how near a file's answers are to the float model's."""
    if known is None:
        return "", "", "", ""
    return (
        decibels(known.snr_db),
        "" if known.cosine is None else number(known.cosine, 5),
        f"{known.max_abs_difference:.4g}",
        percent(known.agreement, 2),
    )


def speed_section(report: QuantizationReport, page: PageContext) -> str:
    """Times on the machine that made the bundle, and nothing about boards."""
    if not report.speed:
        return ""
    rows = [
        Interval(
            f"{each.model} · {each.engine}",
            each.median_ms,
            each.low_ms,
            each.high_ms,
            milliseconds(each.median_ms),
            page.kinds[each.model],
        )
        for each in report.speed
    ]
    caption = Caption(
        "Milliseconds for one inference: median, and from the tenth to the ninetieth percentile",
        "; ".join(f"{each.name}: {each.text}" for each in rows),
    )
    header = ("file", "engine", "median", "10th percentile", "90th percentile", "runs")
    numbers = [
        (
            each.model,
            each.engine,
            milliseconds(each.median_ms),
            milliseconds(each.low_ms),
            milliseconds(each.high_ms),
            str(each.runs),
        )
        for each in report.speed
    ]
    machine = f" ({report.machine})" if report.machine else ""
    return (
        paragraph(
            f"On the machine that made the bundle{machine}, which other work may have shared, the "
            "files taking turns. It says nothing about a board: measure there with edge-bench.",
            "soft",
        )
        + "".join(
            paragraph(f"int8 on {each.engine}: {gain_text(each)}.") for each in report.speed_gains
        )
        + interval_chart(page.ids, caption, rows)
        + table("One inference", header, numbers)
    )


def ladder_section(report: QuantizationReport, page: PageContext) -> str:
    """What was tried to repair a loss."""
    del page
    if not report.ladder:
        return ""
    rows = [
        (
            each.rung,
            number(each.before, 4),
            number(each.after, 4),
            "kept" if each.kept else "undone",
            f"{each.seconds:.1f} s",
        )
        for each in report.ladder
    ]
    header = ("step", f"{report.ladder_metric} before", "after", "outcome", "time")
    return table("Repair steps, in order", header, rows)


def origin_section(report: QuantizationReport, page: PageContext) -> str:
    """Digests and versions."""
    del page
    parts = []
    digests = dict(report.digests)
    digests.update({each.name: each.sha256 for each in report.files if each.sha256})
    if digests:
        parts.append(table("SHA-256", ("of", "digest"), list(digests.items())))
    if report.versions:
        parts.append(table("Made with", ("tool", "version"), list(report.versions.items())))
    return "".join(parts)
