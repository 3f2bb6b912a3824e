"""From NCHW to NHWC without transposes left over.

ONNX names the axes of a rank-4 tensor N, C, H, W; TFLite's image kernels want N, H, W, C. Every
rank-4 activation is therefore *stored* NHWC and every other rank is stored as it is. Constants
are permuted when they are written, axes when they are named, so that a transpose is left only
where a reshape really mixes channels with positions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node

__all__ = [
    "gemm_columns_to_hwc",
    "hwc_flattened",
    "is_same_order",
    "store_operand",
    "stored_axis",
    "stored_order",
    "stored_shape",
]

_IMAGE_RANK = 4
_NHWC = (0, 2, 3, 1)
_RESHAPES = frozenset({"Reshape", "Flatten"})


def stored_order(rank: int) -> tuple[int, ...]:
    """The ONNX axis that each stored axis holds."""
    return _NHWC if rank == _IMAGE_RANK else tuple(range(rank))


def stored_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The stored shape of a tensor of an ONNX shape."""
    return tuple(int(shape[axis]) for axis in stored_order(len(shape)))


def stored_axis(axis: int, rank: int) -> int:
    """Where an ONNX axis (negative counts from the end) is stored."""
    return stored_order(rank).index(axis % rank)


def store_operand(values: NDArray[Any], rank: int) -> NDArray[Any]:
    """Permute a constant that broadcasts against a tensor of `rank` axes.

    Returns:
        The same values, of `rank` axes where that rank is stored in another order.
    """
    if rank != _IMAGE_RANK:
        return values
    padded = values.reshape((1,) * (rank - values.ndim) + values.shape)
    return np.ascontiguousarray(padded.transpose(_NHWC))


def is_same_order(shape: Sequence[int], permutation: Sequence[int]) -> bool:
    """Whether a permutation moves only axes of length 1, so that a reshape does the same."""
    kept = [axis for axis in permutation if shape[axis] != 1]
    return kept == sorted(kept)


def hwc_flattened(graph: FloatGraph) -> Mapping[str, tuple[int, int, int]]:
    """Find the flattened images that may stay in H, W, C order.

    That is so where every reader is a Gemm, whose weights are then written with their columns in
    the same order (`gemm_columns_to_hwc`).

    Returns:
        (C, H, W) of the image by the name of the flattened tensor.
    """
    found: dict[str, tuple[int, int, int]] = {}
    for node in graph.nodes:
        if node.op not in _RESHAPES:
            continue
        before, after = graph.shape(node.inputs[0]), graph.shape(node.outputs[0])
        if len(before) != _IMAGE_RANK or tuple(after) != (before[0], int(np.prod(before[1:]))):
            continue
        if node.outputs[0] not in graph.outputs and _only_gemms_read(graph, node):
            found[node.outputs[0]] = (before[1], before[2], before[3])
    return found


def _only_gemms_read(graph: FloatGraph, node: Node) -> bool:
    readers = graph.consumers(node.outputs[0])
    return bool(readers) and all(
        reader.op == "Gemm" and reader.inputs[0] == node.outputs[0] for reader in readers
    )


def gemm_columns_to_hwc(weights: NDArray[Any], image: tuple[int, int, int]) -> NDArray[Any]:
    """Reorder Gemm weights (out, C*H*W) to (out, H*W*C)."""
    rows = weights.shape[0]
    return np.ascontiguousarray(
        weights.reshape(rows, *image).transpose(0, 2, 3, 1).reshape(rows, -1)
    )
