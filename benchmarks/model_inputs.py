"""What a model is fed while it is measured: real inputs, or random tensors said to be such."""

from __future__ import annotations

import csv
import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.records.measurement import InputIdentity, InputSet
from benchmarks.subjects import ModelPlan
from edge.bundle.reader import open_bundle
from edge.errors import InputError, UsageError
from edge.model_parts import fits_shape
from edge.records.csv_files import parse_csv
from edge.records.limits import MAX_ARRAY_BYTES
from edge.records.numpy_files import NPY_MAGIC, ZIP_MAGIC, parse_npy, parse_npz
from edge.sources.file_bytes import read_file_bytes
from edge.tensor_spec import TensorSpec

__all__ = ["StagedInputs", "random_tensors", "read_tensors", "stage_inputs", "tensors_sha256"]

_RANDOM_INPUTS = 4
_OPEN_LENGTH = 1


@dataclass(frozen=True, slots=True)
class StagedInputs:
    """Inputs as files that the measuring process reads.

    Attributes:
        described: for the record; of random tensors the digests come from the measuring process.
        files: one an input; none for random tensors.
        golden: one a golden example of the bundle, whatever is measured with.
    """

    described: InputSet
    files: tuple[Path, ...]
    golden: tuple[Path, ...]


def stage_inputs(
    plan: ModelPlan, folder: Path, *, given: Sequence[Path], is_random: bool
) -> StagedInputs:
    """Lay out what a model is measured with.

    Args:
        plan: which model.
        folder: to write to.
        given: files that the user named; empty for the bundle's golden inputs.
        is_random: random tensors are wanted.

    Raises:
        UsageError: there is nothing real to measure with.
        InputError: a file cannot be read.
    """
    golden = _extract_golden(plan.path, folder) if plan.is_bundle else ()
    if is_random:
        return StagedInputs(InputSet("random", ()), (), golden)
    if given:
        files = tuple(
            part
            for path in given
            for part in (_split_rows(path, folder) if plan.takes_rows else (path.resolve(),))
        )
        return StagedInputs(_described("given", files), files, golden)
    if not golden:
        raise UsageError(
            f"there is nothing real to measure {plan.path.name} with: it carries no golden inputs; "
            "name files with --input, or say --random to time the engine alone on numbers that "
            "mean nothing",
        )
    return StagedInputs(_described("golden", golden), golden, golden)


def _described(kind: Literal["golden", "given"], files: Sequence[Path]) -> InputSet:
    return InputSet(
        kind,
        tuple(InputIdentity(path.name, hashlib.sha256(_read(path)).hexdigest()) for path in files),
    )


def _extract_golden(model: Path, folder: Path) -> tuple[Path, ...]:
    written = []
    with open_bundle(model) as bundle:
        for index, example in enumerate(bundle.manifest.golden):
            place = folder / f"golden{index}"
            place.mkdir()
            path = place / PurePosixPath(example.input).name
            path.write_bytes(bytes(bundle.read(example.input)))
            written.append(path)
    return tuple(written)


def _split_rows(path: Path, folder: Path) -> tuple[Path, ...]:
    """The file itself; of a table with several rows, a file a row."""
    data = _read(path)
    if path.suffix.lower() != ".csv":
        return (path.resolve(),)
    table = parse_csv(data, str(path))
    if len(table.rows) == 1:
        return (path.resolve(),)
    place = Path(tempfile.mkdtemp(prefix="rows-", dir=folder))
    return tuple(
        _write_row(place / f"{path.stem}-{index}.csv", (table.columns, row))
        for index, row in enumerate(table.rows)
    )


def _write_row(path: Path, lines: Iterable[Iterable[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
    return path


def _read(path: Path) -> bytes:
    return read_file_bytes(os.fspath(path), limit=MAX_ARRAY_BYTES, advice="give a smaller one")


def random_tensors(specs: Sequence[TensorSpec], seed: int) -> list[dict[str, NDArray[Any]]]:
    """Make inputs that mean nothing, for an engine alone.

    Floats are standard normal; integers of 8 bits cover their range; wider ones, which may be
    positions in a vocabulary, are 0 or 1; an axis that the model leaves open has length 1.

    Args:
        specs: what the engine takes.
        seed: the same seed gives the same numbers.
    """
    generator = np.random.default_rng(seed)
    return [
        {spec.name: _random_tensor(spec, generator) for spec in specs}
        for _ in range(_RANDOM_INPUTS)
    ]


def _random_tensor(spec: TensorSpec, generator: np.random.Generator) -> NDArray[Any]:
    shape = tuple(size or _OPEN_LENGTH for size in spec.shape)
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        return generator.standard_normal(shape).astype(dtype)
    if dtype in (np.int8, np.uint8):
        limits = np.iinfo(dtype)
        return generator.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    return generator.integers(0, 2, shape).astype(dtype)


def read_tensors(path: Path, specs: Sequence[TensorSpec]) -> dict[str, NDArray[Any]]:
    """Read the tensors of one input for an engine alone, exactly as it takes them.

    Args:
        path: a .npy file for an engine with one input, else a .npz file with one array a name.
        specs: what the engine takes.

    Raises:
        InputError: the file holds something else.
    """
    arrays = _read_arrays(path)
    if len(specs) == len(arrays) == 1:
        arrays = {specs[0].name: next(iter(arrays.values()))}
    for spec in specs:
        array = arrays.get(spec.name)
        if array is None or array.dtype != spec.dtype or not fits_shape(spec.shape, array.shape):
            seen = "nothing" if array is None else f"{array.dtype}{list(array.shape)}"
            raise InputError(
                f"{path.name} holds {seen} for {spec.name}; the model, which does not say how it "
                f"is fed, takes {spec.dtype}{list(spec.shape)}: give it just so",
            )
    return {spec.name: np.ascontiguousarray(arrays[spec.name]) for spec in specs}


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    data = _read(path)
    if data.startswith(NPY_MAGIC):
        return {"": parse_npy(data, path.name)}
    if data.startswith(ZIP_MAGIC):
        return dict(parse_npz(data, path.name))
    raise InputError(
        f"{path.name} is no .npy or .npz file, and the model does not say how it is fed; give "
        "its tensors, or make a bundle with edge-quantize",
    )


def tensors_sha256(tensors: Mapping[str, NDArray[Any]]) -> str:
    """Digest of the tensors of one input, in hex."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].tobytes())
    return digest.hexdigest()
