"""Series, tables and vectors to the tensor of a model.

All arithmetic is elementwise float64 of IEEE 754 in the order written, rounded to float32 once,
so that every machine gives the same bits.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge.bundle.manifest import SeriesInput, TableInput, TensorInput
from edge.errors import InputError, ModelMismatchError
from edge.preprocess.gaps import GapRule, fill_gaps
from edge.preprocess.normalise import quantize_values
from edge.records.values import read_values
from edge.source_name import show_source
from edge.tensor_spec import TensorSpec

__all__ = ["TensorPreprocessor"]

Layout = Literal["NCHW", "NHWC"]
Prepared = tuple[NDArray[Any], str | None]

_QUANTIZED = frozenset({"int8", "uint8"})
_WHOLE = frozenset({"int64", "int32", "bool"})
_LAYOUT_RANK = 4
_TO_NHWC = (0, 2, 3, 1)
_MOST_NAMED = 5


class TensorPreprocessor:
    """Turns what a user gives into one model's tensor. It may be used from several threads.

    The steps, in this order: numbers from lists, mappings and words (`edge.records.values`); the
    shape; gaps; `(x - mean) / std`; clip; float32; and for an integer tensor quantization.

    Args:
        spec: the input as the manifest describes it.
        target: the engine's tensor; None where only `canonical` is wanted.
        layout: of the artifact; "NHWC" permutes a tensor of four axes.

    Raises:
        ModelMismatchError: `target` cannot hold what `spec` describes.
    """

    def __init__(
        self, spec: TensorInput, target: TensorSpec | None = None, layout: Layout = "NCHW"
    ) -> None:
        self.spec = spec
        self._target = target or TensorSpec(spec.name, spec.shape, spec.dtype)
        self._is_permuted = layout == "NHWC" and len(spec.shape) == _LAYOUT_RANK
        _check_dtype(spec, self._target)
        self._gap_rule: GapRule = "mean"
        self._clip: tuple[float, float] | None = None
        # Channels are the last axis of everything here, whatever the model has.
        self._is_transposed = False
        if isinstance(spec, SeriesInput):
            self._gap_rule, self._clip = spec.gap_rule, spec.clip
            self._is_transposed = spec.axes == "CT"
        self._mean = np.asarray(spec.mean, np.float64)
        self._std = np.asarray(spec.std, np.float64)
        self._fill = _find_fill(spec)
        self._words = _count_words(spec)

    def prepare_checked(self, value: object, source: str) -> Prepared:
        """Make the engine's tensor.

        Args:
            value: see `edge.record.Record.values`.
            source: what messages call the record.

        Returns:
            The tensor, C-contiguous, of the target's shape and dtype; and why it must not be
            answered, or None where it may be.

        Raises:
            InputError: it has another shape, a word that is unknown, or a number that the
                tensor's type cannot hold.
        """
        values, refusal = self.canonical(value, source)
        if self._is_permuted:
            values = values.transpose(_TO_NHWC)
        target = self._target
        if target.scale is not None and target.dtype in _QUANTIZED:
            if refusal is not None:
                return np.zeros(values.shape, target.dtype), refusal
            values = quantize_values(values, target.scale, target.zero_point, target.dtype)
        return np.ascontiguousarray(values, target.dtype), refusal

    def canonical(self, value: object, source: str) -> Prepared:
        """Make the tensor in the manifest's own shape and dtype; the rest as `prepare_checked`."""
        numbers = self._fit_shape(read_values(self.spec, value, source), source)
        if self._is_transposed:
            numbers = numbers.swapaxes(-1, -2)
        prepared, refusal = self._prepare(numbers, source)
        if self._is_transposed:
            prepared = prepared.swapaxes(-1, -2)
        return np.ascontiguousarray(prepared), refusal

    def _fit_shape(self, numbers: NDArray[Any], source: str) -> NDArray[Any]:
        """Leading axes of 1 may be left out."""
        shape = self.spec.shape
        missing = len(shape) - numbers.ndim
        is_right = missing >= 0 and numbers.shape == shape[missing:]
        if is_right and all(size == 1 for size in shape[:missing]):
            return numbers.reshape(shape)
        axes = ""
        if self.spec.names:
            axes = f" ({'channels' if self._is_transposed else 'columns'} and order as its manifest"
            axes += " names them)"
        raise InputError(
            f"{show_source(source)}: input {self.spec.name} has shape {list(numbers.shape)}; the "
            f"model takes exactly {list(shape)}{axes}: cut, pad or resample it first",
        )

    def _prepare(self, numbers: NDArray[Any], source: str) -> Prepared:
        if self.spec.dtype in _WHOLE and numbers.dtype.kind in "iub":
            self._check_words(numbers, source)
            return self._as_whole(numbers, source), None
        with np.errstate(invalid="ignore"):  # a signalling NaN is a gap like any other
            values = numbers.astype(np.float64)
        if np.isinf(values).any():
            return self._refused(f"input {self.spec.name} holds infinite values")
        values = self._fill_gaps(values)
        gaps = np.isnan(values)
        if gaps.any():
            return self._refused(self._describe_gaps(gaps))
        self._check_words(values, source)
        if self.spec.dtype in _WHOLE:
            return self._as_whole(values, source), None
        with np.errstate(over="ignore"):
            values = (values - self._mean) / self._std
        if self._clip is not None:
            values = np.clip(values, *self._clip)
        limit = float(np.finfo(np.float32).max)
        if float(np.abs(values).max()) > limit:
            return self._refused(f"input {self.spec.name} holds values beyond float32")
        return values.astype(np.float32), None

    def _fill_gaps(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        series = values.reshape(-1, values.shape[-1])
        return fill_gaps(series, self._gap_rule, self._fill).reshape(values.shape)

    def _refused(self, reason: str) -> Prepared:
        shape = self.spec.shape
        if self._is_transposed:
            shape = (*shape[:-2], shape[-1], shape[-2])
        return np.zeros(shape, self.spec.dtype), reason

    def _describe_gaps(self, gaps: NDArray[np.bool_]) -> str:
        """Say where values are missing, by name where there are names."""
        if not self.spec.names:
            return f"input {self.spec.name} lacks {int(gaps.sum())} of {gaps.size} values"
        counts = gaps.reshape(-1, gaps.shape[-1]).sum(axis=0)
        lacking = [name for name, count in zip(self.spec.names, counts, strict=True) if count]
        more = "..." if len(lacking) > _MOST_NAMED else ""
        return f"input {self.spec.name} lacks values of {', '.join(lacking[:_MOST_NAMED])}{more}"

    def _check_words(self, values: NDArray[Any], source: str) -> None:
        """Positions in a vocabulary, which a user may give instead of words, must be in it."""
        for column, count in self._words:
            part = values if column is None else values[..., column]
            if ((part < 0) | (part >= count) | (part != np.floor(part))).any():
                name = "" if column is None else f", column {self.spec.names[column]}"
                raise InputError(
                    f"{show_source(source)}: input {self.spec.name}{name} holds what is no "
                    f"position in its vocabulary of {count} words; give the word",
                )

    def _as_whole(self, values: NDArray[Any], source: str) -> NDArray[Any]:
        dtype = self.spec.dtype
        low, high = (0, 1) if dtype == "bool" else _bounds(self._target.dtype)
        is_right = (values >= low).all() and (values <= high).all()
        if not is_right or (values.dtype.kind == "f" and (values != np.floor(values)).any()):
            raise InputError(
                f"{show_source(source)}: input {self.spec.name} takes whole numbers from {low} to "
                f"{high} ({dtype}) and holds another; round it, or give words",
            )
        return values.astype(dtype)


def _bounds(dtype: str) -> tuple[int, int]:
    limits = np.iinfo(dtype)
    # 2**63 as a float lies beyond int64; what is exact in float64 lies well within.
    return (-(2**53), 2**53) if dtype == "int64" else (int(limits.min), int(limits.max))


def _check_dtype(spec: TensorInput, target: TensorSpec) -> None:
    allowed = {"float32": {"float32"}, "int64": {"int64", "int32"}}.get(spec.dtype, {spec.dtype})
    is_quantized = spec.dtype == "float32" and target.dtype in _QUANTIZED and target.is_quantized
    if target.dtype not in allowed and not is_quantized:
        raise ModelMismatchError(
            f"input {target.name!r} of the model is {target.dtype} and its manifest says "
            f"{spec.dtype}; make the bundle again",
        )


def _find_fill(spec: TensorInput) -> NDArray[np.float64]:
    given = spec.fill if isinstance(spec.fill, tuple) else (spec.fill,)
    if not given and isinstance(spec, SeriesInput) and spec.gap_rule == "mean":
        given = spec.mean
    values = [np.nan if each is None else each for each in given] or [np.nan]
    count = max(1, len(spec.names))
    return np.asarray(values * count if len(values) == 1 else values, np.float64)


def _count_words(spec: TensorInput) -> list[tuple[int | None, int]]:
    """Length of each vocabulary and the column that it is for; None for all values."""
    if isinstance(spec, SeriesInput):
        return []
    if isinstance(spec, TableInput):
        return [(spec.columns.index(name), len(words)) for name, words in spec.vocabularies.items()]
    return [(None, len(spec.vocabulary))] if spec.vocabulary else []
