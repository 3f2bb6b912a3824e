"""Picture files as model inputs, through the very preprocessing of inference."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.decode import decode_image
from edge.errors import InputError
from edge.frame import Frame
from edge.sources.image_files import expand_inputs, read_image_bytes
from edge.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from edge.bundle.manifest import ImageInput

__all__ = ["ImageExamples", "pixel_range", "select_examples"]

_LOGGER = logging.getLogger(__name__)


def select_examples(arguments: Sequence[str], *, most: int) -> tuple[Path, ...]:
    """Find the pictures of folders, patterns and names, and thin them out evenly.

    Args:
        arguments: folders, glob patterns, files.
        most: keep at most this many, spread evenly over the sorted list.

    Raises:
        InputError: nothing there is a picture.
    """
    paths = [Path(each) for each in expand_inputs(list(arguments))]
    if not paths:
        raise InputError(f"{', '.join(arguments)}: no pictures; give a folder of PNG or JPEG files")
    if len(paths) <= most:
        return tuple(paths)
    return tuple(paths[at * len(paths) // most] for at in range(most))


def pixel_range(spec: ImageInput) -> tuple[float, float]:
    """Smallest and largest value that preprocessing can make of a pixel in 0..255."""
    count = max(len(spec.mean), len(spec.std))
    mean = np.broadcast_to(np.array(spec.mean, np.float64), (count,))
    std = np.broadcast_to(np.array(spec.std, np.float64), (count,))
    ends = np.concatenate([(pixel * spec.scale - mean) / std for pixel in (0.0, 255.0)])
    return float(ends.min()), float(ends.max())


class ImageExamples:
    """Pictures that are read, decoded and preprocessed one at a time, each time anew.

    A picture that cannot be read, decoded or taken by the model is left out, and kept in
    `refused`.

    Attributes:
        refused: why, by path.

    Args:
        paths: the files.
        spec: how a picture becomes the model's input.
    """

    def __init__(self, paths: Sequence[Path], spec: ImageInput) -> None:
        from edge.preprocess.image import ImagePreprocessor

        self._paths = tuple(dict.fromkeys(paths))
        self._name = spec.name
        target = TensorSpec(spec.name, spec.shape, "float32")
        self._preprocessor = ImagePreprocessor(spec, target, spec.layout)
        self.refused: dict[Path, str] = {}

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        """The tensor of each picture that can be used, by input name.

        Raises:
            InputError: none can be used.
        """
        for _, _, tensor in self._walk():
            yield {self._name: tensor}

    def frames(self) -> Iterator[tuple[Path, Frame]]:
        """Each picture that can be used, with its file.

        Raises:
            InputError: none can be used.
        """
        for path, frame, _ in self._walk():
            yield path, frame

    def _walk(self) -> Iterator[tuple[Path, Frame, NDArray[np.float32]]]:
        for path in self._paths:
            try:
                frame = self.read(path)
                tensor = self._preprocessor.float_tensor(frame)
            except InputError as error:
                _LOGGER.info("left out: %s", error)
                self.refused[path] = str(error)
                continue
            yield path, frame, tensor
        if len(self.refused) == len(self._paths):
            first = next(iter(self.refused.values()), "no file is named")
            raise InputError(f"none of {len(self)} pictures can be used; the first: {first}")

    def usable(self) -> tuple[Path, ...]:
        """The files that were not refused so far."""
        return tuple(path for path in self._paths if path not in self.refused)

    def read(self, path: Path) -> Frame:
        """Decode one picture.

        Raises:
            InputError: it cannot be read or is no picture.
        """
        return decode_image(read_image_bytes(path), source=str(path))

    def digest(self) -> str:
        """SHA-256 in hex over the SHA-256 of each usable file's bytes, in order."""
        total = hashlib.sha256()
        for path in self.usable():
            total.update(hashlib.sha256(read_image_bytes(path)).digest())
        return total.hexdigest()
