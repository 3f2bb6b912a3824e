"""Results to JSON Lines and to what a person wants to read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edge.errors import EdgeError
from edge.latency_summary import is_carried, percentile, samples_needed
from edge.results import LatencyNs, OutputResult, Result
from edge.source_name import show_source

if TYPE_CHECKING:
    from edge.pipeline import Model
    from edge.selftest import GoldenCheck

__all__ = [
    "SCHEMA_VERSION",
    "error_to_json",
    "format_answer",
    "format_check",
    "format_latency",
    "format_latency_summary",
    "format_model",
    "format_short_answer",
    "result_to_json",
]

SCHEMA_VERSION = 1

_STAGES = ("capture", "decode", "preprocess", "infer", "postprocess", "total")
_QUANTILES = (0.5, 0.9, 0.99)
_BAR_CELLS = 20
_NS_PER_MS = 1e6


def result_to_json(result: Result) -> str:
    """One line of JSON for a result, schema version 1; fields are only ever added."""
    return _dump(
        {
            "schema_version": SCHEMA_VERSION,
            "source": _valid(result.source),
            "index": result.index,
            "status": result.status,
            "reason": result.reason,
            "model": asdict(result.model),
            "engine": result.engine,
            "precision": result.precision,
            "outputs": [_output_to_json(output) for output in result.outputs],
            "latency_ns": asdict(result.latency_ns),
            "gate": result.gate,
            "capture_time_ns": result.capture_time_ns,
        },
    )


def error_to_json(source: str, index: int, error: EdgeError) -> str:
    """One line of JSON for an input that gave no result."""
    return _dump(
        {
            "schema_version": SCHEMA_VERSION,
            "source": _valid(source),
            "index": index,
            "status": "error",
            "reason": str(error),
            "outputs": [],
            "error": {"code": error.code, "message": str(error)},
        },
    )


def _valid(name: str) -> str:
    """A name that is not UTF-8 reaches us with lone surrogates, which JSON may not hold."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _output_to_json(output: OutputResult) -> dict[str, Any]:
    return {
        "name": output.name,
        "kind": output.kind,
        "scores": [{"label": each.label, "score": each.score} for each in output.scores],
        "decision": list(output.decision),
    }


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def format_answer(result: Result, *, most: int | None = None) -> list[str]:
    """The answer in words: one line a label, the likeliest first.

    Args:
        result: an answered or refused input.
        most: how many labels of each output; None for all.
    """
    if result.status != "ok":
        return [f"{_name(result)}: no answer: {result.reason}"]
    lines = [_name(result)]
    for output in result.outputs:
        if len(result.outputs) > 1:
            lines.append(f"  {output.name}:")
        lines += _score_lines(output, most)
    return lines


def _score_lines(output: OutputResult, most: int | None) -> list[str]:
    ranked = sorted(output.scores, key=lambda each: -each.score)[:most]
    width = max(len(each.label) for each in ranked)
    if output.kind == "regression":
        return [f"  {each.label:<{width}}  {each.score:.6g} {output.unit}" for each in ranked]
    lines = []
    for each in ranked:
        mark = ">" if each.label in output.decision else " "
        if 0.0 <= each.score <= 1.0:
            bar = "█" * round(each.score * _BAR_CELLS)
            lines.append(f"{mark} {each.label:<{width}}  {each.score:6.1%}  {bar}".rstrip())
        else:
            lines.append(f"{mark} {each.label:<{width}}  {each.score:.6g}")
    return lines


def format_short_answer(result: Result) -> str:
    """The answer for one input among many, in one line."""
    name = _name(result)
    if result.status != "ok":
        return f"{name}: no answer: {result.reason}"
    parts = []
    for output in result.outputs:
        scores = {each.label: each.score for each in output.scores}
        if output.kind == "regression":
            parts += [
                f"{label} {score:.6g} {output.unit}".rstrip() for label, score in scores.items()
            ]
        elif output.decision:
            parts += [_decided(label, scores[label]) for label in output.decision]
        else:
            parts.append("none over its threshold")
    return f"{name}: {', '.join(parts)}"


def _name(result: Result) -> str:
    name = show_source(result.source)
    return name if result.index == 0 else f"{name} #{result.index}"


def _decided(label: str, score: float) -> str:
    return f"{label} {score:.1%}" if 0.0 <= score <= 1.0 else f"{label} {score:.6g}"


def format_latency(latency: LatencyNs, *, load_ns: int) -> str:
    """Time by stage of a single, first inference."""
    stages = " · ".join(
        f"{stage} {_ms(getattr(latency, stage))}"
        for stage in _STAGES
        if getattr(latency, stage) or stage == "total"
    )
    return f"latency (ms, first inference): load {_ms(load_ns)} once · {stages}"


def format_latency_summary(latencies: Sequence[LatencyNs], *, load_ns: int) -> list[str]:
    """Time by stage over many inputs, the first (cold) one apart.

    A percentile that the samples cannot carry is not printed.
    """
    cold, warm = latencies[0], latencies[1:]
    lines = [format_latency(cold, load_ns=load_ns)]
    if not warm:
        return lines
    carried = [each for each in _QUANTILES if is_carried(len(warm), each)]
    if not carried:
        lines.append(
            f"latency (ms, warm): {len(warm)} more inputs carry no percentile; "
            f"p50 needs {samples_needed(0.5)}",
        )
        return lines
    heads = "".join(f"{f'p{100 * each:g} [95 % interval]':>28}" for each in carried)
    lines.append(f"latency (ms, warm, {len(warm)} inputs){heads}")
    for stage in _STAGES:
        samples = [getattr(each, stage) for each in warm]
        if any(samples):
            lines.append(f"  {stage:<12}{_percentile_cells(samples, carried, len(warm))}")
    return lines


def _percentile_cells(samples: Sequence[int], quantiles: Sequence[float], count: int) -> str:
    indent = len(f"latency (ms, warm, {count} inputs)") - len("  ") - 12
    cells = []
    for quantile in quantiles:
        found = percentile(samples, quantile)
        text = "" if found is None else f"{_ms(found.value)} [{_ms(found.low)}, {_ms(found.high)}]"
        cells.append(f"{text:>28}")
    return " " * indent + "".join(cells)


def format_model(model: Model) -> list[str]:
    """Which model answered, and that it is no medical device."""
    parts = model.parts
    version = f" {parts.identity.version}" if parts.identity.version else ""
    model_line = (
        f"model: {parts.identity.name}{version} · {parts.artifact.precision} · "
        f"{parts.engine.name} {parts.engine.version} · {parts.identity.digest[:12]}"
    )
    return [model_line, "research software, not a medical device"]


def format_check(check: GoldenCheck) -> str:
    """One line of a self-test."""
    state = "ok  " if check.is_passed else "FAIL"
    if check.reason is not None:
        return f"{state} {check.artifact} ({check.engine}): {check.reason}"
    tensor = "same tensor" if check.same_tensor else "ANOTHER TENSOR than in the lab"
    return (
        f"{state} {check.artifact} ({check.engine} {check.engine_version}) {check.input}: "
        f"{tensor}, {check.steps:g} of {check.tolerance_steps} allowed output steps away"
    )


def _ms(nanoseconds: float) -> str:
    milliseconds = nanoseconds / _NS_PER_MS
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}"  # noqa: PLR2004
