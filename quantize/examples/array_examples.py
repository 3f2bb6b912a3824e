"""An .npz file whose arrays hold many examples, one after another along their first axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from edge.errors import InputError
from edge.record import Record
from quantize.examples.model_examples import Example

if TYPE_CHECKING:
    from edge.bundle.manifest import Input

__all__ = ["read_stacked"]

_LONE_NAMES = ("X", "x")


def read_stacked(path: Path, inputs: Sequence[Input]) -> list[Example]:
    """Read the examples of an .npz file of many.

    Args:
        path: arrays by input name (or "X" for a model with one input), each of shape
            (examples, ...) with the input's shape after the batch axis. Other arrays are ignored.
        inputs: what the model takes; masks come of their series and are not looked for.

    Returns:
        One example for each entry; none where the file holds a single record.

    Raises:
        InputError: it is damaged, or its arrays hold different numbers of examples.
    """
    from edge.records.limits import MAX_ARRAY_BYTES
    from edge.records.numpy_files import parse_npz
    from edge.records.record_reader import given_inputs
    from edge.sources.file_bytes import read_file_bytes

    data = read_file_bytes(str(path), limit=MAX_ARRAY_BYTES, advice="give it in parts")
    arrays = parse_npz(data, str(path))
    given = given_inputs(inputs)
    chosen = {each.name: _array_of(arrays, each, len(given)) for each in given}
    found = {name: array for name, array in chosen.items() if array is not None}
    if len(found) != len(given):
        return []
    counts = {name: len(array) for name, array in found.items()}
    if len(set(counts.values())) != 1:
        raise InputError(f"{path}: its arrays hold {counts} examples; they must be of the same")
    total = next(iter(counts.values()))
    return [Example(f"{path}[{at}]", partial(_record, found, at, path)) for at in range(total)]


def _array_of(arrays: Mapping[str, NDArray[Any]], spec: Input, inputs: int) -> NDArray[Any] | None:
    """The array of an input, where it holds entries of the input's shape without the batch."""
    names = (spec.name, *(_LONE_NAMES if inputs == 1 else ()))
    array = next((arrays[name] for name in names if name in arrays), None)
    if array is None or array.ndim != len(spec.shape) or array.shape[1:] != spec.shape[1:]:
        return None
    return array if len(array) > 1 else None


def _record(arrays: Mapping[str, NDArray[Any]], at: int, path: Path) -> Record:
    values = {name: array[at : at + 1] for name, array in arrays.items()}
    return Record(values, source=str(path), index=at)
