"""In which order a tensor's axes are stored: permutations, and how reshapes carry them on.

An order is a tuple: place `i` of it is the ONNX axis that stored axis `i` holds. (0, 2, 3, 1) is
an ONNX image (N, C, H, W) stored N, H, W, C.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "NHWC",
    "Order",
    "channels_last",
    "drop_axes",
    "is_same_order",
    "order_ending_with",
    "permutation_between",
    "plain_order",
    "reshape_orders",
    "store_operand",
    "stored_shape",
    "transposed_order",
]

Order = tuple[int, ...]

NHWC: Order = (0, 2, 3, 1)
_IMAGE_RANK = 4


def plain_order(rank: int) -> Order:
    """ONNX's own order."""
    return tuple(range(rank))


def channels_last(rank: int) -> Order:
    """N, positions, C: what TFLite's image kernels read."""
    return (0, *range(2, rank), 1)


def stored_shape(shape: Sequence[int], order: Order) -> tuple[int, ...]:
    """The stored shape of a tensor of an ONNX shape."""
    return tuple(int(shape[axis]) for axis in order)


def permutation_between(stored: Order, wanted: Order) -> Order:
    """The TRANSPOSE that turns one stored order into another."""
    return tuple(stored.index(axis) for axis in wanted)


def transposed_order(order: Order, permutation: Sequence[int]) -> Order:
    """The order in which an ONNX Transpose's output lies in memory as its input does.

    Args:
        order: of the input.
        permutation: the node's `perm`: output axis `i` is input axis `permutation[i]`.
    """
    return tuple(list(permutation).index(axis) for axis in order)


def drop_axes(order: Order, axes: Sequence[int]) -> Order:
    """The order of a tensor without some ONNX axes, which are then numbered anew."""
    kept = [axis for axis in range(len(order)) if axis not in axes]
    return tuple(kept.index(axis) for axis in order if axis in kept)


def order_ending_with(order: Order, axis: int) -> Order:
    """The order itself, or changed to end with an ONNX axis."""
    return (*(each for each in order if each != axis), axis)


def is_same_order(shape: Sequence[int], permutation: Sequence[int]) -> bool:
    """Whether a permutation moves only axes of length 1, so that a reshape does the same."""
    kept = [axis for axis in permutation if shape[axis] != 1]
    return kept == sorted(kept)


def store_operand(values: NDArray[Any], order: Order) -> NDArray[Any]:
    """Permute a constant that broadcasts against a tensor of an order.

    Returns:
        The same values, a view; of as many axes as the order where it is not ONNX's own.
    """
    rank = len(order)
    if order == plain_order(rank):
        return values
    padded = values.reshape((1,) * (rank - values.ndim) + values.shape)
    return np.transpose(padded, order)


def reshape_orders(
    before: Sequence[int], after: Sequence[int], order: Order, preferred: Order
) -> tuple[Order, Order]:
    """The orders between which an ONNX Reshape is a change of shape alone.

    A reshape splits and joins runs of neighbouring axes. Memory stays as it is where each run
    lies together and in ONNX order; the runs themselves may lie in any order.

    Args:
        before: ONNX shape of the input.
        after: ONNX shape of the output.
        order: in which the input is stored.
        preferred: in which the output is best stored, where the input must be moved anyway.

    Returns:
        The order that the input must be brought to (the given one where nothing need move), and
        the order of the output.
    """
    runs = _runs(before, after)
    run_of = {axis: at for at, (axes, _) in enumerate(runs) for axis in axes}
    moving = [axis for axis in order if before[axis] != 1]
    sequence = list(dict.fromkeys(run_of[axis] for axis in moving))
    wanted = order
    if [axis for at in sequence for axis in runs[at][0]] != moving:
        sequence.sort(key=lambda at: preferred.index(runs[at][1][0]))
        wanted = _with_single_axes([axis for at in sequence for axis in runs[at][0]], before)
    return wanted, _with_single_axes([axis for at in sequence for axis in runs[at][1]], after)


def _runs(before: Sequence[int], after: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """The smallest runs of axes longer than 1 that hold equally many values on both sides."""
    left = [axis for axis, length in enumerate(before) if length != 1]
    right = [axis for axis, length in enumerate(after) if length != 1]
    runs: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        ins, outs = [left[i]], [right[j]]
        size_in, size_out = before[left[i]], after[right[j]]
        while size_in != size_out:
            if size_in < size_out:
                i += 1
                ins.append(left[i])
                size_in *= before[left[i]]
            else:
                j += 1
                outs.append(right[j])
                size_out *= after[right[j]]
        runs.append((ins, outs))
        i, j = i + 1, j + 1
    return runs


def _with_single_axes(moving: list[int], shape: Sequence[int]) -> Order:
    """An order of all axes that has those longer than 1 in the given sequence."""
    rank = len(shape)
    candidates = [plain_order(rank)]
    if rank == _IMAGE_RANK:
        candidates.insert(0, NHWC)
    for candidate in candidates:
        if [axis for axis in candidate if shape[axis] != 1] == moving:
            return candidate
    singles = [axis for axis, length in enumerate(shape) if length == 1]
    return (*singles, *moving)
