"""What `edge-quantize` reported of a model -> the figures that its bars are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.zoo.trained_models.task import Bar
from edge.errors import InputError

__all__ = ["FileFigures", "Interval", "ModelFigures", "read_figures", "verdict"]

_SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval; the ends are None where none was made."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class FileFigures:
    """One model file.

    Attributes:
        name: "source", or its name in the bundle.
        size_bytes: of the file; None for one that is not kept.
        snr_db: centred, of its outputs against the float model's, on the calibration examples.
        cosine: likewise, on the labelled examples.
        agreement: share of the calibration examples with the same decision.
        auroc: mean over the labels.
        auroc_change: from the float model's.
        flips: share of decisions that changed from the float model's.
        flipped: how many.
        decisions: of how many.
        median_ms: on the machine that made the bundle, one thread.
    """

    name: str
    size_bytes: int | None = None
    snr_db: float | None = None
    cosine: float | None = None
    agreement: float | None = None
    auroc: Interval | None = None
    auroc_change: Interval | None = None
    flips: float | None = None
    flipped: int | None = None
    decisions: int | None = None
    median_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """One model.

    Attributes:
        examples: labelled ones it was judged on; 0 without labels.
        files: the float model first.
        ladder: what repair did, one line a step.
        worst_layers: name and SNR in dB of the layers that lose most.
        findings: what the report tells its reader.
        source_sha256: of the float model.
        versions: of the tools.
    """

    examples: int
    files: tuple[FileFigures, ...]
    ladder: tuple[str, ...]
    worst_layers: tuple[str, ...]
    findings: tuple[str, ...]
    source_sha256: str
    versions: Mapping[str, str]


def read_figures(report: Mapping[str, Any]) -> ModelFigures:
    """Take the figures out of a report.

    Args:
        report: the content of `NAME.report.json`.

    Raises:
        InputError: it is no such report.
    """
    try:
        return _figures(report)
    except (KeyError, TypeError, IndexError) as error:
        raise InputError(f"not a report of edge-quantize: {error!r} is missing") from error


def verdict(figures: ModelFigures, bar: Bar) -> dict[str, bool]:
    """Whether each int8 file keeps each bar, by "FILE: BAR".

    The float TFLite and the source are not judged.
    """
    found: dict[str, bool] = {}
    for each in figures.files:
        if each.auroc_change is None or each.flips is None or "float32" in each.name:
            continue
        change = each.auroc_change.value
        found[f"{each.name}: AUROC within {bar.auroc_drop}"] = abs(change) <= bar.auroc_drop
        found[f"{each.name}: flips at most {bar.flips:.0%}"] = each.flips <= bar.flips
    return found


def _figures(report: Mapping[str, Any]) -> ModelFigures:
    evaluation = report["evaluation"]
    models = {} if evaluation is None else {each["model"]: each for each in evaluation["models"]}
    compared = {} if evaluation is None else {e["model"]: e for e in evaluation["comparisons"]}
    sizes = {each["name"]: each["size_bytes"] for each in report["files"]}
    parity = {each["artifact"]: each for each in report["parity"]}
    speed = {each["model"]: each["median_ms"] for each in report["speed"]}
    names = dict.fromkeys([*sizes, *models, *speed])
    layers = [each for each in report["layers"] if each["snr_db"] is not None]
    return ModelFigures(
        examples=0 if evaluation is None else evaluation["examples"],
        files=tuple(
            FileFigures(
                name=name,
                size_bytes=sizes.get(name),
                snr_db=parity.get(name, {}).get("snr_db"),
                agreement=parity.get(name, {}).get("agreement"),
                auroc=_interval(models.get(name, {}).get("macro_auroc")),
                median_ms=speed.get(name),
                **_compared(compared.get(name)),
            )
            for name in names
        ),
        ladder=tuple(_step(each, report["ladder_metric"]) for each in report["ladder"]),
        worst_layers=tuple(
            f"{each['name']} ({each['op']}) {each['snr_db']:.1f} dB"
            for each in sorted(layers, key=lambda each: float(each["lone_snr_db"] or 0))[:3]
        ),
        findings=tuple(each["text"] for each in report["findings"] if each["kind"] != "note"),
        source_sha256=report["digests"]["source model"],
        versions=report["versions"],
    )


def _compared(comparison: Mapping[str, Any] | None) -> dict[str, Any]:
    if comparison is None:
        return {}
    flips = comparison["flips"]
    changed, decisions = (sum(each[key] for each in flips) for key in ("changed", "examples"))
    return {
        "cosine": comparison["agreement"]["cosine"],
        "auroc_change": _interval(comparison["macro_auroc_difference"]),
        "flips": changed / decisions if decisions else None,
        "flipped": changed,
        "decisions": decisions,
    }


def _interval(figure: Mapping[str, Any] | None) -> Interval | None:
    if figure is None or figure["value"] is None:
        return None
    return Interval(figure["value"], figure["low"], figure["high"])


def _step(step: Mapping[str, Any], metric: str) -> str:
    kept = "kept" if step["kept"] else "undone"
    before, after = (
        "unknown" if step[key] is None else f"{step[key]:.4g}" for key in ("before", "after")
    )
    return f"{step['rung']}: {metric} {before} to {after}, {kept}"
