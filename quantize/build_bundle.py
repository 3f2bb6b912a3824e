"""Composes the toolchain: model and examples in, measured bundle out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.bundle.manifest import Evidence, Manifest, Metric
from edge.bundle.writer import write_bundle
from edge.errors import OutputError
from edge.frame import Frame
from quantize.artifacts import source_artifact, write_artifacts
from quantize.bundle_manifest import compose_manifest, fill_card, sha256_of_file, tool_versions
from quantize.calibration import TensorRange
from quantize.compare_artifacts import compare_artifacts
from quantize.describe_model import ModelDescription, describe_model
from quantize.golden_examples import golden_examples
from quantize.graph import FloatGraph
from quantize.image_examples import ImageExamples, pixel_range, select_examples
from quantize.importers.equivalence import check_same_answers
from quantize.importers.onnx_importer import import_model, load_static_onnx
from quantize.model_card import ModelCard
from quantize.quantize_model import StageProgress, quantize_model
from quantize.quantized_graph import QuantizedGraph

__all__ = ["BuildReport", "BuildRequest", "build_bundle"]

_DEFAULT_GOLDEN = 3
_OTHER_SUFFIXES = frozenset({".onnx", ".tflite", ".zip"})


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What to build.

    Attributes:
        model: the .onnx file.
        calibration: folders, patterns and files of real pictures.
        destination: `NAME.edge`, or a new folder.
        card: what the model does not say.
        golden: pictures to pack with their answers; empty takes 3 of the calibration pictures.
        most_examples: how many calibration pictures at most.
        input_shapes: by input name, where the model leaves more open than its batch.
        metrics: measured elsewhere, to embed.
    """

    model: Path
    calibration: tuple[str, ...]
    destination: Path
    card: ModelCard
    golden: tuple[Path, ...] = ()
    most_examples: int = 300
    input_shapes: Mapping[str, tuple[int, ...]] | None = None
    metrics: tuple[Metric, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What was built.

    Attributes:
        manifest: as written.
        destination: where the bundle is.
        operators: how many of each in the float graph.
        source_bytes: size of the source model.
        assumed: what neither the model nor the card said.
        refused: calibration pictures left out, and why.
    """

    manifest: Manifest
    destination: Path
    operators: Mapping[str, int]
    source_bytes: int
    assumed: tuple[str, ...]
    refused: Mapping[Path, str]


@dataclass(frozen=True, slots=True)
class _Source:
    """The source model, understood, and the pictures to measure it on."""

    model: Any
    graph: FloatGraph
    description: ModelDescription
    examples: ImageExamples


def build_bundle(request: BuildRequest, *, progress: StageProgress | None = None) -> BuildReport:
    """Import, calibrate, quantize, write both artifacts, compare them and write the bundle.

    Args:
        request: what to build.
        progress: told how far each stage is.

    Returns:
        What was made and measured. The same request gives the same bytes.

    Raises:
        EdgeError: anything that stands in the way; no partial bundle is left.
    """
    report = progress or _ignore
    _check_destination(request.destination)
    source = _read_source(request)
    given = [(path, source.examples.read(path)) for path in request.golden]
    check_same_answers(source.model, source.graph, source.examples)
    artifacts = write_artifacts(_quantize(source, report), source.description)
    parity = compare_artifacts(
        source_artifact(source.model.SerializeToString(), source.description),
        artifacts,
        description=source.description,
        examples=source.examples,
        progress=lambda done, total: report("compare", done, total),
    )
    pictures = given or _spread(source.examples, _DEFAULT_GOLDEN)
    golden = golden_examples(artifacts, source.description, pictures)
    evidence = Evidence(
        source_model_sha256=sha256_of_file(request.model),
        calibration_sha256=source.examples.digest(),
        calibration_examples=len(source.examples.usable()),
        tools=tool_versions(),
        parity=parity,
        metrics=request.metrics,
    )
    card, assumed = fill_card(request.card, model=request.model)
    manifest = compose_manifest(
        card, source.description, artifacts, golden=golden, evidence=evidence
    )
    files: dict[str, bytes | Path] = {each.entry.path: each.data for each in artifacts}
    files.update({each.input: path for each, (path, _) in zip(golden, pictures, strict=True)})
    return BuildReport(
        manifest=write_bundle(manifest, files, request.destination),
        destination=request.destination,
        operators=Counter(node.op for node in source.graph.nodes),
        source_bytes=request.model.stat().st_size,
        assumed=(*source.description.assumed, *assumed),
        refused=source.examples.refused,
    )


def _ignore(_stage: str, _done: int, _total: int) -> None:
    return None


def _check_destination(destination: Path) -> None:
    """Say at once what the bundle's writer would say after minutes of work."""
    if not destination.absolute().parent.is_dir():
        raise OutputError(f"cannot write bundle {destination}: its folder does not exist; make it")
    if destination.suffix.lower() in _OTHER_SUFFIXES:
        raise OutputError(f"cannot write bundle {destination}: give NAME.edge or a new folder")
    if destination.is_dir():
        raise OutputError(f"cannot write bundle {destination}: it is a folder; give a new name")


def _read_source(request: BuildRequest) -> _Source:
    model = load_static_onnx(request.model, input_shapes=request.input_shapes)
    graph = import_model(model)
    description = describe_model(graph, request.card)
    paths = select_examples(request.calibration, most=request.most_examples)
    return _Source(model, graph, description, ImageExamples(paths, description.input))


def _quantize(source: _Source, report: StageProgress) -> QuantizedGraph:
    # All that pixels can be: with it the 256 levels of a channel are the model's 256 levels.
    pixels = TensorRange(*pixel_range(source.description.input))
    return quantize_model(
        source.graph,
        source.examples,
        known_ranges={source.graph.inputs[0]: pixels},
        progress=report,
    )


def _spread(examples: ImageExamples, count: int) -> list[tuple[Path, Frame]]:
    """A few of the pictures that can be read, evenly from first to last."""
    usable = examples.usable()
    if len(usable) > count:
        usable = tuple(usable[at * (len(usable) - 1) // (count - 1)] for at in range(count))
    return [(path, examples.read(path)) for path in usable]
