"""Everything measured on the way -> one report."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from edge.bundle.manifest import Manifest, Parity
from edge.engines.base import EngineOptions
from edge.model_parts import check_against_engine
from edge.preprocess.record import RecordPreprocessor
from quantize.artifacts import BuiltArtifact, is_kept_float, open_artifact
from quantize.evaluation.layer_loss import LayerLoss, measure_layer_losses
from quantize.report.model import (
    Finding,
    LadderStep,
    ModelFile,
    QuantizationReport,
    RangeEntry,
    SpeedEntry,
    SpeedGain,
)
from quantize.report.speed import RunTimes, measure_speed, speed_entries, speed_gain

if TYPE_CHECKING:
    from quantize.evaluation.evaluation import Evaluation
    from quantize.examples.model_examples import ModelExamples
    from quantize.quantized_graph import QuantizedGraph
    from quantize.run_examples import Progress

__all__ = [
    "Measured",
    "Speed",
    "compose_report",
    "kept_float_notes",
    "survey_layers",
    "time_artifacts",
    "without_times",
]

_LAYER_EXAMPLES = 16


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast all files are on this machine, and what int8 gains in each engine."""

    entries: tuple[SpeedEntry, ...] = ()
    gains: tuple[SpeedGain, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """What a report is made of besides the manifest.

    Attributes:
        source_bytes: size of the float model.
        parity: of every file against the source.
        evaluation: on labelled data; None without.
        layers: what each layer loses.
        ranges: of the tensors.
        ladder: attempts to repair.
        ladder_metric: what they were judged by.
        speed: of all files on this machine.
        findings: what a reader has to know.
    """

    source_bytes: int
    parity: tuple[Parity, ...] = ()
    evaluation: Evaluation | None = None
    layers: tuple[LayerLoss, ...] = ()
    ranges: tuple[RangeEntry, ...] = ()
    ladder: tuple[LadderStep, ...] = ()
    ladder_metric: str = "SNR in dB"
    speed: Speed = field(default_factory=Speed)
    findings: tuple[Finding, ...] = ()


def compose_report(
    manifest: Manifest, artifacts: Sequence[BuiltArtifact], measured: Measured
) -> QuantizationReport:
    """Put the report together.

    Args:
        manifest: of the bundle.
        artifacts: its model files.
        measured: all that the manifest does not hold.
    """
    evidence = manifest.evidence
    files = [ModelFile("source", measured.source_bytes)]
    files += [
        ModelFile(each.entry.path, len(each.data), hashlib.sha256(each.data).hexdigest())
        for each in artifacts
    ]
    return QuantizationReport(
        name=manifest.name,
        version=manifest.version,
        task=manifest.task,
        files=tuple(files),
        calibration_examples=evidence.calibration_examples if evidence else 0,
        parity=measured.parity,
        evaluation=measured.evaluation,
        layers=measured.layers,
        ranges=measured.ranges,
        ladder=measured.ladder,
        ladder_metric=measured.ladder_metric,
        speed=measured.speed.entries,
        speed_gains=measured.speed.gains,
        machine=_machine() if measured.speed.entries else "",
        findings=measured.findings,
        versions=evidence.tools if evidence else {},
        digests=_digests(manifest),
    )


def without_times(report: QuantizationReport) -> QuantizationReport:
    """The report as it goes into the bundle, whose bytes say nothing of this machine's speed."""
    steps = tuple(replace(each, seconds=0.0) for each in report.ladder)
    return replace(report, speed=(), speed_gains=(), machine="", ladder=steps)


def kept_float_notes(artifacts: Sequence[BuiltArtifact], *, is_asked_for: bool) -> tuple[str, ...]:
    """Which engines run the float file, one sentence each."""
    reason = (
        "as asked for"
        if is_asked_for
        else "so small a recurrent or attention model gains no speed; --float none leaves it out"
    )
    return tuple(
        f"{each.entry.engine} runs {each.entry.path}: {reason}"
        for each in artifacts
        if is_kept_float(each)
    )


def survey_layers(
    quantized: QuantizedGraph, examples: ModelExamples, progress: Progress
) -> tuple[LayerLoss, ...]:
    """What each layer loses, over a few of the examples."""
    few = examples.usable()[:: max(1, len(examples.usable()) // _LAYER_EXAMPLES)]
    return measure_layer_losses(quantized, examples.only(few[:_LAYER_EXAMPLES]), progress)


def time_artifacts(
    source: BuiltArtifact,
    floats: BuiltArtifact,
    artifacts: Sequence[BuiltArtifact],
    examples: ModelExamples,
) -> Speed:
    """Time every file on the first example, on one thread, taking turns.

    Args:
        source: the float model.
        floats: the float TFLite file, which the bundle may hold or not.
        artifacts: the bundle's files.
        examples: real inputs.
    """
    record = examples.record(next(value for _, value in islice(examples.values(), 1)))
    runs: dict[tuple[str, str], Callable[[], object]] = {}
    with ExitStack() as stack:
        for each in (source, floats, *(each for each in artifacts if each is not floats)):
            model = stack.enter_context(open_artifact(each, EngineOptions(threads=1)))
            targets, _ = check_against_engine(model.parts)
            prepared = RecordPreprocessor(each.inputs, targets, each.entry.layout)
            tensors, _ = prepared.prepare_checked(record)
            runs[each.entry.engine, each.entry.path] = partial(model.parts.engine.run, tensors)
        times = measure_speed(runs)
    unkept = {str(each.entry.engine): each.entry.path for each in (source, floats)}
    return Speed(speed_entries(times), _gains(times, artifacts, unkept))


def _gains(
    times: RunTimes, artifacts: Sequence[BuiltArtifact], unkept: Mapping[str, str]
) -> tuple[SpeedGain, ...]:
    """Each int8 file beside the float file that stands before it, or one outside the bundle."""
    kept = {each.entry.engine: each.entry.path for each in artifacts if is_kept_float(each)}
    return tuple(
        speed_gain(
            times,
            each.entry.engine,
            reference=kept.get(each.entry.engine, unkept[each.entry.engine]),
            model=each.entry.path,
            is_float_kept=each.entry.engine in kept,
        )
        for each in artifacts
        if each.entry.precision != "float32"
    )


def _machine() -> str:
    return (
        f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, one thread"
    )


def _digests(manifest: Manifest) -> Mapping[str, str]:
    if manifest.evidence is None:
        return {}
    return {
        "source model": manifest.evidence.source_model_sha256,
        "calibration examples": manifest.evidence.calibration_sha256,
    }
