"""The record as markdown: bars kept and missed said plainly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.zoo.trained_models.figures import FileFigures, Interval
from benchmarks.zoo.trained_models.record import ModelRun, TrainedModelsRecord

__all__ = ["trained_models_table"]

_TITLE = "# What int8 costs trained models in decisions"
_INTRODUCTION = (
    "Each model went through `edge-quantize` as a user runs it, in a process of its own; the "
    "figures are those of its report. Bars: the mean AUROC of both int8 files within 0.003 of the "
    "float model's (LSTM: 0.002), and at most 1 % of the decisions changed. A third of the "
    "labelled examples refits thresholds and temperature; the figures are of the others, with "
    "95 % intervals."
)
_UNKNOWN = ""


def trained_models_table(record: TrainedModelsRecord) -> str:
    """Write the tables.

    Returns:
        Markdown, ending in a newline.
    """
    machine = record.machine
    made = (
        f"Made by `{record.command}` on {machine.processor} ({machine.architecture}, "
        f"{machine.processors} processors), Python {machine.python}. Times are of one thread and "
        "say nothing of a board."
    )
    lines = [_TITLE, "", _INTRODUCTION, "", made, "", *_summary(record.runs)]
    for each in record.runs:
        lines += ["", *_model(each)]
    return "\n".join(lines) + "\n"


def _summary(runs: Sequence[ModelRun]) -> Iterator[str]:
    yield "| model | bars | exit code | selftest |"
    yield "|---|---|---|---|"
    for each in runs:
        tested = ", ".join(
            f"{engine} {'passed' if code == 0 else 'FAILED'}"
            for engine, code in each.selftest.items()
        )
        code = _UNKNOWN if each.exit_code is None else str(each.exit_code)
        yield f"| {each.name} | {_standing(each)} | {code} | {tested} |"


def _standing(run: ModelRun) -> str:
    if run.skipped:
        return "skipped"
    if run.figures is None:
        return "**not made**"
    if not run.bars:
        return "no labels"
    missed = [bar for bar, is_kept in run.bars.items() if not is_kept]
    return f"**missed**: {'; '.join(missed)}" if missed else "met"


def _model(run: ModelRun) -> Iterator[str]:
    yield f"## {run.name}"
    yield ""
    yield f"{run.model}. Judged on: {run.examples}. Licence: {run.licence}."
    yield ""
    if run.skipped:
        yield f"Skipped: {run.skipped}"
        return
    if run.said:
        yield f"`edge-quantize` said: {run.said}"
        yield ""
    if run.figures is None:
        return
    yield from _files(run.figures.files, run.figures.examples)
    for title, lines in (
        ("Repair", run.figures.ladder),
        ("Layers that lose most", run.figures.worst_layers),
        ("Findings", run.figures.findings),
    ):
        if lines:
            yield ""
            yield f"{title}: {'; '.join(lines)}."


def _files(files: Sequence[FileFigures], examples: int) -> Iterator[str]:
    if examples:
        yield f"{examples} labelled examples."
        yield ""
    yield "| file | KiB | SNR dB | same decision | AUROC | change | flips | ms |"
    yield "|---|---|---|---|---|---|---|---|"
    for each in files:
        size = _UNKNOWN if each.size_bytes is None else f"{each.size_bytes / 1024:.0f}"
        flips = _UNKNOWN
        if each.flips is not None:
            flips = f"{each.flipped} of {each.decisions} ({each.flips:.2%})"
        cells = (
            each.name,
            size,
            _number(each.snr_db, ".1f"),
            _number(each.agreement, ".1%"),
            _interval(each.auroc, ".4f"),
            _interval(each.auroc_change, "+.4f"),
            flips,
            _number(each.median_ms, ".3f"),
        )
        yield f"| {' | '.join(cells)} |"


def _number(value: float | None, form: str) -> str:
    return _UNKNOWN if value is None else format(value, form)


def _interval(figure: Interval | None, form: str) -> str:
    if figure is None:
        return _UNKNOWN
    if figure.low is None or figure.high is None:
        return format(figure.value, form)
    return f"{figure.value:{form}} ({figure.low:{form}} to {figure.high:{form}})"
