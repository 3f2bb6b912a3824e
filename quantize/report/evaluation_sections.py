"""Sections on what quantization does to answers."""

from __future__ import annotations

from quantize.evaluation.evaluation import Evaluation, Figure, Flips, ModelFigures
from quantize.report.number_text import (
    decibels,
    examples_text,
    figure_text,
    interval_text,
    number,
    p_value_text,
    percent,
    signed,
)
from quantize.report.plots.rows import Interval, interval_chart
from quantize.report.plots.svg import Caption
from quantize.report.plots.unit_square import Curve, unit_square
from quantize.report.series import PageContext, legend
from quantize.report.tables import details, paragraph, table

__all__ = ["answers_section", "calibration_section", "flips_section", "roc_section"]

_MOST_FLIPPED = 200


def answers_section(evaluation: Evaluation, page: PageContext) -> str:
    """AUROC, accuracy, sensitivity and regression figures, four ways."""
    del page
    unit = "example" if evaluation.groups == evaluation.examples else "group"
    said = (
        f"{examples_text(evaluation, 'examples')}; brackets hold 95 % intervals, resampled by "
        f"{unit}."
    )
    if evaluation.operating_point is not None:
        point = evaluation.operating_point
        said += (
            f" Temperature and thresholds were refitted on {point.examples} other examples: "
            f"temperature {number(point.temperature)}."
        )
    parts = [paragraph(said, "soft")]
    header = ("model", "mean AUROC", "change", "accuracy", "SNR", "cosine", "same decision")
    changes = {each.model: each for each in evaluation.comparisons}
    rows = []
    for each in evaluation.models:
        change = changes.get(each.model)
        rows.append(
            (
                each.model,
                _shown(each.macro_auroc),
                _change(change.macro_auroc_difference) if change else "reference",
                _shown(each.accuracy),
                decibels(change.agreement.snr_db) if change else "",
                number(change.agreement.cosine, 5) if change else "",
                percent(change.agreement.agreement, 2) if change else "",
            )
        )
    parts.append(table("Each model on the same examples", header, rows))
    parts += [_by_label(evaluation), _sensitivities(evaluation), _regression(evaluation)]
    return "".join(parts)


def _shown(figure: Figure | None) -> str:
    return "" if figure is None else figure_text(figure)


def _change(figure: Figure | None) -> str:
    if figure is None:
        return ""
    low, high = figure.low, figure.high
    bounds = "" if low is None or high is None else f" ({signed(low)} to {signed(high)})"
    return signed(figure.value) + bounds


def _by_label(evaluation: Evaluation) -> str:
    labels = [label for label in evaluation.labels if label in evaluation.models[0].auroc]
    if not labels:
        return ""
    counts = evaluation.class_counts
    rows = [
        (
            label,
            str(counts.get(label, 0)),
            *(_shown(each.auroc.get(label)) for each in evaluation.models),
        )
        for label in labels
    ]
    header = ("label", "cases", *(each.model for each in evaluation.models))
    return table("AUROC by label", header, rows)


def _sensitivities(evaluation: Evaluation) -> str:
    first = evaluation.models[0].sensitivity
    if not first:
        return ""
    found = {
        each.model: {(one.label, one.specificity): one.figure for one in each.sensitivity}
        for each in evaluation.models
    }
    rows = [
        (
            f"{one.label} at {percent(one.specificity, 0)}",
            *(
                _shown(found[each.model].get((one.label, one.specificity)))
                for each in evaluation.models
            ),
        )
        for one in first
    ]
    header = ("label at specificity", *(each.model for each in evaluation.models))
    return details(
        "Sensitivity at fixed specificity", table("Sensitivity at fixed specificity", header, rows)
    )


def _regression(evaluation: Evaluation) -> str:
    rows = []
    for each in evaluation.models:
        for value, figures in each.regression.items():
            error = each.mean_absolute_error.get(value)
            rows.append(
                (
                    f"{each.model}: {value}",
                    _shown(error) or number(figures.mean_absolute_error),
                    number(figures.root_mean_square_error),
                    number(figures.r_squared),
                    signed(figures.bias, 3),
                    f"{signed(figures.limits[0], 3)} to {signed(figures.limits[1], 3)}",
                )
            )
    if not rows:
        return ""
    header = ("value", "mean absolute error", "RMSE", "R²", "bias", "limits of agreement")
    return table("Predicted against measured", header, rows)


def roc_section(evaluation: Evaluation, page: PageContext) -> str:
    """ROC curves of every model over each other, and the changes of AUROC with intervals."""
    labels = [label for label in evaluation.labels if label in evaluation.models[0].curves]
    if not labels:
        return ""
    squares = "".join(_roc_square(evaluation, label, page) for label in labels)
    return (
        legend(page, [each.model for each in evaluation.models])
        + f'<div class="plots">{squares}</div>'
        + _changes(evaluation, page)
    )


def _roc_square(evaluation: Evaluation, label: str, page: PageContext) -> str:
    curves = []
    said = []
    for each in evaluation.models:
        curve = each.curves.get(label)
        if curve is None:
            continue
        points = tuple(zip(curve.false_positive, curve.sensitivity, strict=True))
        curves.append(Curve(each.model, points, page.kinds[each.model]))
        if label in each.auroc:
            said.append(f"{each.model}: AUROC {figure_text(each.auroc[label])}")
    caption = Caption(label, f"ROC curves of {label}. " + "; ".join(said) + ".")
    return unit_square(page.ids, caption, ("false positives", "sensitivity"), curves)


def _changes(evaluation: Evaluation, page: PageContext) -> str:
    rows = [
        Interval(
            f"{label} · {each.model}" if len(evaluation.comparisons) > 1 else label,
            figure.value,
            figure.low,
            figure.high,
            signed(figure.value),
            page.kinds[each.model],
        )
        for label in evaluation.labels
        for each in evaluation.comparisons
        if (figure := each.auroc_difference.get(label)) is not None
        and figure.low is not None
        and figure.high is not None
    ]
    if not rows:
        return ""
    caption = Caption(
        "Change of AUROC from the float model, with 95 % intervals",
        "; ".join(f"{each.name}: {each.text}" for each in rows),
    )
    numbers = table(
        "Change of AUROC from the float model",
        ("label", *(each.model for each in evaluation.comparisons)),
        [
            (label, *(_change(each.auroc_difference.get(label)) for each in evaluation.comparisons))
            for label in evaluation.labels
            if label in evaluation.comparisons[0].auroc_difference
        ],
    )
    return (
        paragraph("Change of AUROC from the float model, paired, with 95 % intervals:", "soft")
        + interval_chart(page.ids, caption, rows)
        + details("The changes as a table", numbers)
    )


def flips_section(evaluation: Evaluation, page: PageContext) -> str:
    """Decisions that changed, both directions, and which."""
    del page
    rows = [
        _flip_row(each.model + suffix, one)
        for suffix, kind in (("", "flips"), (" (refitted)", "refitted_flips"))
        for each in evaluation.comparisons
        for one in _worth_a_row(getattr(each, kind))
    ]
    if not rows:
        return ""
    header = (
        "model",
        "label",
        "changed",
        "of",
        "share",
        "right → wrong",
        "wrong → right",
        "no → yes",
        "yes → no",
        "McNemar p",
    )
    parts = [
        paragraph(
            "Decisions that differ from the float model's at its operating point. A small p says "
            "that the changes go one way more often than chance would have it. Labels without any "
            "change are left out.",
            "soft",
        ),
        table("Decision flips", header, rows),
    ]
    for each in evaluation.comparisons:
        if not each.flipped:
            continue
        listed = [
            (
                one.name or f"example {one.index}",
                one.label or "–",  # noqa: RUF001 - what tables use for nothing
                one.truth,
                one.before,
                one.after,
            )
            for one in each.flipped[:_MOST_FLIPPED]
        ]
        rest = len(each.flipped) - len(listed)
        more = f" (the first {_MOST_FLIPPED} of {len(each.flipped)})" if rest > 0 else ""
        parts.append(
            details(
                f"Which flipped: {each.model}{more}",
                table(
                    f"{each.reference} → {each.model}",
                    ("example", "label", "truth", "before", "after"),
                    listed,
                ),
            )
        )
    return "".join(parts)


def _worth_a_row(flips: tuple[Flips, ...]) -> tuple[Flips, ...]:
    """Labels with a change; the first where nothing changed at all."""
    return tuple(each for each in flips if each.changed) or flips[:1]


def _flip_row(model: str, flips: Flips) -> tuple[str, ...]:
    is_class = flips.label == ""
    return (
        model,
        flips.label or "all",
        str(flips.changed),
        str(flips.examples),
        f"{percent(flips.share.value, 2)} ({interval_text(_in_percent(flips.share), 2)})",
        str(flips.lost),
        str(flips.won),
        "" if is_class else str(flips.switched_on),
        "" if is_class else str(flips.switched_off),
        p_value_text(flips.p_value),
    )


def _in_percent(figure: Figure) -> Figure:
    low, high = figure.low, figure.high
    return Figure(
        100 * figure.value,
        None if low is None else 100 * low,
        None if high is None else 100 * high,
    )


def calibration_section(evaluation: Evaluation, page: PageContext) -> str:
    """Reliability diagrams and calibration figures."""
    judged = [each for each in evaluation.models if each.calibration is not None]
    if not judged:
        return ""
    squares = "".join(_reliability_square(each, page) for each in judged if each.reliability)
    rows = [row for each in judged for row in _calibration_rows(each)]
    header = ("model", "ECE", "adaptive ECE", "Brier", "log loss")
    bins = [
        (
            f"{each.model} {one.low:.2f} to {one.high:.2f}",
            number(one.confidence),
            number(one.share),
            str(one.examples),
        )
        for each in judged
        for one in each.reliability
    ]
    return (
        paragraph(
            "On the dashed line, answers given with 80 % confidence are right 8 times in 10. "
            "Quantized models are drawn at the refitted temperature where there is one.",
            "soft",
        )
        + f'<div class="plots">{squares}</div>'
        + table("Calibration; lower is better", header, rows)
        + details(
            "The diagrams as a table",
            table("Reliability", ("bin", "confidence", "came true", "examples"), bins),
        )
    )


def _reliability_square(figures: ModelFigures, page: PageContext) -> str:
    points = tuple((each.confidence, each.share) for each in figures.reliability)
    caption = Caption(
        figures.model,
        f"Reliability of {figures.model} over {len(points)} bins of confidence.",
    )
    curve = Curve(figures.model, points, page.kinds[figures.model], has_marks=True)
    return unit_square(page.ids, caption, ("confidence", "came true"), [curve])


def _calibration_rows(figures: ModelFigures) -> list[tuple[str, ...]]:
    found = [(figures.model, figures.calibration)]
    if figures.refitted_calibration is not None:
        found.append((f"{figures.model}, refitted", figures.refitted_calibration))
    return [
        (
            name,
            number(each.expected, 4),
            number(each.adaptive, 4),
            number(each.brier, 4),
            number(each.log_loss, 4),
        )
        for name, each in found
        if each is not None
    ]
