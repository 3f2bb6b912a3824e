"""What there is to measure: every model file x its precisions x engines x threads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from benchmarks.records.measurement import Subject
from edge.bare_model import BARE_ENGINES
from edge.bundle.manifest import TableInput
from edge.bundle.reader import open_bundle
from edge.engines.selection import INSTALL, is_installed
from edge.engines.threads import resolve_threads
from edge.errors import BundleError, EngineNotInstalledError, UsageError
from edge.model_loader import DEFAULT_BUNDLE
from edge.model_metadata import has_int8_weights, read_model_metadata

__all__ = ["ModelPlan", "PlannedSubject", "SubjectChoice", "default_threads", "plan_model"]


@dataclass(frozen=True, slots=True)
class SubjectChoice:
    """Which subjects are wanted; empty for all that the model files allow.

    Attributes:
        engines: "onnxruntime", "litert".
        precisions: "int8", "float32", ...
        threads: inside one inference.
        is_random: the engine alone, on random tensors.
    """

    engines: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ()
    threads: tuple[int, ...] = ()
    is_random: bool = False


@dataclass(frozen=True, slots=True)
class PlannedSubject:
    """One measurement to make.

    Attributes:
        subject: for the record; its engine's version is not known yet.
        artifact: the file in the bundle; "" for a bare model file.
        is_engine_only: the file does not say how it is fed, or nothing real is to be fed.
    """

    subject: Subject
    artifact: str
    is_engine_only: bool


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """What is to be measured of one bundle or bare model file.

    Attributes:
        path: of it.
        is_bundle: it is one.
        takes_rows: its input is a table, so that each row of a CSV file is an input.
        subjects: at least one.
        left_out: in words, what cannot be measured here because an engine is not installed.
    """

    path: Path
    is_bundle: bool
    takes_rows: bool
    subjects: tuple[PlannedSubject, ...]
    left_out: tuple[str, ...]


def default_threads() -> tuple[int, ...]:
    """One thread, and as many as the runtime takes by itself."""
    return tuple(sorted({1, resolve_threads(None)}))


def plan_model(model: Path | None, choice: SubjectChoice) -> ModelPlan:
    """Say what is to be measured of a model.

    Args:
        model: a bundle or a bare model file; None for the bundle that comes with edgedx.
        choice: which subjects are wanted.

    Raises:
        BundleError: it is refused or cannot be read.
        UsageError: it has nothing of the engine or precision that was asked for.
        EngineNotInstalledError: no engine for what was asked for is installed.
    """
    path = DEFAULT_BUNDLE if model is None else model
    is_bare = path.suffix.lower() in BARE_ENGINES and not path.is_dir()
    takes_rows, files = _bare_file(path) if is_bare else _bundle_files(path)
    wanted = [
        each
        for each in files
        if each.subject.engine in (choice.engines or (each.subject.engine,))
        and each.subject.precision in (choice.precisions or (each.subject.precision,))
    ]
    if not wanted:
        held = {f"{each.subject.engine} {each.subject.precision}" for each in files}
        raise UsageError(
            f"{path.name} has nothing for {' or '.join(choice.engines) or 'any engine'} in "
            f"{' or '.join(choice.precisions) or 'any precision'}; it has: "
            + ", ".join(sorted(held)),
        )
    engines = {each.subject.engine for each in wanted}
    missing = sorted(engine for engine in engines if not is_installed(engine))
    there = [each for each in wanted if each.subject.engine not in missing]
    if not there or set(missing) & set(choice.engines):
        raise EngineNotInstalledError(
            f"engine {' and '.join(missing)} not installed; "
            + " or ".join(INSTALL[each] for each in missing),
        )
    return ModelPlan(
        path=path,
        is_bundle=not is_bare,
        takes_rows=takes_rows,
        subjects=tuple(_with_threads(there, choice)),
        left_out=tuple(f"{path.name} on {each}: not installed" for each in missing),
    )


def _with_threads(
    files: Sequence[PlannedSubject], choice: SubjectChoice
) -> Iterator[PlannedSubject]:
    for each in files:
        for threads in choice.threads or default_threads():
            yield PlannedSubject(
                replace(each.subject, threads=resolve_threads(threads)),
                each.artifact,
                each.is_engine_only or choice.is_random,
            )


def _bundle_files(path: Path) -> tuple[bool, list[PlannedSubject]]:
    with open_bundle(path) as bundle:
        manifest = bundle.manifest
        entries = {entry.path: entry for entry in manifest.files}
        takes_rows = len(manifest.inputs) == 1 and isinstance(manifest.inputs[0], TableInput)
        return takes_rows, [
            PlannedSubject(
                Subject(
                    name=manifest.name,
                    version=manifest.version,
                    digest=bundle.digest,
                    artifact=each.path,
                    artifact_sha256=entries[each.path].sha256,
                    artifact_bytes=entries[each.path].size_bytes,
                    package_bytes=_size(path),
                    precision=each.precision,
                    engine=each.engine,
                    engine_version="",
                    threads=0,
                ),
                each.path,
                False,
            )
            for each in manifest.artifacts
        ]


def _bare_file(path: Path) -> tuple[bool, list[PlannedSubject]]:
    if path.exists() and not path.is_file():
        # A FIFO of that name must not hang the caller.
        raise BundleError(f"{path} is no regular file; give a model file")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"cannot read model {path}: {error.strerror}; check the path") from error
    suffix = path.suffix.lower()
    stated = read_model_metadata(data, suffix)
    precision = "int8" if has_int8_weights(data, suffix) else "float32"
    digest = hashlib.sha256(data).hexdigest()
    subject = Subject(
        name=PurePosixPath(path).name,
        version="",
        digest=digest,
        artifact=path.name,
        artifact_sha256=digest,
        artifact_bytes=len(data),
        package_bytes=len(data),
        precision=(stated.precision if stated is not None else None) or precision,
        engine=BARE_ENGINES[suffix],
        engine_version="",
        threads=0,
    )
    takes_rows = (
        stated is not None and len(stated.inputs) == 1 and isinstance(stated.inputs[0], TableInput)
    )
    return takes_rows, [PlannedSubject(subject, "", stated is None)]


def _size(path: Path) -> int:
    """Of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    return path.stat().st_size
