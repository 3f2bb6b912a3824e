"""A runtime-overhead record as a short table in Markdown."""

from __future__ import annotations

import statistics

from benchmarks.peers.overhead_record import Comparison, MemoryGrowth, OverheadRecord

__all__ = ["format_table"]

_SCALE = {"ns": (1e6, "ms"), "bytes": (2**20, "MiB")}
_KIB = 1024


def format_table(record: OverheadRecord) -> str:
    """Write the ratios, the memory's growth, the imports and the conditions."""
    name, version, digest = record.model
    machine = record.machine
    instructions = ", ".join(machine.instructions) or "no int8 instructions"
    packages = ", ".join(f"{each} {found}" for each, found in machine.packages.items())
    lines = [
        "# The runtime beside a hand-written script",
        "",
        "Both sides run the same int8 file with the same session settings on the same pictures,",
        "alternating in one run. Ratios are ours by theirs: median of the pairs with its 95 %",
        "bootstrap interval, and the least and most of a pair.",
        "",
        "| what | beside | ours | theirs | ratio [95 %] | least to most | pairs | bar | |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_row(each) for each in record.comparisons),
        "",
        *_growth_lines(record.growth),
        *_import_lines(record),
        (
            f"- Largest difference between the two sides' scores on {record.pictures} pictures: "
            f"{record.score_difference:.2g}."
        ),
        (
            f"- Model: {name} {version}, {record.artifact}, {digest[:12]}; "
            f"{record.threads} threads; the runtime's process started as "
            f"`{record.runtime_started_as}`."
        ),
        (
            f"- Machine: {machine.board}, {machine.processor or machine.architecture}, "
            f"{machine.processors} processors, {instructions}; "
            f"{machine.kernel}; Python {machine.python}; {packages}."
        ),
        "",
        _verdict(record),
        "",
        f"Made by `{record.command}`.",
    ]
    return "\n".join(lines) + "\n"


def _row(comparison: Comparison) -> str:
    ratio = comparison.ratio
    scale, unit = _SCALE[comparison.unit]
    ours = statistics.median(comparison.ours) / scale
    theirs = statistics.median(comparison.theirs) / scale
    bar = "" if comparison.bar is None else f"{comparison.bar:.2f}"
    met = "" if comparison.bar is None else ("met" if comparison.is_met else "MISSED")
    return (
        f"| {comparison.name} | {comparison.other} | {ours:.4g} {unit} | {theirs:.4g} {unit} "
        f"| {ratio.median:.3f} [{ratio.low:.3f}, {ratio.high:.3f}] "
        f"| {ratio.least:.3f} to {ratio.most:.3f} | {ratio.pairs} | {bar} | {met} |"
    )


def _growth_lines(growth: MemoryGrowth | None) -> list[str]:
    if growth is None:
        return []
    slope = growth.bytes_per_1000_answers
    return [
        (
            f"- Resident memory over {growth.answers} answers: "
            f"{slope.value / _KIB:+.2f} KiB [{slope.low / _KIB:+.2f}, {slope.high / _KIB:+.2f}] by "
            "1000 answers over the second half (Sen's slope, 95 %); "
            f"{growth.resident_bytes[0] / 2**20:.1f} MiB after the first part, "
            f"{growth.resident_bytes[-1] / 2**20:.1f} MiB at the end."
        ),
    ]


def _import_lines(record: OverheadRecord) -> list[str]:
    found = record.imports
    foreign = ", ".join(found.foreign) or "nothing"
    return [
        (
            f"- `import edge`: {found.edge_us / 1000:.1f} ms, {found.numpy_us / 1000:.1f} ms of it "
            f"numpy; beyond edge, numpy and the standard library it loads {foreign}."
        ),
    ]


def _verdict(record: OverheadRecord) -> str:
    if not record.reasons:
        return "VALID."
    return "INVALID, do not quote: " + "; ".join(record.reasons) + "."
