"""What the runtime costs beside a hand-written script that does the same work.

    python -m benchmarks.peers.runtime_overhead -o benchmarks/results/runtime_overhead.json

writes the record and, beside it, a table in Markdown. Both sides run the same int8 ONNX file
of the chest X-ray bundle with the same session settings on the same pictures; they alternate in
one run, and only their ratios are quoted.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

import click
import msgspec

from benchmarks.atomic_file import write_file
from benchmarks.environment import MachineState, describe_machine, others_share, read_state
from benchmarks.machine_faults import MOST_OTHERS_SHARE
from benchmarks.peers.import_weight import weigh_import
from benchmarks.peers.memory_growth import SAMPLES
from benchmarks.peers.overhead_record import (
    SCHEMA_VERSION,
    Comparison,
    MemoryGrowth,
    OverheadRecord,
)
from benchmarks.peers.overhead_report import format_table
from benchmarks.peers.ratios import Slope, ratio_of_pairs, sen_slope
from benchmarks.peers.warm_images import alternate_blocks
from benchmarks.peers.whole_process import alternate_processes, run_process
from edge.bundle.reader import open_bundle
from edge.command_line import run_command
from edge.engines.selection import choose_artifact
from edge.engines.threads import resolve_threads
from edge.model_loader import DEFAULT_BUNDLE

__all__ = ["OverheadRequest", "compare_with_handwritten", "main"]

BARS = {"whole process, time": 1.20, "whole process, peak memory": 1.15, "warm image": 1.03}

_SCRIPT = "benchmarks.peers.handwritten.handwritten_onnxruntime"
_EXACT = "hand-written, exact int8"
_FAST = "hand-written, fast int8"
_SAME_SCORE = 1e-3


@dataclass(frozen=True, slots=True)
class OverheadRequest:
    """What to compare, and how often.

    Attributes:
        bundle: holds the int8 ONNX file that the hand-written script knows.
        threads: inside one inference; None for every processor, at most 4.
        rounds: whole processes on each side.
        images: warm images on each side.
        growth_answers: answers over which memory is watched; 0 for none.
    """

    bundle: Path = DEFAULT_BUNDLE
    threads: int | None = None
    rounds: int = 30
    images: int = 500
    growth_answers: int = 20_000


@dataclass(frozen=True, slots=True)
class _Material:
    """The bundle's int8 ONNX file and golden inputs, as files that both sides read."""

    model: Path
    pictures: tuple[str, ...]
    identity: tuple[str, str, str]
    artifact: str


def compare_with_handwritten(request: OverheadRequest, *, command: str = "") -> OverheadRecord:
    """Run every comparison.

    Args:
        request: what to compare.
        command: what the user called, for the record.

    Raises:
        BundleError: the bundle is refused or holds no int8 ONNX file.
        EngineError: a process failed.
    """
    machine, before = describe_machine(), read_state()
    threads = resolve_threads(request.threads)
    runtime = _runtime_command()
    with tempfile.TemporaryDirectory(prefix="runtime-overhead-") as folder:
        material = _extract(request.bundle, Path(folder))
        # Whole processes come first: a child's peak memory cannot be told from its parent's
        # where the parent has become larger.
        comparisons = _compare_processes(request, material, runtime, threads)
        imports = weigh_import()
        growth = _watch_growth(request, material, threads)
        warm, difference = _compare_warm(request, material, threads)
    after = read_state()
    comparisons += warm
    return OverheadRecord(
        schema="edgedx-runtime-overhead",
        schema_version=SCHEMA_VERSION,
        command=command,
        model=material.identity,
        artifact=material.artifact,
        threads=threads,
        runtime_started_as=" ".join([Path(runtime[0]).name, *runtime[1:]]),
        pictures=len(material.pictures),
        score_difference=difference,
        machine=machine,
        before=before,
        after=after,
        comparisons=comparisons,
        growth=growth,
        imports=imports,
        reasons=_reasons(comparisons, difference, is_emulated=machine.is_emulated),
    )


def _runtime_command() -> list[str]:
    script = Path(sys.executable).with_name("edge-run")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "edge"]


def _extract(path: Path, folder: Path) -> _Material:
    with open_bundle(path) as bundle:
        manifest = bundle.manifest
        artifact = choose_artifact(manifest.artifacts, engine="onnxruntime", precision="int8")
        model = folder / "model.int8.onnx"
        model.write_bytes(bundle.read(artifact.path))
        pictures = []
        for number, example in enumerate(manifest.golden):
            picture = folder / f"{number}{PurePosixPath(example.input).suffix}"
            picture.write_bytes(bundle.read(example.input))
            pictures.append(str(picture))
        identity = (manifest.name, manifest.version, bundle.digest)
    return _Material(model, tuple(pictures), identity, artifact.path)


def _compare_processes(
    request: OverheadRequest,
    material: _Material,
    runtime: Sequence[str],
    threads: int,
) -> tuple[Comparison, ...]:
    words = ["--threads", str(threads)]
    script = find_spec(_SCRIPT)
    by_hand = [sys.executable, str(script.origin if script else "")]
    by_hand += [material.pictures[0], str(material.model), *words]
    before = read_state()
    runs = alternate_processes(
        {
            "ours": [*runtime, material.pictures[0], "--model", str(request.bundle), *words],
            _EXACT: by_hand,
            _FAST: [*by_hand, "--fast-int8"],
        },
        rounds=request.rounds,
    )
    share = _share_since(before)
    comparisons = []
    for other in (_EXACT, _FAST):
        for name, unit, values in (
            ("whole process, time", "ns", "wall_ns"),
            ("whole process, processor time", "ns", "processor_ns"),
            ("whole process, peak memory", "bytes", "peak_memory_bytes"),
        ):
            ours = tuple(float(getattr(run, values)) for run in runs["ours"])
            theirs = tuple(float(getattr(run, values)) for run in runs[other])
            comparisons.append(_comparison(name, unit, other, (ours, theirs), share))
    return tuple(comparisons)


def _comparison(
    name: str,
    unit: Any,
    other: str,
    values: tuple[tuple[float, ...], tuple[float, ...]],
    share: float | None,
) -> Comparison:
    ours, theirs = values
    return Comparison(
        name=name,
        unit=unit,
        other=other,
        ours=ours,
        theirs=theirs,
        ratio=ratio_of_pairs(ours, theirs),
        bar=BARS.get(name) if other == _EXACT else None,
        others_share=share,
    )


def _compare_warm(
    request: OverheadRequest,
    material: _Material,
    threads: int,
) -> tuple[tuple[Comparison, ...], float]:
    """Ratios of warm images, and the largest difference between the two sides' scores."""
    from benchmarks.peers.handwritten import handwritten_onnxruntime as by_hand
    from edge.model_loader import load

    comparisons, difference = [], 0.0
    with load(request.bundle, engine="onnxruntime", threads=threads) as model:
        for other, is_exact in ((_EXACT, True), (_FAST, False)):
            session = by_hand.open_session(str(material.model), threads=threads, is_exact=is_exact)
            if is_exact:
                for picture in material.pictures:
                    scores = [each.score for each in model.run(picture).outputs[0].scores]
                    answer = by_hand.answer(session, picture).values()
                    pairs = zip(scores, answer, strict=True)
                    difference = max(difference, *(abs(one - two) for one, two in pairs))
            before = read_state()
            blocks = alternate_blocks(
                model.run,
                partial(by_hand.answer, session),
                material.pictures,
                images=request.images,
            )
            values = (blocks.ours_ns, blocks.theirs_ns)
            share = _share_since(before)
            comparisons.append(_comparison("warm image", "ns", other, values, share))
    return tuple(comparisons), difference


def _watch_growth(
    request: OverheadRequest, material: _Material, threads: int
) -> MemoryGrowth | None:
    if request.growth_answers < SAMPLES:
        return None
    _, text = run_process(
        [
            *(sys.executable, "-m", "benchmarks.peers.memory_growth", str(request.bundle)),
            *(str(request.growth_answers), str(threads), *material.pictures),
        ],
    )
    resident = tuple(json.loads(text))
    answers = request.growth_answers // SAMPLES * SAMPLES
    slope = sen_slope(resident[SAMPLES // 2 :])
    scale = 1000 * SAMPLES / answers
    by_1000 = Slope(slope.value * scale, slope.low * scale, slope.high * scale)
    return MemoryGrowth(answers, resident, by_1000)


def _share_since(before: MachineState) -> float | None:
    return others_share(before, read_state(), describe_machine().processors)


def _reasons(
    comparisons: Sequence[Comparison],
    difference: float,
    *,
    is_emulated: bool,
) -> tuple[str, ...]:
    reasons = []
    if is_emulated:
        reasons.append("the processor is emulated: no time on it says anything")
    if not difference <= _SAME_SCORE:
        reasons.append(f"the two sides' scores differ by {difference:.2g}: not the same work")
    shares = [each.others_share for each in comparisons if each.others_share is not None]
    if shares and max(shares) > MOST_OTHERS_SHARE:
        reasons.append(f"other programs took up to {max(shares):.0%} of the processors")
    return tuple(reasons)


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path), default=DEFAULT_BUNDLE)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--threads", type=click.IntRange(min=1), help="Default: all, at most 4.")
@click.option("--rounds", type=click.IntRange(min=1), default=30, show_default=True)
@click.option("--images", type=click.IntRange(min=10), default=500, show_default=True)
@click.option("--growth", type=click.IntRange(min=0), default=20_000, show_default=True)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def overhead_command(bundle: Path, output: Path, **options: Any) -> int:
    """Compare the runtime with the hand-written script on BUNDLE; write JSON and Markdown.

    Exit code 1 where a bar is missed or the figures must not be quoted.
    """
    request = OverheadRequest(
        bundle=bundle,
        threads=options["threads"],
        rounds=options["rounds"],
        images=options["images"],
        growth_answers=options["growth"],
    )
    command = (
        f"python -m benchmarks.peers.runtime_overhead -o {output.name} "
        f"--rounds {request.rounds} --images {request.images} --growth {request.growth_answers}"
    )
    record = compare_with_handwritten(request, command=command)
    write_file(output, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    table = format_table(record)
    write_file(output.with_suffix(".md"), table.encode())
    click.echo(table, nl=False)
    is_met = all(each.is_met for each in record.comparisons) and not record.imports.foreign
    return 0 if is_met and not record.reasons else 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point; ends the process with an exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    run_command(overhead_command, words, name="runtime_overhead")


if __name__ == "__main__":
    main()
