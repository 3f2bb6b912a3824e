"""An .npz file whose arrays hold many examples, one after another along their first axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from edge.bundle.manifest import ImageInput
from edge.errors import InputError
from edge.frame import Frame
from edge.record import Record
from quantize.examples.model_examples import Example, ExampleValue
from quantize.examples.picture_arrays import picture_reader

if TYPE_CHECKING:
    from edge.bundle.manifest import Input

__all__ = ["read_stacked"]

_LONE_NAMES = ("X", "x")
_SINGLE_PICTURE_RANK = 2


def read_stacked(path: Path, inputs: Sequence[Input]) -> list[Example]:
    """Read the examples of an .npz file of many.

    Args:
        path: arrays by input name (or "X" for a model with one input), each of shape
            (examples, ...) with the input's shape after the batch axis; of a picture its decoded
            pixels (`picture_reader`). Other arrays are ignored.
        inputs: what the model takes; masks come of their series and are not looked for.

    Returns:
        One example for each entry; none where the file holds a single record.

    Raises:
        InputError: it is damaged, or its arrays hold different numbers of examples, or what is
            given for a picture is no decoded pixels.
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
    if total == 0:
        raise InputError(f"{path}: its arrays hold no example; give real inputs")
    frames = {
        each.name: picture_reader(found[each.name], each.name, str(path))
        for each in given
        if isinstance(each, ImageInput)
    }
    read: Callable[[int], ExampleValue] = partial(_record, found, frames, path)
    if len(found) == len(frames) == 1:
        read = next(iter(frames.values()))
    return [Example(f"{path}[{at}]", partial(read, at)) for at in range(total)]


def _array_of(arrays: Mapping[str, NDArray[Any]], spec: Input, inputs: int) -> NDArray[Any] | None:
    """The array of an input, where it holds entries of the input's shape without the batch."""
    names = (spec.name, *(_LONE_NAMES if inputs == 1 else ()))
    array = next((arrays[name] for name in names if name in arrays), None)
    if array is not None and isinstance(spec, ImageInput):
        # One axis is the bytes of a picture's file, and two one grey picture: a single record.
        return array if array.ndim > _SINGLE_PICTURE_RANK else None
    if array is None or array.ndim != len(spec.shape) or array.shape[1:] != spec.shape[1:]:
        return None
    return array if len(array) != 1 else None


def _record(
    arrays: Mapping[str, NDArray[Any]],
    frames: Mapping[str, Callable[[int], Frame]],
    path: Path,
    at: int,
) -> Record:
    values: dict[str, object] = {name: array[at : at + 1] for name, array in arrays.items()}
    values.update({name: read(at) for name, read in frames.items()})
    return Record(values, source=str(path), index=at)
