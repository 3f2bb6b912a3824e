"""A report as the lines that a person reads at the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from edge.bundle.manifest import Parity
from quantize.evaluation.evaluation import Comparison, Evaluation, Flips
from quantize.report.layer_sections import worst_layers
from quantize.report.model import QuantizationReport
from quantize.report.number_text import (
    decibels,
    examples_text,
    figure_text,
    gain_text,
    mebibytes,
    milliseconds,
    number,
    p_value_text,
    percent,
    signed,
)

__all__ = ["summary_lines"]

_NAME_WIDTH = 14
_MOST_LAYERS = 3
_MOST_LABELS = 20
_NOT_INSIDE = "not in the bundle"
_UNSHIPPABLE = {"refused", "overruled"}


def summary_lines(report: QuantizationReport) -> list[str]:
    """What a person wants to know, a fact a line, the worst news first."""
    lines = [_line(each.kind, each.text) for each in report.findings if each.kind in _UNSHIPPABLE]
    lines += _files(report)
    if report.evaluation is not None:
        lines += _evaluation(report.evaluation)
    lines += _ladder(report)
    lines += _layers(report)
    lines += _speed(report)
    lines += [
        _line(each.kind, each.text) for each in report.findings if each.kind not in _UNSHIPPABLE
    ]
    if report.evaluation is not None:
        lines += [_line("warning", text) for text in report.evaluation.findings]
    return lines


def _line(name: str, text: str) -> str:
    return f"{name:<{_NAME_WIDTH}}{text}".rstrip()


def _named(name: str, texts: Iterator[str]) -> list[str]:
    """The name before the first line only."""
    return [_line(name if at == 0 else "", text) for at, text in enumerate(texts)]


def _files(report: QuantizationReport) -> list[str]:
    names = [each.name for each in report.files] + [each.artifact for each in report.parity]
    width = max(map(len, names), default=0)
    parity = {each.artifact: each for each in report.parity}
    first = report.files[0].size_bytes if report.files else 0

    def texts() -> Iterator[str]:
        for at, each in enumerate(report.files):
            text = f"{each.name:<{width}}{mebibytes(each.size_bytes):>12}"
            if at and first:
                text += f"{percent(each.size_bytes / first, 0):>7}"
            yield text + _closeness(parity.pop(each.name, None))
        for name, known in parity.items():
            yield f"{name:<{width}}{_NOT_INSIDE:>19}{_closeness(known)}"

    return _named("files", texts())


def _closeness(parity: Parity | None) -> str:
    """How near a file's answers are to the float model's."""
    if parity is None:
        return ""
    text = f"   SNR {decibels(parity.snr_db):>8}"
    if parity.cosine is not None:
        text += f"   cosine {number(parity.cosine, 5):>7}"
    return f"{text}   same decision {percent(parity.agreement, 1):>7}"


def _evaluation(evaluation: Evaluation) -> list[str]:
    said = examples_text(evaluation, "labelled examples")
    point = evaluation.operating_point
    if point is not None:
        said += f"; refitted on {point.examples} others, temperature {number(point.temperature)}"
    lines = [_line("tested on", said)]
    lines += _named("AUROC, mean", _per_model(evaluation, "macro"))
    lines += _named("accuracy", _per_model(evaluation, "accuracy"))
    lines += _named("worst label", _worst_labels(evaluation))
    lines += _named("flips", _flips(evaluation))
    lines += _named("calibration", _calibration(evaluation))
    lines += _named("mean error", _errors(evaluation))
    return lines


def _per_model(evaluation: Evaluation, what: str) -> Iterator[str]:
    width = _width(evaluation)
    changes = {each.model: each.macro_auroc_difference for each in evaluation.comparisons}
    for each in evaluation.models:
        figure = each.macro_auroc if what == "macro" else each.accuracy
        if figure is None:
            continue
        text = f"{each.model:<{width}}  {figure_text(figure)}"
        change = changes.get(each.model)
        if what == "macro" and change is not None:
            text += f"   change {signed(change.value)}"
            if change.low is not None:
                text += f" ({signed(change.low)} to {signed(change.high or 0.0)})"
        yield text


def _worst_labels(evaluation: Evaluation) -> Iterator[str]:
    """The label whose AUROC falls most, where there are several."""
    for each in evaluation.comparisons:
        if len(each.auroc_difference) < 2:  # noqa: PLR2004 - with one label it is the mean
            continue
        label, figure = min(each.auroc_difference.items(), key=lambda item: item[1].value)
        yield f"{each.model:<{_width(evaluation)}}  {label} {signed(figure.value)}"


def _flips(evaluation: Evaluation) -> Iterator[str]:
    width = _width(evaluation)
    for each in evaluation.comparisons:
        if not each.flips:
            continue
        yield f"{each.model:<{width}}  {_flips_text(each)}"


def _flips_text(comparison: Comparison) -> str:
    flips = comparison.flips
    changed, total = sum(each.changed for each in flips), sum(each.examples for each in flips)
    text = (
        f"{changed} of {total} decisions ({percent(changed / max(total, 1), 2)}): "
        f"{sum(each.lost for each in flips)} right to wrong, "
        f"{sum(each.won for each in flips)} wrong to right"
    )
    surest: Flips = min(flips, key=lambda each: each.p_value)
    label = f" for {surest.label}" if surest.label and len(flips) > 1 else ""
    return f"{text}, McNemar p {p_value_text(surest.p_value)}{label}"


def _calibration(evaluation: Evaluation) -> Iterator[str]:
    width = _width(evaluation)
    for each in evaluation.models:
        if each.calibration is None:
            continue
        text = f"{each.model:<{width}}  expected error {number(each.calibration.expected)}"
        if each.refitted_calibration is not None:
            text += f", refitted {number(each.refitted_calibration.expected)}"
        yield text


def _errors(evaluation: Evaluation) -> Iterator[str]:
    width = _width(evaluation)
    for each in evaluation.models:
        for value, figure in list(each.mean_absolute_error.items())[:_MOST_LABELS]:
            yield f"{each.model:<{width}}  {value} {figure_text(figure)}"


def _width(evaluation: Evaluation) -> int:
    return max(len(each.model) for each in evaluation.models)


def _ladder(report: QuantizationReport) -> list[str]:
    width = max((len(each.rung) for each in report.ladder), default=0)
    return _named(
        "repair",
        (
            f"{each.rung:<{width}}  {report.ladder_metric} {number(each.before)} to "
            f"{number(each.after)}, {'kept' if each.kept else 'undone'}, {each.seconds:.1f} s"
            for each in report.ladder
        ),
    )


def _layers(report: QuantizationReport) -> list[str]:
    worst = worst_layers(report.layers)[:_MOST_LAYERS]
    return _named(
        "worst layers",
        (
            f"{each.name} ({each.op}) {decibels(each.snr_db)}"
            + (f": {each.cause}" if each.cause else "")
            for each in worst
        ),
    )


def _speed(report: QuantizationReport) -> list[str]:
    width = max((len(each.model) for each in report.speed), default=0)
    lines = _named(
        "speed here",
        (
            f"{each.model:<{width}}  {each.engine:<11} {milliseconds(each.median_ms):>9}"
            f"   {milliseconds(each.low_ms)} to {milliseconds(each.high_ms)} over {each.runs} runs"
            for each in report.speed
        ),
    )
    lines += _named(
        "int8 speed", (f"{each.engine:<11} {gain_text(each)}" for each in report.speed_gains)
    )
    if lines:
        lines.append(_line("", "on this machine, shared with other work; says nothing of a board"))
    return lines
