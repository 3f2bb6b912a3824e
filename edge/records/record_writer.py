"""`Record` -> one .npz file that holds all of it, pictures too."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.frame import Frame
from edge.records.record_reader import given_inputs
from edge.records.values import read_values
from edge.source_name import show_source

if TYPE_CHECKING:
    from edge.bundle.manifest import Input
    from edge.record import Record

__all__ = ["encode_picture", "pack_record"]


def pack_record(record: Record, inputs: Sequence[Input]) -> bytes:
    """Write a record so that `decode_records` reads the same values from it, bit for bit.

    Words become their positions in the vocabulary; a picture becomes an array of uint8: the bytes
    of a PNG file, or of a TIFF file where its pixels are float.

    Args:
        record: a value for every input.
        inputs: as the manifest describes them.

    Returns:
        A .npz file, stored, the same bytes every time.

    Raises:
        InputError: a value is missing or not one that its input takes.
    """
    inputs = given_inputs(inputs)
    missing = [each.name for each in inputs if each.name not in record.values]
    if missing:
        raise InputError(
            f"{show_source(record.source)}: there is no value for input {missing[0]}; give each",
        )
    arrays: dict[str, NDArray[Any]] = {}
    for each in inputs:
        value = record.values[each.name]
        arrays[each.name] = _pack(value, each, record.source)
    return _write(arrays)


def _pack(value: object, spec: Input, source: str) -> NDArray[Any]:
    from edge.bundle.manifest import ImageInput

    if not isinstance(spec, ImageInput):
        return read_values(spec, value, source)
    if isinstance(value, Frame):
        return np.frombuffer(encode_picture(value), np.uint8)
    raise InputError(
        f"{show_source(source)}: input {spec.name} is a picture and is given a "
        f"{type(value).__name__}; give an edge.Frame",
    )


def encode_picture(frame: Frame) -> bytes:
    """The bytes of a file that holds a picture's pixels as they are: PNG, or TIFF for float."""
    import cv2

    pixels = frame.pixels[:, :, ::-1] if frame.colour == "rgb" else frame.pixels
    suffix = ".tiff" if pixels.dtype == np.float32 else ".png"
    _, encoded = cv2.imencode(suffix, np.ascontiguousarray(pixels))
    return encoded.tobytes()


def _write(arrays: dict[str, NDArray[Any]]) -> bytes:
    """As numpy.savez, whose keyword arguments cannot have every name that an input may."""
    import zipfile

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            # Without a date of its own an entry has 1980-01-01, whatever the day is.
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())
    return file.getvalue()
