"""Replay a bundle's golden inputs on this very machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.bundle.golden import compare_golden
from edge.bundle.manifest import Artifact, GoldenExample
from edge.bundle.reader import Bundle, open_bundle
from edge.decode import decode_image
from edge.engines.selection import is_installed
from edge.errors import BundleError, EngineError, EngineNotInstalledError
from edge.frame import Frame
from edge.model_loader import DEFAULT_BUNDLE, LoadOptions, load
from edge.model_parts import ModelParts
from edge.pipeline import Model
from edge.record import Record

__all__ = ["GoldenCheck", "check_loaded_model", "read_golden", "run_selftest"]


@dataclass(frozen=True, slots=True)
class GoldenCheck:
    """One golden input through one artifact.

    Attributes:
        artifact: the model file's path in the bundle.
        engine: which engine ran it.
        engine_version: version of the engine's library.
        precision: of the artifact.
        input: the golden input's path in the bundle.
        same_tensor: whether preprocessing made bit for bit the lab's tensor.
        steps: largest difference from the lab's outputs, in output steps.
        tolerance_steps: how many steps are allowed.
        reason: why the artifact could not be run at all; None where it ran.
    """

    artifact: str
    engine: str
    engine_version: str
    precision: str
    input: str
    same_tensor: bool
    steps: float
    tolerance_steps: int
    reason: str | None = None

    @property
    def is_passed(self) -> bool:
        """Whether this machine answers as the lab did."""
        return self.reason is None and self.same_tensor and self.steps <= self.tolerance_steps


def run_selftest(
    path: Path | None = None, options: LoadOptions | None = None
) -> Iterator[GoldenCheck]:
    """Check every artifact whose engine is installed (and asked for) on every golden input.

    Args:
        path: a bundle; None for the one that comes with edgedx.
        options: which engine, precision, threads and trusted keys; "auto" takes all.

    Yields:
        One check for each artifact and golden input; a single failed one, with the reason, for
        an artifact that its engine does not load or run.

    Raises:
        BundleError: the bundle is refused or holds no golden example.
        EngineNotInstalledError: no artifact asked for can run on this machine.
    """
    path = path or DEFAULT_BUNDLE
    options = options or LoadOptions()
    with open_bundle(path, trusted_keys=options.trusted_keys) as bundle:
        manifest = bundle.manifest
        if not manifest.golden:
            raise BundleError(f"{path} holds no golden example; rebuild it with edge-quantize")
        chosen = [
            artifact
            for artifact in manifest.artifacts
            if options.engine in ("auto", artifact.engine)
            and options.precision in ("auto", artifact.precision)
            and is_installed(artifact.engine)
        ]
        if not chosen:
            raise EngineNotInstalledError(
                f"no artifact of {path} for engine {options.engine} and precision "
                f"{options.precision} can run here; see edge-run doctor",
            )
        for artifact in chosen:
            try:
                yield from _check_artifact(path, artifact, bundle, options)
            except EngineError as error:
                yield _failed(artifact, str(error))


def _check_artifact(
    path: Path,
    artifact: Artifact,
    bundle: Bundle,
    options: LoadOptions,
) -> Iterator[GoldenCheck]:
    options = LoadOptions(
        threads=options.threads, artifact=artifact.path, trusted_keys=options.trusted_keys
    )
    with load(path, options=options) as model:
        yield from _check_examples(model, bundle)


def check_loaded_model(model: Model, path: Path) -> Iterator[GoldenCheck]:
    """Check a model that is loaded already on its bundle's golden inputs.

    Args:
        model: loaded from the bundle.
        path: the bundle.

    Yields:
        One check for each golden input; none where the bundle holds none.

    Raises:
        BundleError: the bundle is refused.
        EngineError: the engine failed.
    """
    with open_bundle(path) as bundle:
        yield from _check_examples(model, bundle)


def _check_examples(model: Model, bundle: Bundle) -> Iterator[GoldenCheck]:
    for example in bundle.manifest.golden:
        yield _check(model, example, bundle.read(example.input))


def _failed(artifact: Artifact, reason: str) -> GoldenCheck:
    return GoldenCheck(
        artifact=artifact.path,
        engine=artifact.engine,
        engine_version="",
        precision=artifact.precision,
        input="",
        same_tensor=False,
        steps=0.0,
        tolerance_steps=artifact.tolerance_steps,
        reason=reason,
    )


def read_golden(data: bytes, parts: ModelParts, name: str) -> Frame | Record:
    """Decode a golden input: a picture, or a record for a model that takes something else.

    Raises:
        InputError: it is not what the model takes.
    """
    if parts.takes_one_picture:
        return decode_image(data, source=name)
    from edge.records.record_reader import decode_records

    return decode_records(data, parts.inputs, source=name)[0]


def _check(model: Model, example: GoldenExample, data: bytes) -> GoldenCheck:
    given = read_golden(data, model.parts, example.input)
    artifact = model.parts.artifact
    differences = compare_golden(example, artifact, model.output_values(given))
    return GoldenCheck(
        artifact=artifact.path,
        engine=model.parts.engine.name,
        engine_version=model.parts.engine.version,
        precision=artifact.precision,
        input=example.input,
        same_tensor=model.tensor_sha256(given) == example.tensor_sha256,
        steps=max(each.steps for each in differences),
        tolerance_steps=artifact.tolerance_steps,
    )
