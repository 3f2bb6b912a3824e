"""What a user names -> examples: folders, patterns and files, arrays of many, videos, streams."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import InputError, UnsupportedInputError
from quantize.examples.model_examples import Example, ExampleValue

if TYPE_CHECKING:
    from edge.bundle.manifest import Input

__all__ = ["find_examples", "read_example", "takes_pictures", "thin_out"]


def find_examples(
    arguments: Sequence[str], inputs: Sequence[Input], *, most: int, scratch: Path
) -> tuple[Example, ...]:
    """Find the examples that the arguments name, and thin them out evenly.

    Args:
        arguments: folders, glob patterns, files (pictures; .npy, .npz, .csv, .edge.json
            records; an .npz whose arrays hold many examples), videos, cameras, stream addresses.
        inputs: what the model takes.
        most: keep at most this many.
        scratch: folder where frames of a stream are kept meanwhile.

    Raises:
        InputError: nothing there is an example.
        DeviceError: a camera or stream failed.
    """
    from edge.sources.base import is_stream_address

    found: list[Example] = []
    for argument in arguments:
        if is_stream_address(argument):
            from quantize.examples.stream_examples import keep_frames

            found += keep_frames(argument, most=most, scratch=scratch)
        elif takes_pictures(inputs):
            found += _pictures(argument, inputs)
        else:
            found += _records(argument, inputs)
    if not found:
        raise InputError(f"{', '.join(arguments)}: no examples; give a folder of real inputs")
    return thin_out(found, most)


def thin_out(examples: Sequence[Example], most: int) -> tuple[Example, ...]:
    """At most so many, spread evenly from first to last, none twice."""
    single = tuple({each.name: each for each in examples}.values())
    if len(single) <= most:
        return single
    return tuple(single[at * len(single) // most] for at in range(most))


def takes_pictures(inputs: Sequence[Input]) -> bool:
    """Whether a model takes one picture and nothing else."""
    from edge.bundle.manifest import ImageInput

    return len(inputs) == 1 and isinstance(inputs[0], ImageInput)


def read_example(path: Path, inputs: Sequence[Input]) -> ExampleValue:
    """Decode one file as what the model takes.

    Raises:
        InputError: it cannot be read, or holds something else, or more than one example.
    """
    if takes_pictures(inputs):
        from edge.decode import decode_image
        from edge.sources.image_files import read_image_bytes

        return decode_image(read_image_bytes(path), source=str(path))
    from edge.records.record_reader import make_record

    return make_record(path, inputs)


def _pictures(argument: str, inputs: Sequence[Input]) -> list[Example]:
    from edge.sources.image_files import expand_inputs

    if Path(argument).suffix.lower() == ".npz" and Path(argument).is_file():
        return _picture_arrays(Path(argument), inputs)
    paths = expand_inputs([argument])
    if not paths:
        raise InputError(f"{argument}: no pictures; give a folder of PNG or JPEG files")
    return [Example(each, partial(read_example, Path(each), inputs), Path(each)) for each in paths]


def _picture_arrays(path: Path, inputs: Sequence[Input]) -> list[Example]:
    from quantize.examples.array_examples import read_stacked

    found = read_stacked(path, inputs)
    if not found:
        raise InputError(
            f"{path}: it has no array '{inputs[0].name}' or 'X' of pictures; name it so"
        )
    return found


def _records(argument: str, inputs: Sequence[Input]) -> list[Example]:
    from edge.records.record_reader import RECORD_SUFFIXES
    from edge.sources.image_files import expand_inputs

    paths = [Path(each) for each in expand_inputs([argument], suffixes=RECORD_SUFFIXES)]
    found: list[Example] = []
    for path in paths:
        found += _records_in(path, inputs, is_alone=len(paths) == 1)
    return found


def _records_in(path: Path, inputs: Sequence[Input], *, is_alone: bool) -> list[Example]:
    from quantize.examples.array_examples import read_stacked

    try:
        stacked = read_stacked(path, inputs) if path.suffix.lower() == ".npz" else []
        if stacked:
            return stacked
        if path.suffix.lower() == ".csv":
            return _rows(path, inputs)
    except UnsupportedInputError:
        raise
    except InputError:
        if is_alone:
            raise
    return [Example(str(path), partial(read_example, path, inputs), path)]


def _rows(path: Path, inputs: Sequence[Input]) -> list[Example]:
    from edge.records.record_reader import read_records

    records = read_records(path, inputs)
    if len(records) == 1:
        return [Example(str(path), partial(read_example, path, inputs), path)]
    return [
        Example(f"{path}[{at}]", partial(records.__getitem__, at)) for at in range(len(records))
    ]
