"""An untrusted HDF5 file -> its arrays, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edge.errors import EngineNotInstalledError, InputError, InputTooLargeError

__all__ = [
    "LARGEST_WEIGHTS_BYTES",
    "attribute_names",
    "open_hdf5",
    "read_arrays",
    "read_attribute",
    "read_group",
]

LARGEST_WEIGHTS_BYTES = 2 * 1024**3
"""As much as an ONNX model may hold."""

_LARGEST_NAMES_BYTES = 4 * 1024**2
"""Far more than the names of one layer's weights take."""

_MOST_PACKED = 1100
"""A packed array is at most so many times larger than what is stored (deflate's limit is 1032)."""

_MOST_OBJECTS = 200_000
_MOST_LEVELS = 64


def open_hdf5(file: BinaryIO, where: str) -> Any:
    """Open an HDF5 file that is held in memory or on disk.

    Args:
        file: positioned anywhere; stays open as long as the result is used.
        where: the file's name, for messages.

    Returns:
        `h5py.File`, read only.

    Raises:
        EngineNotInstalledError: h5py is missing.
        InputError: not HDF5, or damaged.
    """
    try:
        import h5py
    except ImportError as error:
        raise EngineNotInstalledError(
            "reading Keras models needs h5py; install it with: pip install 'edgedx[keras]'"
        ) from error
    try:
        return h5py.File(file, "r")
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise InputError(f"{where}: not a readable HDF5 file: {_one_line(error)}") from error


def read_group(parent: Any, name: str) -> Any | None:
    """A group inside another; None if there is none. Links out of the file are not followed.

    Raises:
        InputError: the name is a link to elsewhere, or not a group.
    """
    import h5py

    link = parent.get(name, getlink=True)
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink):
        raise InputError(f"'{name}' is a link inside the HDF5 file; links are not followed")
    found = parent.get(name)
    if not isinstance(found, h5py.Group):
        raise InputError(f"'{name}' is not a group of the HDF5 file; it is damaged")
    return found


def attribute_names(group: Any, key: str) -> list[str]:
    """A list of names that Keras stored as an attribute, in pieces (`key0`, `key1`) if long."""
    if key in group.attrs:
        return _texts(read_attribute(group, key))
    names: list[str] = []
    for number in range(len(group.attrs)):
        if f"{key}{number}" not in group.attrs:
            break
        names += _texts(read_attribute(group, f"{key}{number}"))
    return names


def read_attribute(group: Any, key: str, most_bytes: int = _LARGEST_NAMES_BYTES) -> Any:
    """The value of an attribute that is there, of at most so many bytes.

    Raises:
        InputError: it claims to be larger than any attribute of Keras: damaged, and reading it
            would take minutes.
    """
    from h5py import h5a

    found = h5a.open(group.id, key.encode())
    size = found.dtype.itemsize * float(np.prod(found.shape, dtype=np.float64))
    if size > most_bytes:
        raise InputError(f"attribute '{key}' of the HDF5 file claims {size:g} bytes; it is damaged")
    return group.attrs[key]


def read_arrays(group: Any, skip: tuple[str, ...] = ()) -> dict[str, NDArray[Any]]:
    """Every array below a group, by its path; groups named in `skip` are left out at the top.

    Raises:
        InputError: an array that lies outside the file or is not of numbers.
        InputTooLargeError: more than `LARGEST_WEIGHTS_BYTES`.
    """
    arrays: dict[str, NDArray[Any]] = {}
    total = 0
    for path, dataset in _datasets(group, skip):
        total += _checked_size(path, dataset)
        if total > LARGEST_WEIGHTS_BYTES:
            raise InputTooLargeError(
                f"the weights are over {LARGEST_WEIGHTS_BYTES} bytes; no more is supported"
            )
        arrays[path] = np.asarray(dataset[()])
    return arrays


def _checked_size(path: str, dataset: Any) -> int:
    """Bytes of an array that is plain numbers inside the file."""
    if dataset.external or dataset.is_virtual:
        raise InputError(f"array '{path}' of the HDF5 file lies in another file; it is not read")
    if dataset.dtype.kind not in "fiub":
        raise InputError(f"array '{path}' of the HDF5 file is {dataset.dtype}, not numbers")
    size = int(dataset.dtype.itemsize) * int(np.prod(dataset.shape, dtype=np.float64))
    if size > _MOST_PACKED * dataset.id.get_storage_size():
        raise InputError(f"array '{path}' of the HDF5 file is cut short; it is damaged")
    return size


def _datasets(top: Any, skip: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Walk hard links only, each object once, so that no loop and no other file is entered."""
    import h5py

    waiting: list[tuple[str, Any, int]] = [("", top, 0)]
    seen = 0
    while waiting:
        prefix, group, level = waiting.pop()
        for name in group:
            seen += 1
            if seen > _MOST_OBJECTS or level > _MOST_LEVELS:
                raise InputError("the HDF5 file holds too many objects; it is damaged")
            if (not prefix and name in skip) or not isinstance(
                group.get(name, getlink=True), h5py.HardLink
            ):
                continue
            found = group.get(name)
            if isinstance(found, h5py.Group):
                waiting.append((f"{prefix}{name}/", found, level + 1))
            elif isinstance(found, h5py.Dataset):
                yield f"{prefix}{name}", found


def _texts(values: Any) -> list[str]:
    return [
        each.decode("utf-8", errors="replace") if isinstance(each, bytes) else str(each)
        for each in np.asarray(values).reshape(-1).tolist()
    ]


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
