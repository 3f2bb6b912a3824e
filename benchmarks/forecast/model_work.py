"""The work of model files: bare ones, and those in a bundle."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from benchmarks.forecast.onnx_work import profile_onnx_work
from benchmarks.forecast.tflite_work import read_tflite_work
from benchmarks.forecast.work import ModelWork
from edge.bare_model import BARE_ENGINES
from edge.bundle.reader import open_bundle
from edge.errors import InputNotFoundError

__all__ = ["FileWork", "read_works"]


@dataclass(frozen=True, slots=True)
class FileWork:
    """One model file.

    Attributes:
        name: of the file.
        data: its bytes.
        engine: that runs it.
        work: of one inference.
    """

    name: str
    data: bytes
    engine: str
    work: ModelWork


def read_works(path: Path) -> tuple[FileWork, ...]:
    """Count the work of a model file, or of every model file of a bundle.

    Raises:
        BundleError: the bundle is refused.
        InputError: a file cannot be read, or is damaged.
    """
    engine = BARE_ENGINES.get(path.suffix.lower())
    if engine is not None and not path.is_dir():
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputNotFoundError(
                f"cannot read {path}: {error.strerror}; check its name"
            ) from error
        return (FileWork(path.name, data, engine, _read(data, engine, str(path))),)
    with open_bundle(path) as bundle:
        files = [
            (each.path, bytes(bundle.read(each.path)), each.engine)
            for each in bundle.manifest.artifacts
        ]
    return tuple(
        FileWork(PurePosixPath(name).name, data, engine, _read(data, engine, name))
        for name, data, engine in files
    )


def _read(data: bytes, engine: str, source: str) -> ModelWork:
    if engine == "litert":
        return read_tflite_work(data, source=source)
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as folder:
        return profile_onnx_work(data, Path(folder), source=source)
