"""Between the float model's tensors and those of a converted file: names, layout, integer grids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.engines.workers.serving import Example

__all__ = ["input_for", "match_outputs", "real_values", "stored_values"]

_CHANNEL_AXIS = 1


def input_for(name: str, shape: Sequence[int], example: Example) -> NDArray[Any]:
    """The example's values for one input of a file, channels last where the file has them so.

    Args:
        name: of the file's input; converters put the float model's name at its end.
        shape: of the file's input.
        example: by the float model's input names, each [1, ...].

    Raises:
        ValueError: none of the example's inputs has that shape.
    """
    plain = name.split(":", maxsplit=1)[0]
    named = max((each for each in example if plain.endswith(each)), key=len, default=None)
    values = example[named] if named is not None else _only_of_size(shape, example)
    if values.shape != tuple(shape) and values.ndim > _CHANNEL_AXIS + 1:
        values = np.moveaxis(values, _CHANNEL_AXIS, -1)
    if values.shape != tuple(shape):
        raise ValueError(f"input '{name}' is {tuple(shape)}, the example {values.shape}")
    return np.ascontiguousarray(values)


def _only_of_size(shape: Sequence[int], example: Example) -> NDArray[Any]:
    fitting = [values for values in example.values() if sorted(values.shape) == sorted(shape)]
    if len(fitting) != 1:
        raise ValueError(f"{len(fitting)} inputs of the example have the shape {tuple(shape)}")
    return fitting[0]


def match_outputs(found: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    """The file's output name by the float model's; converters rename, but keep a single output.

    Raises:
        ValueError: an output is missing.
    """
    if len(found) == len(wanted) == 1:
        return {wanted[0]: found[0]}
    matched = {name: next((each for each in found if name in each), None) for name in wanted}
    missing = [name for name, each in matched.items() if each is None]
    if missing:
        raise ValueError(f"no output like '{missing[0]}' among {list(found)}")
    return {name: each for name, each in matched.items() if each is not None}


def stored_values(
    values: NDArray[Any], dtype: type[np.generic], grid: tuple[float | None, int]
) -> NDArray[Any]:
    """Real values as a file takes them: on its grid of (scale, zero point), if it has one."""
    scale, zero_point = grid
    if not np.issubdtype(dtype, np.integer) or not scale:
        return np.ascontiguousarray(values.astype(dtype))
    limits = np.iinfo(np.dtype(dtype))
    steps = np.clip(np.round(values / scale) + zero_point, limits.min, limits.max)
    return np.ascontiguousarray(steps.astype(dtype))


def real_values(values: NDArray[Any], grid: tuple[float | None, int]) -> NDArray[np.float32]:
    """Values of a file's output as real numbers."""
    scale, zero_point = grid
    if np.issubdtype(values.dtype, np.integer) and scale:
        return np.asarray((values.astype(np.float32) - zero_point) * scale, np.float32)
    return np.asarray(values, np.float32)
