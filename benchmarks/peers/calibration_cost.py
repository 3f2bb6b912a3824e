"""What calibration costs beside onnxruntime's cheapest, and whether its memory grows.

    python -m benchmarks.peers.calibration_cost -o benchmarks/results/calibration_cost.json

writes the record and, beside it, a table in Markdown. Both sides calibrate the same ResNet-50 on
the same images at 224 px, in processes of their own that alternate in one run: ours with its
defaults (a histogram of every activation, the method chosen by tensor), onnxruntime's with
min-max. Only ratios of times are quoted.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import click
import msgspec

from benchmarks.atomic_file import write_file
from benchmarks.environment import (
    Machine,
    MachineState,
    describe_machine,
    others_share,
    read_state,
)
from benchmarks.peers.ratios import Ratio, ratio_of_pairs
from benchmarks.peers.whole_process import ProcessRun, alternate_processes, run_process
from edge.command_line import run_command

__all__ = ["CalibrationCost", "format_table", "main", "measure_calibration"]

SCHEMA_VERSION: Final = 1
_TIME_BAR = 1.3
_MEMORY_BAR_BYTES = 1 << 30
_GROWTH_BAR = 1.05
_MIB = 1 << 20
_WORKER = "benchmarks.peers.calibration_worker"


@dataclass(frozen=True, slots=True)
class CalibrationCost:
    """Everything that one run found.

    Attributes:
        schema: always "edgedx-calibration-cost".
        schema_version: of this form.
        command: what makes such a record again.
        images: in the long calibrations.
        fewer_images: in the short ones of ours.
        ours: whole processes.
        onnxruntime: whole processes, alternating with ours.
        ours_fewer: whole processes on fewer images.
        time: ratio of wall times, ours by onnxruntime's.
        processor_time: ratio of processor times.
        growth: ratio of peak memories of ours, all images by fewer.
        machine: where.
        before: the machine's state at the start.
        after: its state at the end.
        others_share: share of the processors that other programs took meanwhile.
    """

    schema: Literal["edgedx-calibration-cost"]
    schema_version: Literal[1]
    command: str
    images: int
    fewer_images: int
    ours: tuple[ProcessRun, ...]
    onnxruntime: tuple[ProcessRun, ...]
    ours_fewer: tuple[ProcessRun, ...]
    time: Ratio
    processor_time: Ratio
    growth: Ratio
    machine: Machine
    before: MachineState
    after: MachineState
    others_share: float | None

    @property
    def peak_bytes(self) -> int:
        """Most memory of ours in any process."""
        return max(run.peak_memory_bytes for run in (*self.ours, *self.ours_fewer))

    @property
    def are_bars_met(self) -> bool:
        """Whether time, memory and its growth are all within their bars."""
        return (
            self.time.median <= _TIME_BAR
            and self.peak_bytes <= _MEMORY_BAR_BYTES
            and self.growth.median <= _GROWTH_BAR
        )


def measure_calibration(
    images: int, fewer_images: int, *, rounds: int, command: str = ""
) -> CalibrationCost:
    """Calibrate in alternating processes.

    Args:
        images: in the long calibrations.
        fewer_images: in the short ones of ours.
        rounds: how often each is run, one uncounted round apart.
        command: what the user called, for the record.

    Raises:
        EngineError: a process failed.
    """
    machine, before = describe_machine(), read_state()
    with tempfile.TemporaryDirectory(prefix="calibration-cost-") as folder:
        model = str(Path(folder) / "resnet50.onnx")
        worker = [sys.executable, "-m", _WORKER]
        run_process([*worker, "make", model, "0"])
        runs = alternate_processes(
            {
                "ours": [*worker, "ours", model, str(images)],
                "onnxruntime": [*worker, "onnxruntime", model, str(images)],
                "fewer": [*worker, "ours", model, str(fewer_images)],
            },
            rounds=rounds,
        )
    after = read_state()
    return CalibrationCost(
        schema="edgedx-calibration-cost",
        schema_version=SCHEMA_VERSION,
        command=command,
        images=images,
        fewer_images=fewer_images,
        ours=runs["ours"],
        onnxruntime=runs["onnxruntime"],
        ours_fewer=runs["fewer"],
        time=_ratio(runs["ours"], runs["onnxruntime"], "wall_ns"),
        processor_time=_ratio(runs["ours"], runs["onnxruntime"], "processor_ns"),
        growth=_ratio(runs["ours"], runs["fewer"], "peak_memory_bytes"),
        machine=machine,
        before=before,
        after=after,
        others_share=others_share(before, after, machine.processors),
    )


def _ratio(ours: Sequence[ProcessRun], theirs: Sequence[ProcessRun], values: str) -> Ratio:
    return ratio_of_pairs(
        [float(getattr(run, values)) for run in ours],
        [float(getattr(run, values)) for run in theirs],
    )


def format_table(cost: CalibrationCost) -> str:
    """A record as Markdown."""
    peak = max(run.peak_memory_bytes for run in cost.onnxruntime)
    share = "unknown" if cost.others_share is None else f"{cost.others_share:.0%}"
    rows = (
        (f"time, {cost.images} images, ours by onnxruntime's", _quoted(cost.time), _TIME_BAR),
        ("processor time, likewise", _quoted(cost.processor_time), ""),
        ("peak memory, ours, MiB", f"{cost.peak_bytes / _MIB:.0f}", _MEMORY_BAR_BYTES // _MIB),
        ("peak memory, onnxruntime, MiB", f"{peak / _MIB:.0f}", ""),
        (
            f"peak memory, ours, {cost.images} by {cost.fewer_images} images",
            _quoted(cost.growth),
            _GROWTH_BAR,
        ),
    )
    table = "".join(f"| {what} | {found} | {bar} |\n" for what, found, bar in rows)
    packages = cost.machine.packages
    return (
        "# Calibration of ResNet-50 at 224 px beside onnxruntime's min-max\n\n"
        f"| what | found | at most |\n|---|---|---|\n{table}\n"
        f"{len(cost.ours)} rounds of alternating whole processes; medians of the pairs' ratios "
        "with the median's 95 % interval.\n"
        f"Other programs took {share} of {cost.machine.processors} processors meanwhile.\n"
        f"All bars met: {'yes' if cost.are_bars_met else 'no'}.\n\n"
        f"Made by `{cost.command}` with onnxruntime {packages.get('onnxruntime', '?')}, "
        f"Python {cost.machine.python}.\n"
    )


def _quoted(ratio: Ratio) -> str:
    return f"{ratio.median:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--images", type=click.IntRange(min=2), default=512, show_default=True)
@click.option("--fewer", type=click.IntRange(min=2), default=128, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def cost_command(output: Path, **options: Any) -> int:
    """Calibrate in turn with ours and onnxruntime's; write JSON and Markdown.

    Exit code 1 where a bar is missed.
    """
    images, fewer, rounds = (options[name] for name in ("images", "fewer", "rounds"))
    command = (
        f"python -m benchmarks.peers.calibration_cost -o {output.name} "
        f"--images {images} --fewer {fewer} --rounds {rounds}"
    )
    cost = measure_calibration(images, fewer, rounds=rounds, command=command)
    write_file(output, msgspec.json.format(msgspec.json.encode(cost), indent=1) + b"\n")
    table = format_table(cost)
    write_file(output.with_suffix(".md"), table.encode())
    click.echo(table, nl=False)
    return 0 if cost.are_bars_met else 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point; ends the process with an exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    run_command(cost_command, words, name="calibration_cost")


if __name__ == "__main__":
    main()
