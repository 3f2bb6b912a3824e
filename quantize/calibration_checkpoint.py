"""Calibration that goes on where it was stopped, with the result it would have had.

A checkpoint is one file of plain arrays (npz, nothing pickled), written aside and renamed, so
that a stop at any moment leaves the one before or the one after. It holds integers and float64
exactly as calibration had them; and it names the model, the options and the examples that it
belongs to, so that it is never used for others.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import OutputError
from quantize.calibration_state import CalibrationState
from quantize.graph import FloatGraph
from quantize.observers import BINS, OctaveHistogram

__all__ = ["Checkpoint", "calibration_key", "graph_digest"]

_LOGGER = logging.getLogger(__name__)
_VERSION = 1
_DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


def calibration_key(graph: FloatGraph, state: CalibrationState) -> str:
    """SHA-256 in hex over the model, the activations watched, and how they are counted."""
    found = hashlib.sha256(f"{_VERSION} {BINS} {graph_digest(graph)}".encode())
    for name, tensor in state.tensors.items():
        found.update(f"{name} {graph.shapes[name]} {tensor.stride}".encode())
    return found.hexdigest()


def graph_digest(graph: FloatGraph) -> str:
    """SHA-256 in hex over a model: its nodes, their attributes and its constants."""
    found = hashlib.sha256(f"{graph.inputs} {graph.outputs}".encode())
    for node in graph.nodes:
        attributes = [(key, _plain(value)) for key, value in sorted(node.attributes.items())]
        found.update(repr((node.op, node.inputs, node.outputs, attributes)).encode())
    for name, constant in sorted(graph.constants.items()):
        found.update(f"{name} {constant.dtype.str} {constant.shape}".encode())
        found.update(np.ascontiguousarray(constant).data)
    return found.hexdigest()


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


class Checkpoint:
    """The file that a calibration is kept in.

    Args:
        path: the file; its folder exists.
        key: what it must belong to, from `calibration_key`.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._key = key

    def load(self, state: CalibrationState) -> None:
        """Put what the file holds into a fresh state; leave it fresh where that is not usable.

        Why a file is not usable is logged, as one line.
        """
        if not self._path.exists():
            return
        try:
            # Opened here: numpy leaves a file open that is no archive.
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            header = json.loads(arrays["header"].tobytes())
            if header["key"] != self._key:
                self.tell_unused("it belongs to another model or other options")
                return
            _check_arrays(arrays, len(state.tensors))
            _restore(state, header, arrays)
        except _DAMAGED as error:
            self.tell_unused(f"it is damaged ({' '.join(str(error).split())[:100]})")

    def save(self, state: CalibrationState) -> None:
        """Write a state: whole or not at all.

        Raises:
            OutputError: the file cannot be written.
        """
        # Always the same name: what a killed run left behind is taken up by the next.
        aside = self._path.with_name(f"{self._path.name}.partial")
        try:
            with aside.open("wb") as file:
                _write(file, state, self._key)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self._path)
        except OSError as error:
            raise OutputError(
                f"the checkpoint {self._path} cannot be written: {error.strerror or error}; "
                "free some space, or choose another place for the bundle"
            ) from error
        finally:
            aside.unlink(missing_ok=True)

    def tell_unused(self, reason: str) -> None:
        """Log that calibration starts anew, and why."""
        _LOGGER.warning(
            "checkpoint %s is not used: %s; calibration starts anew", self._path, reason
        )


def _write(file: IO[bytes], state: CalibrationState, key: str) -> None:
    header = {
        "key": key,
        "done": state.done,
        "digest": state.digest.hex(),
        "first": state.first.hex(),
        "is_varied": state.is_varied,
    }
    tensors = list(state.tensors.values())
    histograms = [each.histogram for each in tensors]
    extremes = [(each.low, each.high, each.average_low, each.average_high) for each in tensors]
    counts = np.zeros((len(histograms), 2, BINS), np.int64)
    for row, found in zip(counts, histograms, strict=True):
        row[0], row[1] = found.positive, found.negative
    np.savez(
        file,
        header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8),
        extremes=np.array(extremes, np.float64).reshape(-1, 4),
        tops=np.array([(each.top, each.zeros) for each in histograms], np.int64).reshape(-1, 2),
        counts=counts,
    )


def _check_arrays(arrays: Mapping[str, NDArray[Any]], tensors: int) -> None:
    wanted = {
        "extremes": ((tensors, 4), np.float64),
        "tops": ((tensors, 2), np.int64),
        "counts": ((tensors, 2, BINS), np.int64),
    }
    for name, (shape, dtype) in wanted.items():
        if arrays[name].shape != shape or arrays[name].dtype != dtype:
            raise ValueError(f"'{name}' has shape {arrays[name].shape}, not {shape}")


def _restore(
    state: CalibrationState, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    state.done = int(header["done"])
    state.digest = bytes.fromhex(header["digest"])
    state.first = bytes.fromhex(header["first"])
    state.is_varied = bool(header["is_varied"])
    for at, each in enumerate(state.tensors.values()):
        each.low, each.high, each.average_low, each.average_high = (
            float(value) for value in arrays["extremes"][at]
        )
        each.examples = state.done
        each.histogram = _histogram(arrays["tops"][at], arrays["counts"][at])


def _histogram(tops: NDArray[Any], counts: NDArray[Any]) -> OctaveHistogram:
    found = OctaveHistogram()
    found.top, found.zeros = int(tops[0]), int(tops[1])
    found.positive, found.negative = counts[0].copy(), counts[1].copy()
    return found
