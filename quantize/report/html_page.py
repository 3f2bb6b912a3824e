"""A report as one page that needs nothing else: no network, no script."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from quantize.evaluation.evaluation import Evaluation
from quantize.report.evaluation_sections import (
    answers_section,
    calibration_section,
    flips_section,
    roc_section,
)
from quantize.report.file_sections import (
    ladder_section,
    origin_section,
    size_section,
    speed_section,
)
from quantize.report.layer_sections import layers_section, ranges_section
from quantize.report.model import Finding, QuantizationReport
from quantize.report.number_text import decibels, number, percent, signed
from quantize.report.series import PageContext, page_context
from quantize.report.style import STYLE

__all__ = ["render_html"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Whatever a name in the page holds, the browser fetches and runs nothing."""


def render_html(report: QuantizationReport) -> str:
    """The whole page; the same text for the same report."""
    page = page_context(report)
    sections = [(name, content) for name, content in _sections(report, page) if content]
    links = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name, _ in sections)
    body = "".join(
        f'<section id="{_anchor(name)}"><h2>{escape(name)}</h2>{content}</section>'
        for name, content in sections
    )
    title = f"{report.name} {report.version}".strip()
    task = f'<p class="soft">{escape(report.task)}</p>' if report.task else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}: quantization report</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{task}"
        f"{_tiles(report)}{_findings(report)}"
        f'<nav aria-label="Sections">{links}</nav>{body}'
        '<p class="soft">Research software; not a medical device.</p>'
        "</main></body></html>\n"
    )


def _sections(report: QuantizationReport, page: PageContext) -> list[tuple[str, str]]:
    evaluation = report.evaluation

    def judged(make: Callable[[Evaluation, PageContext], str]) -> str:
        return "" if evaluation is None else make(evaluation, page)

    return [
        ("Answers", judged(answers_section)),
        ("ROC curves", judged(roc_section)),
        ("Decision flips", judged(flips_section)),
        ("Calibration of confidence", judged(calibration_section)),
        ("Size and closeness", size_section(report, page)),
        ("Repair", ladder_section(report, page)),
        ("Layers", layers_section(report, page)),
        ("Ranges", ranges_section(report, page)),
        ("Speed on this machine", speed_section(report, page)),
        ("Origin", origin_section(report, page)),
    ]


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


def _tiles(report: QuantizationReport) -> str:
    tiles: list[tuple[str, str]] = []
    if len(report.files) > 1 and report.files[0].size_bytes:
        smallest = min(each.size_bytes for each in report.files[1:])
        tiles.append((percent(smallest / report.files[0].size_bytes, 0), "of the source's size"))
    if report.parity:
        worst = min(each.snr_db for each in report.parity)
        tiles.append((decibels(worst), "least SNR of the outputs"))
    if report.evaluation is not None:
        tiles += _evaluation_tiles(report.evaluation)
    if not tiles:
        return ""
    items = "".join(f"<li><b>{escape(value)}</b>{escape(name)}</li>" for value, name in tiles)
    return f'<ul class="tiles">{items}</ul>'


def _evaluation_tiles(evaluation: Evaluation) -> list[tuple[str, str]]:
    tiles = []
    changes = [
        each.macro_auroc_difference.value
        for each in evaluation.comparisons
        if each.macro_auroc_difference is not None
    ]
    if changes:
        tiles.append((signed(min(changes)), "change of mean AUROC, at worst"))
    shares = [one.share.value for each in evaluation.comparisons for one in each.flips]
    if shares:
        tiles.append((percent(max(shares), 2), "decisions flipped, at worst"))
    calibrations = [
        each.refitted_calibration.expected
        for each in evaluation.models
        if each.refitted_calibration is not None
    ]
    if calibrations:
        tiles.append((number(max(calibrations)), "calibration error, refitted"))
    return tiles


def _findings(report: QuantizationReport) -> str:
    findings = list(report.findings)
    if report.evaluation is not None:
        findings += [Finding("warning", text) for text in report.evaluation.findings]
    return "".join(
        f'<div class="finding {each.kind}" role="note">'
        f"<b>{each.kind}</b>: {escape(each.text)}</div>"
        for each in findings
    )
