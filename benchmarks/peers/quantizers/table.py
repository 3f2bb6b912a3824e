"""The comparison as markdown: bars met and missed said plainly."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.peers.quantizers.record import OURS, Comparison, Run, SpeedRun
from benchmarks.peers.quantizers.speed_files import FLOAT
from benchmarks.peers.quantizers.verdict import (
    EngineVerdict,
    engine_verdict,
    fastest_ms,
    ours,
    typical_ms,
)

__all__ = ["comparison_table"]

_ENGINES = {"onnxruntime": "ONNX", "litert": "TFLite"}
_PARITY_DB = 1.5
_KILOBYTE = 1000


def comparison_table(comparison: Comparison) -> str:
    """Write the tables.

    Args:
        comparison: what was found so far.

    Returns:
        Markdown, ending in a newline.
    """
    return "\n".join(
        [
            "# int8 files of edgedx beside those of other quantizers",
            "",
            *_introduction(comparison),
            *_quality(comparison),
            *_parity(comparison),
            *_speed(comparison),
            *_models(comparison),
            *_all_runs(comparison),
        ]
    )


def _introduction(comparison: Comparison) -> Iterator[str]:
    machine = comparison.machine
    if machine is not None:
        yield (
            f"On {machine.processor}, {machine.processors} processors, Python {machine.python}; "
            f"versions stand in the JSON beside this table."
        )
        yield ""
    yield "dB: centred signal-to-noise ratio of the output (the worst one) against the float model"
    yield "on test examples that no quantizer saw; all saw the same calibration examples."
    yield "Files that a quantizer left in float do not count as the best."
    yield ""


def _quality(comparison: Comparison) -> Iterator[str]:
    for engine, title in _ENGINES.items():
        yield f"## {title}"
        yield ""
        yield (
            "| model | ours, dB | setting | best other, dB | which | difference | bar | "
            "| dynamic other |"
        )
        yield "|---|---|---|---|---|---|---|---|---|"
        for facts in comparison.models:
            verdict = engine_verdict(comparison, facts.name, engine)
            yield f"| {facts.name} | {_verdict_cells(verdict)} |"
        yield ""


def _verdict_cells(verdict: EngineVerdict) -> str:
    met = {True: "met", False: "**missed**", None: "-"}[verdict.is_met]
    difference = verdict.difference_db
    return " | ".join(
        [
            _decibels(verdict.ours),
            "-" if verdict.ours is None else verdict.ours.setting,
            _decibels(verdict.best),
            _label(verdict.best),
            "-" if difference is None else f"{difference:+.1f}",
            f"+{verdict.bar_db:.0f}",
            met,
            f"{_decibels(verdict.best_dynamic)} {_label(verdict.best_dynamic)}".strip(" -") or "-",
        ]
    )


def _decibels(run: Run | None) -> str:
    if run is None:
        return "-"
    if run.quality is None:
        return "fault"
    return f"{run.quality.worst_db:.1f}" + ("" if run.is_quantized else " (float)")


def _label(run: Run | None) -> str:
    return "-" if run is None else f"{run.peer}, {run.setting}"


def _parity(comparison: Comparison) -> Iterator[str]:
    yield f"## Ours against each other (bar: within {_PARITY_DB} dB)"
    yield ""
    yield "| model | ONNX, dB | TFLite, dB | difference | |"
    yield "|---|---|---|---|---|"
    for facts in comparison.models:
        pair = [ours(comparison, facts.name, engine) for engine in _ENGINES]
        cells = " | ".join(_decibels(run) for run in pair)
        found = [run.quality.worst_db for run in pair if run is not None and run.quality]
        if len(found) == len(pair):
            difference = found[1] - found[0]
            met = "met" if abs(difference) <= _PARITY_DB else "**missed**"
            yield f"| {facts.name} | {cells} | {difference:+.1f} | {met} |"
        else:
            yield f"| {facts.name} | {cells} | - | - |"
    yield ""


def _speed(comparison: Comparison) -> Iterator[str]:
    yield "## Speed"
    yield ""
    yield "Milliseconds, smallest and median of the rounds' medians; files of a row took turns."
    yield "`float/int8` above 1: ours is faster than float. `peer/ours` above 1: ours is faster"
    yield "than the fastest of the other quantizers' best files. Ratios are of smallest samples."
    yield ""
    yield "| model | engine | threads | float | ours | fastest other | float/int8 | peer/ours |"
    yield "|---|---|---|---|---|---|---|---|"
    for speed in sorted(comparison.speed, key=lambda each: each.key):
        yield f"| {speed.model} | {_ENGINES[speed.engine]} | {speed.threads} | {_times(speed)} |"
    yield ""


def _times(speed: SpeedRun) -> str:
    others = [name for name in speed.rounds_ms if name not in (FLOAT, OURS)]
    fastest = min(others, key=lambda name: fastest_ms(speed, name), default=None)
    has_ours = OURS in speed.rounds_ms
    return " | ".join(
        [
            _pair(speed, FLOAT),
            _pair(speed, OURS) if has_ours else "-",
            "-" if fastest is None else f"{_pair(speed, fastest)} {fastest}",
            _ratio(speed, FLOAT, OURS) if has_ours and FLOAT in speed.rounds_ms else "-",
            _ratio(speed, fastest, OURS) if has_ours and fastest is not None else "-",
        ]
    )


def _pair(speed: SpeedRun, name: str) -> str:
    if name not in speed.rounds_ms:
        return "-"
    return f"{fastest_ms(speed, name):.2f} / {typical_ms(speed, name):.2f}"


def _ratio(speed: SpeedRun, first: str, second: str) -> str:
    ratio = fastest_ms(speed, first) / fastest_ms(speed, second)
    return f"{ratio:.2f}" if ratio >= 1 else f"**{ratio:.2f}**"


def _models(comparison: Comparison) -> Iterator[str]:
    yield "## Models"
    yield ""
    yield "| model | family | kB | weights | inputs | calibration | test |"
    yield "|---|---|---|---|---|---|---|"
    for each in comparison.models:
        size = each.float_bytes // _KILOBYTE
        origin = f"{each.weights} | {each.inputs}"
        counts = f"{each.calibration_examples} | {each.test_examples}"
        yield f"| {each.name} | {each.family} | {size} | {origin} | {counts} |"
    yield ""


def _all_runs(comparison: Comparison) -> Iterator[str]:
    yield "## Every run"
    yield ""
    yield "| model | engine | quantizer | setting | worst dB | mean dB | agree | kB | s | MiB |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for run in sorted(comparison.runs, key=lambda each: each.key):
        head = f"| {run.model} | {_ENGINES[run.engine]} | {run.peer} | {run.setting} |"
        if run.quality is None:
            yield f"{head} fault: {_one_cell(run.fault)} | | | | | |"
            continue
        quality = run.quality
        cost = f"{run.file_bytes // _KILOBYTE} | {run.seconds:.0f} | {run.peak_mib:.0f}"
        answers = f"{_decibels(run)} | {quality.mean_db:.1f} | {quality.agreement:.3f}"
        yield f"{head} {answers} | {cost} |"
    yield ""


def _one_cell(text: str | None) -> str:
    return (text or "").replace("|", "/").replace("\n", " ")
