"""The comparison of engines as markdown: bars met and missed said plainly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.peers.engines.record import EngineComparison, Entry
from benchmarks.peers.engines.verdict import (
    BAR,
    LEAST_DB,
    HeatVerdict,
    counts,
    heat_verdict,
    ratio_of_entries,
    typical_ms,
)

__all__ = ["engines_table"]

_PERCENT = 100
_QUIET_SHARE = 0.05
_KILOBYTE = 1000


def engines_table(comparison: EngineComparison) -> str:
    """Write the tables.

    Args:
        comparison: what was found so far.

    Returns:
        Markdown, ending in a newline.
    """
    lines = [
        "# edgedx beside other inference engines",
        "",
        *_introduction(comparison),
        *_bars(comparison),
        *_causes(comparison),
        *_pipelines(comparison),
        *_heats(comparison),
        *_faults(comparison),
        *_versions(comparison),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _introduction(comparison: EngineComparison) -> Iterator[str]:
    machine = comparison.machine
    if machine is not None:
        instructions = " ".join(machine.instructions) or "no 8-bit instructions named"
        yield (
            f"On {machine.processor}, {machine.processors} processors ({instructions}), "
            f"Python {machine.python}. Only ratios are worth quoting, and only of one machine."
        )
    shares = [heat.others_share for heat in comparison.heats if heat.others_share is not None]
    if shares and max(shares) > _QUIET_SHARE:
        yield (
            f"**Other programs ran meanwhile**: they took {_percent(min(shares))} to "
            f"{_percent(max(shares))} of the processors' time, by heat. All contestants met them "
            "in turns, yet times at as many threads as processors are theirs as well."
        )
    yield ""
    yield (
        "ms: at one thread the processor time of an inference, which being interrupted does not "
        "add to; at several the smallest time on the clock, of each round; then the median of the "
        "rounds. A ratio is the median over rounds, with its bootstrap interval of 95 %. Inference "
        "alone: the same tensors in, outputs read. dB: centred signal-to-noise ratio of the "
        f"answers against the float model's; below {LEAST_DB:.0f} dB a time does not count."
    )
    yield ""


def _bars(comparison: EngineComparison) -> Iterator[str]:
    yield f"## Ours against the fastest int8 of the others (bar: at most {BAR:.2f})"
    yield ""
    yield (
        "| model | threads | ours | ms | dB | fastest other int8 | ms | dB | ours/other | bar "
        "| not chosen |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for heat in comparison.heats:
        verdict = heat_verdict(heat)
        head = f"| {heat.model} | {heat.threads} |"
        cells = "- | | | - | | | - | - | -" if verdict is None else _bar(verdict)
        yield f"{head} {cells} |"
    yield ""
    yield "*Not chosen*: the same ratio of int8 on onnxruntime, which `edge-run` takes unless a"
    yield "choice was made on this machine."
    yield ""


def _bar(verdict: HeatVerdict) -> str:
    ratio = verdict.ratio
    excess = f"**missed**: {_percent(ratio.median - 1)} slower"
    return " | ".join(
        [
            f"{verdict.ours.key} | {_time(verdict.ours)} | {_decibels(verdict.ours)}",
            f"{verdict.fastest.key} | {_time(verdict.fastest)} | {_decibels(verdict.fastest)}",
            f"{ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]",
            "met" if verdict.is_met else excess,
            "-" if verdict.unchosen is None else f"{verdict.unchosen.median:.2f}",
        ]
    )


def _causes(comparison: EngineComparison) -> Iterator[str]:
    if not comparison.causes:
        return
    yield "Where it is missed, the cause:"
    yield ""
    for model, cause in sorted(comparison.causes.items()):
        yield f"- **{model}**: {cause}"
    yield ""


def _pipelines(comparison: EngineComparison) -> Iterator[str]:
    heats = [heat for heat in comparison.heats if heat.pipeline_ns]
    if not heats:
        return
    yield "## Whole answers of ours"
    yield ""
    yield "From golden bytes to the result, by the artifact `edge-run` takes; clock, medians, ms."
    yield ""
    yield "| model | threads | artifact | decode | preprocess | infer | postprocess | total |"
    yield "|---|---|---|---|---|---|---|---|"
    for heat in heats:
        times = " | ".join(f"{np.median(each) / 1e6:.3f}" for each in heat.pipeline_ns.values())
        yield f"| {heat.model} | {heat.threads} | {heat.pipeline_engine} | {times} |"
    yield ""


def _heats(comparison: EngineComparison) -> Iterator[str]:
    yield "## Every contestant"
    yield ""
    yield "`ours/this` below 1: the chosen one of ours is faster."
    yield ""
    for heat in comparison.heats:
        share = "?" if heat.others_share is None else _percent(heat.others_share)
        yield f"### {heat.model}, {_threads(heat.threads)} (others: {share})"
        yield ""
        yield "| contestant | kB | dB | agree | ms | ours/this |"
        yield "|---|---|---|---|---|---|"
        verdict = heat_verdict(heat)
        ran = [each for each in heat.entries if each.fault is None and each.rounds_ns]
        for entry in sorted(ran, key=typical_ms):
            yield f"| {_row(entry, verdict)} |"
        yield ""


def _row(entry: Entry, verdict: HeatVerdict | None) -> str:
    ratio = "-"
    if verdict is not None and counts(entry):
        found = ratio_of_entries(verdict.ours, entry)
        ratio = f"{found.median:.2f} [{found.low:.2f}, {found.high:.2f}]"
    agreement = "-" if entry.quality is None else f"{entry.quality.agreement:.2f}"
    name = f"**{entry.key}**" if entry.is_ours else entry.key
    note = "" if counts(entry) else " (wrong)"
    cells = (name, str(entry.file_bytes // _KILOBYTE), _decibels(entry) + note, agreement)
    return " | ".join((*cells, _time(entry), ratio))


def _faults(comparison: EngineComparison) -> Iterator[str]:
    found: dict[tuple[str, str], list[str]] = {}
    for heat in comparison.heats:
        for entry in heat.entries:
            if entry.fault is not None:
                models = found.setdefault((entry.key, _one_cell(entry.fault)), [])
                if heat.model not in models:
                    models.append(heat.model)
    if not found:
        return
    yield "## What did not run, and why"
    yield ""
    yield "| contestant | models | cause |"
    yield "|---|---|---|"
    for (key, fault), models in sorted(found.items()):
        yield f"| {key} | {', '.join(models)} | {fault} |"
    yield ""


def _versions(comparison: EngineComparison) -> Iterator[str]:
    versions = {
        entry.version for heat in comparison.heats for entry in heat.entries if entry.version
    }
    if versions:
        yield f"Versions: {', '.join(sorted(versions))}; all packages are in the JSON beside this."


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _time(entry: Entry) -> str:
    return f"{typical_ms(entry):.3f}"


def _decibels(entry: Entry) -> str:
    return "-" if entry.quality is None else f"{entry.quality.worst_db:.1f}"


def _percent(share: float) -> str:
    return f"{share * _PERCENT:.0f} %"


def _one_cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")
