"""One measurement from a model file to a record."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from benchmarks.cold_start import ColdStart, measure_cold_start
from benchmarks.environment import describe_machine, read_state
from benchmarks.measure import Picture, measure_warm
from benchmarks.record import (
    SCHEMA_VERSION,
    BenchmarkRecord,
    GoldenReplay,
    PictureIdentity,
    Subject,
)
from benchmarks.summary import judge
from edge.bundle.golden import compare_golden
from edge.bundle.reader import open_bundle
from edge.engines.threads import resolve_threads
from edge.errors import UsageError
from edge.model_loader import DEFAULT_BUNDLE, load
from edge.pipeline import Model
from edge.results import Result
from edge.selftest import read_golden
from edge.sources.image_files import read_image_bytes

__all__ = ["BenchmarkRequest", "run_benchmark"]

_BARE_SUFFIXES = (".onnx", ".tflite")
_SAME_SCORE = 1e-6
"""Float kernels may add in another order from call to call; integer ones give the same bits."""


@dataclass(frozen=True, slots=True)
class BenchmarkRequest:
    """What to measure, and for how long.

    Attributes:
        model: a bundle or a bare model file; None for the bundle that comes with edgedx.
        engine: "auto", "onnxruntime" or "litert".
        threads: threads inside one inference; None for every processor, at most 4.
        duration_s: length of the warm measurement.
        inputs: real pictures; empty for the bundle's golden inputs.
        cold_starts: how many fresh processes.
    """

    model: Path | None = None
    engine: str = "auto"
    threads: int | None = None
    duration_s: float = 10.0
    inputs: tuple[Path, ...] = ()
    cold_starts: int = 5


def run_benchmark(request: BenchmarkRequest) -> BenchmarkRecord:
    """Measure cold starts, then load, first answer and warm latency in this process.

    Raises:
        UsageError: there is no real picture to measure with.
        EdgeError: the model or a picture is refused, or the engine fails.
    """
    golden_bytes, artifact_sizes = _read_bundle(request.model)
    pictures = _read_pictures(request.inputs) if request.inputs else _golden_pictures(golden_bytes)
    if not pictures:
        raise UsageError(
            "there is nothing real to measure with: the model carries no golden inputs; "
            "name pictures with --input",
        )
    cold = _measure_cold(request, pictures[0])
    start = time.perf_counter_ns()
    with load(request.model, engine=request.engine, threads=request.threads) as model:
        load_ns = time.perf_counter_ns() - start
        return _measure_loaded(
            request,
            model,
            _Material(pictures, golden_bytes, artifact_sizes, cold, load_ns),
        )


@dataclass(frozen=True, slots=True)
class _Material:
    pictures: tuple[Picture, ...]
    golden_bytes: dict[str, bytes]
    artifact_sizes: dict[str, int]
    cold_starts: tuple[ColdStart, ...]
    load_ns: int


def _measure_loaded(
    request: BenchmarkRequest,
    model: Model,
    material: _Material,
) -> BenchmarkRecord:
    start = time.perf_counter_ns()
    model.run(material.pictures[0].data)
    first_answer_ns = time.perf_counter_ns() - start
    steps_before, same_tensors = _replay_golden(model, material.golden_bytes)
    expected = [model.run(picture.data) for picture in material.pictures]
    machine, before = describe_machine(), read_state()
    warm = measure_warm(
        model,
        material.pictures,
        duration_ns=round(request.duration_s * 1e9),
        is_expected=lambda index, result: _is_same_answer(expected[index], result),
    )
    after = read_state()
    steps_after, _ = _replay_golden(model, material.golden_bytes)
    tolerance = model.parts.artifact.tolerance_steps
    golden = GoldenReplay(
        len(model.parts.golden), steps_before, steps_after, tolerance, same_tensors
    )
    return BenchmarkRecord(
        schema="edgedx-benchmark",
        schema_version=SCHEMA_VERSION,
        subject=_subject(request, model, material.artifact_sizes),
        machine=machine,
        before=before,
        after=after,
        pictures=tuple(PictureIdentity(each.name, each.sha256) for each in material.pictures),
        is_golden=not request.inputs,
        cold_starts=material.cold_starts,
        load_ns=material.load_ns,
        first_answer_ns=first_answer_ns,
        warm=warm,
        golden=golden,
        verdict=judge(warm, golden, machine=machine, before=before, after=after),
    )


def _subject(request: BenchmarkRequest, model: Model, sizes: dict[str, int]) -> Subject:
    parts = model.parts
    return Subject(
        name=parts.identity.name,
        version=parts.identity.version,
        digest=parts.identity.digest,
        artifact=PurePosixPath(parts.artifact.path).name if not sizes else parts.artifact.path,
        artifact_bytes=sizes[parts.artifact.path] if sizes else _size(request.model),
        precision=parts.artifact.precision,
        engine=parts.engine.name,
        engine_version=parts.engine.version,
        threads=resolve_threads(request.threads),
    )


def _size(path: Path | None) -> int:
    return path.stat().st_size if path is not None else 0


def _read_bundle(model: Path | None) -> tuple[dict[str, bytes], dict[str, int]]:
    """Golden inputs by their path, and sizes of the files; both empty for a bare model file."""
    path = DEFAULT_BUNDLE if model is None else model
    if path.suffix.lower() in _BARE_SUFFIXES and not path.is_dir():
        return {}, {}
    with open_bundle(path) as bundle:
        golden = {
            example.input: bytes(bundle.read(example.input)) for example in bundle.manifest.golden
        }
        return golden, {entry.path: entry.size_bytes for entry in bundle.manifest.files}


def _golden_pictures(golden_bytes: dict[str, bytes]) -> tuple[Picture, ...]:
    return tuple(_picture(name, data) for name, data in golden_bytes.items())


def _read_pictures(paths: Sequence[Path]) -> tuple[Picture, ...]:
    return tuple(_picture(path.name, read_image_bytes(path)) for path in paths)


def _picture(name: str, data: bytes) -> Picture:
    return Picture(name, data, hashlib.sha256(data).hexdigest())


def _measure_cold(request: BenchmarkRequest, picture: Picture) -> tuple[ColdStart, ...]:
    """The first process fills the caches and is not counted."""
    if not request.cold_starts:
        return ()
    with _as_file(picture) as path:
        starts = [
            measure_cold_start(request.model, path, engine=request.engine, threads=request.threads)
            for _ in range(request.cold_starts + 1)
        ]
    return tuple(starts[1:])


@contextmanager
def _as_file(picture: Picture) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as folder:
        path = Path(folder) / PurePosixPath(picture.name).name
        path.write_bytes(picture.data)
        yield path


def _replay_golden(model: Model, golden_bytes: dict[str, bytes]) -> tuple[float, bool]:
    """Largest difference in output steps, and whether every tensor is the lab's."""
    steps, same = 0.0, True
    for example in model.parts.golden:
        value = read_golden(golden_bytes[example.input], model.parts, example.input)
        differences = compare_golden(example, model.parts.artifact, model.output_values(value))
        steps = max(steps, *(each.steps for each in differences))
        same = same and model.tensor_sha256(value) == example.tensor_sha256
    return steps, same


def _is_same_answer(expected: Result, result: Result) -> bool:
    if result.status != expected.status or len(result.outputs) != len(expected.outputs):
        return False
    return all(
        ours.decision == theirs.decision
        and all(
            abs(one.score - other.score) <= _SAME_SCORE
            for one, other in zip(ours.scores, theirs.scores, strict=True)
        )
        for ours, theirs in zip(result.outputs, expected.outputs, strict=True)
    )
