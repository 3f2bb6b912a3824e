"""Records to all tensors of a model with other inputs than one picture."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.bundle.manifest import ImageInput, Input, SeriesInput
from edge.errors import InputError
from edge.frame import Frame
from edge.preprocess.image import ImagePreprocessor
from edge.preprocess.tensor import Prepared, TensorPreprocessor
from edge.record import Record
from edge.records.values import read_values
from edge.source_name import show_source
from edge.tensor_spec import TensorSpec

__all__ = ["RecordPreprocessor"]

Layout = Literal["NCHW", "NHWC"]


class _Preparation(Protocol):
    def prepare_checked(self, value: object, source: str) -> Prepared: ...

    def canonical(self, value: object, source: str) -> Prepared: ...


@dataclass(frozen=True, slots=True)
class _Step:
    """How one tensor is made: of which value, and what it is called by manifest and engine."""

    name: str
    given: str
    target: str
    preparation: _Preparation


class RecordPreprocessor:
    """Turns records into one model's tensors. It may be used from several threads.

    Args:
        inputs: as the manifest describes them.
        targets: the engine's tensors in the same order; None where only `canonical_tensors`
            are wanted.
        layout: of the artifact.

    Raises:
        ModelMismatchError: a target cannot hold what its input describes.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        targets: Sequence[TensorSpec] | None = None,
        layout: Layout = "NCHW",
    ) -> None:
        found: Sequence[TensorSpec | None] = targets or [None] * len(inputs)
        by_name = {each.name: each for each in inputs}
        self._steps = [
            _Step(
                name=each.name,
                given=getattr(each, "mask_of", "") or each.name,
                target=each.name if target is None else target.name,
                preparation=_make(each, target, layout, by_name),
            )
            for each, target in zip(inputs, found, strict=True)
        ]

    def prepare_checked(self, record: Record) -> tuple[dict[str, NDArray[Any]], str | None]:
        """Make the engine's tensors.

        Args:
            record: a value for every input.

        Returns:
            Tensors by the engine's names, and why the record must not be answered (the first
            reason in the inputs' order) or None where it may be.

        Raises:
            InputError: a value is not one that its input takes.
        """
        tensors: dict[str, NDArray[Any]] = {}
        reason = None
        for step in self._steps:
            value = _value(record, step.given)
            tensors[step.target], refusal = step.preparation.prepare_checked(value, _called(record))
            reason = reason or refusal
        return tensors, reason

    def canonical_tensors(self, record: Record) -> dict[str, NDArray[Any]]:
        """Make the tensors in the manifest's names, shapes and dtypes.

        They are the same for every artifact of a bundle, and the same bits on every machine.

        Raises:
            InputError: as for `prepare_checked`; and where the record must not be answered.
        """
        tensors = {}
        for step in self._steps:
            value = _value(record, step.given)
            tensors[step.name], refusal = step.preparation.canonical(value, _called(record))
            if refusal is not None:
                raise InputError(f"{show_source(record.source)}: {refusal}; complete it")
        return tensors

    def tensor_sha256(self, record: Record) -> str:
        """Digest of `canonical_tensors` in the manifest's order: SHA-256 in hex, little-endian.

        Raises:
            InputError: as for `canonical_tensors`.
        """
        digest = hashlib.sha256()
        for tensor in self.canonical_tensors(record).values():
            digest.update(tensor.astype(tensor.dtype.newbyteorder("<"), copy=False).tobytes())
        return digest.hexdigest()


class _PicturePreparation:
    """A picture among other inputs."""

    def __init__(self, spec: ImageInput, target: TensorSpec | None, layout: Layout) -> None:
        if target is None:
            target, layout = TensorSpec(spec.name, spec.shape, spec.dtype), spec.layout
        self._preprocessor = ImagePreprocessor(spec, target, layout)

    def prepare_checked(self, value: object, source: str) -> Prepared:
        """Make the engine's tensor."""
        return self._preprocessor.prepare_checked(_frame(value, source))

    def canonical(self, value: object, source: str) -> Prepared:
        """Make the manifest's tensor; even pictures are refused when they are answered."""
        return self._preprocessor.canonical_tensor(_frame(value, source)), None


class _MaskPreparation:
    """Where another series has values."""

    def __init__(
        self, spec: SeriesInput, of: SeriesInput, target: TensorSpec | None, layout: Layout
    ) -> None:
        self._of = of
        self._preprocessor = TensorPreprocessor(spec, target, layout)

    def prepare_checked(self, value: object, source: str) -> Prepared:
        """Make the engine's tensor."""
        return self._preprocessor.prepare_checked(self._mask(value, source), source)

    def canonical(self, value: object, source: str) -> Prepared:
        """Make the manifest's tensor."""
        return self._preprocessor.canonical(self._mask(value, source), source)

    def _mask(self, value: object, source: str) -> NDArray[np.int8]:
        seen: NDArray[np.int8] = np.isfinite(read_values(self._of, value, source)).astype(np.int8)
        return seen


def _make(
    spec: Input, target: TensorSpec | None, layout: Layout, by_name: Mapping[str, Input]
) -> _Preparation:
    if isinstance(spec, ImageInput):
        return _PicturePreparation(spec, target, layout)
    if isinstance(spec, SeriesInput) and spec.mask_of:
        of = by_name[spec.mask_of]
        if isinstance(of, SeriesInput):
            return _MaskPreparation(spec, of, target, layout)
    return TensorPreprocessor(spec, target, layout)


def _called(record: Record) -> str:
    return record.source if record.index == 0 else f"{record.source} #{record.index}"


def _value(record: Record, name: str) -> object:
    try:
        return record.values[name]
    except KeyError:
        raise InputError(
            f"{show_source(record.source)}: there is no value for input {name}; give each input's",
        ) from None


def _frame(value: object, source: str) -> Frame:
    if isinstance(value, Frame):
        return value
    raise InputError(
        f"{show_source(source)}: a picture in a Record is an edge.Frame, not a "
        f"{type(value).__name__}; or give model.run a mapping",
    )
