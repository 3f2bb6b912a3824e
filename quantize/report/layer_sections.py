"""Sections on what happens inside the model: layers and ranges."""

from __future__ import annotations

from collections import Counter

from quantize.evaluation.layer_loss import LayerLoss
from quantize.report.model import QuantizationReport, RangeEntry
from quantize.report.number_text import decibels, percent
from quantize.report.plots.rows import Bar, Span, bar_chart, range_chart
from quantize.report.plots.svg import Caption
from quantize.report.series import PageContext
from quantize.report.tables import details, paragraph, table

__all__ = ["layers_section", "ranges_section", "worst_layers"]

_MOST_ROWS = 30
_MOST_REASONS = 8


def layers_section(report: QuantizationReport, page: PageContext) -> str:
    """Signal-to-noise ratio after every layer, worst first."""
    if not report.layers:
        return ""
    worst = sorted(report.layers, key=lambda each: each.snr_db)
    shown = worst[:_MOST_ROWS]
    bars = [
        Bar(
            each.name,
            each.snr_db,
            decibels(each.snr_db),
            hint=f"{each.name} ({each.op}): {each.cause or 'loses little'}",
        )
        for each in shown
    ]
    caption = Caption(
        f"Signal-to-noise ratio of the {len(shown)} layers that lose most",
        f"The worst is {shown[0].name} with {decibels(shown[0].snr_db)}; "
        f"the best of all is {worst[-1].name} with {decibels(worst[-1].snr_db)}.",
    )
    rows = [
        (
            each.name,
            each.op,
            each.precision,
            decibels(each.snr_db),
            decibels(each.lone_snr_db),
            f"{each.effective_bits:.1f}",
            percent(each.clipped_share, 2),
            each.cause,
        )
        for each in worst
    ]
    header = ("layer", "operator", "precision", "SNR", "alone", "bits used", "clipped", "why")
    every = table("All quantized layers, worst first", header, rows)
    return (
        paragraph(
            "Each layer's output in the quantized model against the float model's, centred over "
            "the examples: what the layer and all before it lose. “Alone” quantizes this layer "
            "only.",
            "soft",
        )
        + bar_chart(page.ids, caption, bars)
        + details(f"All {len(rows)} layers as a table, with reasons", every)
        + table("Where it is lost, and why", ("layer", "SNR", "why"), _reasons(report))
    )


def _reasons(report: QuantizationReport) -> list[tuple[str, str, str]]:
    """The layers that lose most themselves: those before which nothing was lost yet."""
    chosen = worst_layers(report.layers)[:_MOST_REASONS]
    return [(each.name, decibels(each.snr_db), each.cause or "loses little") for each in chosen]


def worst_layers(layers: tuple[LayerLoss, ...]) -> list[LayerLoss]:
    """Layers that lose something themselves, worst first; all where none does."""
    own = [each for each in layers if not each.is_inherited]
    return sorted(own or layers, key=lambda each: each.snr_db)


def ranges_section(report: QuantizationReport, page: PageContext) -> str:
    """What was seen of each tensor, and the range its levels cover."""
    if not report.ranges:
        return ""
    narrow = sorted(report.ranges, key=_kept_share)
    spans = [
        Span(
            each.name,
            (each.observed_low, each.observed_high),
            (each.low, each.high),
            percent(_kept_share(each), 0),
        )
        for each in narrow[:_MOST_ROWS]
    ]
    caption = Caption(
        f"Ranges of the {len(spans)} tensors that are cut most",
        f"{spans[0].name} keeps {percent(_kept_share(narrow[0]), 0)} of what was seen, "
        "the most cut of all.",
    )
    methods = Counter(each.method for each in report.ranges)
    rows = [
        (
            each.name,
            f"{each.observed_low:.4g}",
            f"{each.observed_high:.4g}",
            f"{each.low:.4g}",
            f"{each.high:.4g}",
            percent(_kept_share(each), 0),
            each.method,
        )
        for each in narrow
    ]
    header = ("tensor", "seen from", "to", "covered from", "to", "kept", "method")
    return (
        paragraph(
            "The line is what calibration saw, the band what the 256 levels cover, the upright "
            "mark zero; each row has a scale of its own, and the number says how much of what was "
            "seen is covered.",
            "soft",
        )
        + range_chart(page.ids, caption, spans)
        + table(
            "How ranges were chosen",
            ("method", "tensors"),
            [(method, str(count)) for method, count in methods.most_common()],
        )
        + details(f"All {len(rows)} ranges as a table", table("Ranges", header, rows))
    )


def _kept_share(entry: RangeEntry) -> float:
    """Length of the covered part of what was seen, over what was seen."""
    low, high = min(entry.observed_low, 0.0), max(entry.observed_high, 0.0)
    if high <= low:
        return 1.0
    covered = min(high, entry.high) - max(low, entry.low)
    return min(1.0, max(0.0, covered / (high - low)))
