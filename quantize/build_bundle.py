"""Composes the toolchain: model and examples in, measured bundle out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from edge.bundle.manifest import Evidence, ImageInput, Input, Manifest, Output
from edge.bundle.writer import write_bundle
from edge.errors import OutputError
from quantize.artifacts import BuiltArtifact, write_artifacts, write_kept_float
from quantize.build_examples import open_examples, open_labelled_data
from quantize.build_gates import check_source, reported_findings
from quantize.build_judgement import Judgement, float_tflite, judge_artifacts
from quantize.build_repair import (
    final_ranges,
    ladder_steps,
    quantize_for,
)
from quantize.build_report import (
    Measured,
    Speed,
    compose_report,
    kept_float_notes,
    survey_layers,
    time_artifacts,
    without_times,
)
from quantize.build_request import BuildReport, BuildRequest, DataRequest
from quantize.bundle_manifest import compose_manifest, fill_card, sha256_of_file, tool_versions
from quantize.calibration import TensorRange
from quantize.evaluation.evaluate import fitted_part
from quantize.evaluation.evidence_metrics import to_metrics
from quantize.examples.find_examples import read_example
from quantize.examples.model_examples import Example, ExampleValue, ModelExamples
from quantize.golden_examples import GoldenFile, golden_examples
from quantize.graph import FloatGraph
from quantize.importers.equivalence import check_same_answers
from quantize.int8_cost import CostMeter, far_from_float, flips_in_doubt, shortfall
from quantize.integer_gain import engines_of_float
from quantize.output_spans import output_spans
from quantize.pixel_input import pixel_range, take_pixels
from quantize.quantized_graph import QuantizedGraph
from quantize.report.html_page import render_html
from quantize.report.model import Finding as ReportedFinding
from quantize.report.model import QuantizationReport
from quantize.report.report_files import report_to_json
from quantize.source_model import SourceModel, read_source_model

if TYPE_CHECKING:
    from quantize.evaluation.evaluation import Evaluation
    from quantize.evaluation.layer_loss import LayerLoss
    from quantize.labelled_data import LabelledData
    from quantize.refusals.finding import Finding
    from quantize.repair.ladder import LadderResult

__all__ = [
    "BuildReport",
    "BuildRequest",
    "DataRequest",
    "StageProgress",
    "build_bundle",
    "layers_of",
]

StageProgress = Callable[[str, int, int], None]
"""Called with the stage's name, and how many of how many of its steps are done."""

_DEFAULT_GOLDEN = 3
_OTHER_SUFFIXES = frozenset({".onnx", ".tflite", ".zip"})


@dataclass(frozen=True, slots=True)
class _Form:
    """The graph that is quantized, with how it is fed and read."""

    graph: FloatGraph
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]


def build_bundle(request: BuildRequest, *, progress: StageProgress | None = None) -> BuildReport:
    """Import, calibrate, quantize, repair, write, judge and pack.

    Args:
        request: what to build.
        progress: told how far each stage is.

    Returns:
        What was made and measured. The same request gives the same bundle, byte for byte.

    Raises:
        GateError: it must not be shipped, and why.
        EdgeError: anything else that stands in the way; no partial bundle is left.
    """
    _check_destination(request.destination)
    source = _read_source(request)
    with tempfile.TemporaryDirectory(prefix="edge-quantize-") as scratch:
        return _Build(request, source, progress or _ignore).run(Path(scratch))


def layers_of(
    request: BuildRequest, *, scratch: Path, progress: StageProgress | None = None
) -> tuple[LayerLoss, ...]:
    """Quantize plainly, write nothing, and measure what each layer loses.

    Args:
        request: as for `build_bundle`.
        scratch: folder for frames of a stream.
        progress: told how far each stage is.

    Raises:
        EdgeError: anything that stands in the way.
    """
    source = _read_source(request)
    return _Build(request, source, progress or _ignore).layers(scratch)


class _Build:
    """One bundle on its way: each step takes what those before it made."""

    def __init__(self, request: BuildRequest, source: SourceModel, report: StageProgress) -> None:
        self._request = request
        self._source = source
        self._report = report
        self.ladder: LadderResult | None = None
        self.assumed: tuple[str, ...] = ()
        self.findings: tuple[Finding, ...] = ()

    def run(self, scratch: Path) -> BuildReport:
        """All steps in order."""
        request, source = self._request, self._source
        data = open_labelled_data(request.data, source.description) if request.data else None
        examples = open_examples(request, source.description, data, scratch=scratch)
        given = [self._golden_file(path) for path in request.golden]
        check_same_answers(source.model, source.graph, examples)
        self.findings = check_source(source, examples, data, request)
        form = self._form()
        prepared = examples.prepared_as(form.inputs)
        quantized = self._quantize(form, prepared, data)
        spans = output_spans(source.graph, examples)
        artifacts = self._write(quantized, form, spans)
        judgement = judge_artifacts(
            request, source, artifacts, examples=examples, data=data, progress=self._report
        )
        final = replace(form, outputs=_refitted(form.outputs, judgement.evaluation))
        if final.outputs != form.outputs:
            artifacts = self._write(quantized, final, spans)
        golden = golden_examples(artifacts, given or _spread(examples, _DEFAULT_GOLDEN))
        manifest = self._manifest(final, artifacts, golden, judgement, prepared)
        report = self._describe(manifest, quantized, artifacts, judgement, prepared)
        files: dict[str, bytes | Path] = {each.entry.path: each.data for each in artifacts}
        files.update({entry.input: content for entry, content in golden})
        files.update(_report_files(report))
        return BuildReport(
            manifest=write_bundle(manifest, files, request.destination),
            destination=request.destination,
            report=report,
            refused=examples.refused,
            shortfall=shortfall(
                judgement.evaluation,
                tuple(each.entry.path for each in artifacts),
                request,
            ),
        )

    def layers(self, scratch: Path) -> tuple[LayerLoss, ...]:
        """Only what the layers lose."""
        examples = open_examples(self._request, self._source.description, None, scratch=scratch)
        check_same_answers(self._source.model, self._source.graph, examples)
        form = self._form()
        prepared = examples.prepared_as(form.inputs)
        quantized = self._quantize(form, prepared, None)
        return self._survey(quantized, prepared)

    def _survey(self, quantized: QuantizedGraph, examples: ModelExamples) -> tuple[LayerLoss, ...]:
        return survey_layers(
            quantized, examples, lambda done, total: self._report("layers", done, total)
        )

    def _write(
        self, quantized: QuantizedGraph, form: _Form, spans: Mapping[str, float]
    ) -> tuple[BuiltArtifact, ...]:
        """For each engine the int8 file, after the float one where that is kept and runs."""
        inputs, outputs = form.inputs, form.outputs
        int8 = write_artifacts(quantized, inputs, outputs, spans, self._request.artifacts)
        written: list[BuiltArtifact] = []
        kept = engines_of_float(self._request.kept_float, quantized)
        for each in int8:
            if each.entry.engine in kept and each.entry.precision != "float32":
                engine = each.entry.engine
                written.append(write_kept_float(form.graph, inputs, outputs, spans, engine))
            written.append(each)
        return tuple(written)

    def _describe(
        self,
        manifest: Manifest,
        quantized: QuantizedGraph,
        artifacts: tuple[BuiltArtifact, ...],
        judgement: Judgement,
        examples: ModelExamples,
    ) -> QuantizationReport:
        """Measure what only the report shows, and put it together."""
        source = self._source
        ranges = final_ranges(
            quantized,
            examples,
            self._request,
            known=_known_ranges(manifest.inputs),
            by_ladder=self.ladder is not None,
            progress=self._report,
        )
        layers = self._survey(quantized, examples)
        speed = Speed()
        if self._request.is_timed:
            floats = float_tflite(source, artifacts)
            speed = time_artifacts(source.artifact(), floats, artifacts, examples)
        is_asked = self._request.kept_float != "auto"
        kept = kept_float_notes(artifacts, is_asked_for=is_asked)
        measured = Measured(
            source_bytes=source.model.ByteSize(),
            parity=judgement.parity,
            evaluation=judgement.evaluation,
            layers=layers,
            ranges=ranges,
            ladder=ladder_steps(self.ladder),
            speed=speed,
            findings=(
                *reported_findings(self.findings),
                *self._doubts(judgement, artifacts),
                *(ReportedFinding("note", each) for each in kept),
                *(ReportedFinding("note", f"assumed {each}") for each in self.assumed),
            ),
        )
        return compose_report(manifest, artifacts, measured)

    def _doubts(
        self, judgement: Judgement, artifacts: tuple[BuiltArtifact, ...]
    ) -> tuple[ReportedFinding, ...]:
        """What labelled data are too few to tell, or what shows without any."""
        names = tuple(each.entry.path for each in artifacts)
        text = flips_in_doubt(judgement.evaluation, names, self._request)
        texts: tuple[str, ...] = (text,) if text else ()
        if judgement.evaluation is None:
            texts = far_from_float(judgement.parity_of(artifacts), self._source.description.outputs)
        return tuple(ReportedFinding("warning", each) for each in texts)

    def _golden_file(self, path: Path) -> tuple[Example, ExampleValue]:
        inputs = self._source.description.inputs
        value = read_example(path, inputs)
        return Example(str(path), lambda: value, path), value

    def _form(self) -> _Form:
        """The graph with its pictures let in as pixels, where that is wanted."""
        description, graph = self._source.description, self._source.graph
        inputs = list(description.inputs)
        for at, each in enumerate(inputs):
            if self._request.takes_pixels and isinstance(each, ImageInput):
                graph = take_pixels(graph, each)
                inputs[at] = _as_pixels(each)
        return _Form(graph, tuple(inputs), description.outputs)

    def _quantize(
        self, form: _Form, examples: ModelExamples, data: LabelledData | None
    ) -> QuantizedGraph:
        meter = None
        # Not those that the report judges on: what was chosen by them would look better than it is.
        kept = None if data is None else fitted_part(data, form.outputs[0])
        if kept is not None:
            meter = partial(CostMeter, self._source.artifact(), form.inputs, form.outputs, kept)
        quantized, self.ladder = quantize_for(
            self._request,
            form.graph,
            examples,
            known_ranges=_known_ranges(form.inputs),
            meter=meter,
            progress=self._report,
        )
        return quantized

    def _manifest(
        self,
        form: _Form,
        artifacts: tuple[BuiltArtifact, ...],
        golden: tuple[GoldenFile, ...],
        judgement: Judgement,
        examples: ModelExamples,
    ) -> Manifest:
        request, description = self._request, self._source.description
        evaluation = judgement.evaluation
        # The float TFLite is no file of the bundle; the report shows its figures.
        known = {"source", *(each.entry.path for each in artifacts)}
        found = () if evaluation is None else to_metrics(evaluation)
        measured = tuple(each for each in found if each.artifact in known)
        evidence = Evidence(
            source_model_sha256=sha256_of_file(request.model),
            calibration_sha256=examples.digest(),
            calibration_examples=len(examples.usable()),
            tools=tool_versions(),
            parity=judgement.parity_of(artifacts),
            metrics=(*measured, *request.metrics),
            calibration_method=request.ranges.method.value,
            refitted=evaluation is not None and evaluation.operating_point is not None,
        )
        card, assumed = fill_card(request.card, model=request.model)
        self.assumed = (*description.assumed, *assumed)
        return compose_manifest(
            card,
            form.inputs,
            form.outputs,
            artifacts,
            golden=tuple(entry for entry, _ in golden),
            evidence=evidence,
        )


def _read_source(request: BuildRequest) -> SourceModel:
    return read_source_model(
        request.model,
        request.card,
        request.input_shapes,
        assumes_no_padding=request.assumes_no_padding,
    )


def _ignore(_stage: str, _done: int, _total: int) -> None:
    return None


def _report_files(report: QuantizationReport) -> dict[str, bytes]:
    timeless = without_times(report)
    return {
        "report/report.html": render_html(timeless).encode("utf-8"),
        "report/report.json": report_to_json(timeless),
    }


def _known_ranges(inputs: tuple[Input, ...]) -> dict[str, TensorRange]:
    """All that pixels can be: with it the 256 levels of a channel are the model's 256 levels."""
    return {
        each.name: TensorRange(*pixel_range(each))
        for each in inputs
        if isinstance(each, ImageInput) and not each.normalisation_in_graph
    }


def _as_pixels(image: ImageInput) -> ImageInput:
    return msgspec.structs.replace(image, dtype="uint8", normalisation_in_graph=True)


def _refitted(outputs: tuple[Output, ...], evaluation: Evaluation | None) -> tuple[Output, ...]:
    """The first output, which the labels are of, at the operating point fitted on int8."""
    point = None if evaluation is None else evaluation.operating_point
    if point is None:
        return outputs
    first = msgspec.structs.replace(
        outputs[0],
        temperature=point.temperature,
        thresholds=point.thresholds or outputs[0].thresholds,
    )
    return (first, *outputs[1:])


def _check_destination(destination: Path) -> None:
    """Say at once what the bundle's writer would say after minutes of work."""
    if not destination.absolute().parent.is_dir():
        raise OutputError(f"cannot write bundle {destination}: its folder does not exist; make it")
    if destination.suffix.lower() in _OTHER_SUFFIXES:
        raise OutputError(f"cannot write bundle {destination}: give NAME.edge or a new folder")
    if destination.is_dir():
        raise OutputError(f"cannot write bundle {destination}: it is a folder; give a new name")
    try:
        with tempfile.TemporaryFile(dir=destination.absolute().parent):
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write bundle {destination}: {error.strerror or error}; choose another place"
        ) from error


def _spread(examples: ModelExamples, count: int) -> list[tuple[Example, ExampleValue]]:
    """A few of the examples that can be read, evenly from first to last."""
    usable = examples.usable()
    if len(usable) > count:
        usable = tuple(usable[at * (len(usable) - 1) // (count - 1)] for at in range(count))
    return [(each, each.read()) for each in usable]
