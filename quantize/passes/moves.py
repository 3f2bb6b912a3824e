"""Reshape and Transpose as one thing: a move of values that elementwise operators let through."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.graph import Node
from quantize.graph_draft import GraphDraft

__all__ = ["Move", "move_of"]

Shape = tuple[int, ...]

_SERIES_AXES = (0, 1, 3)


@dataclass(frozen=True, slots=True)
class Move:
    """Values of shape `before` that are read in shape `after`.

    Attributes:
        before: shape that goes in.
        after: shape that comes out.
        permutation: of a Transpose; None for a Reshape.
    """

    before: Shape
    after: Shape
    permutation: Shape | None

    def axis_before(self, axis: int) -> int | None:
        """The axis of `before` that an axis of `after` is, values unmixed; None for no such."""
        axis %= len(self.after)
        if self.permutation is not None:
            return self.permutation[axis]
        if self.is_series:
            return _SERIES_AXES[axis]
        from_end = len(self.after) - axis
        kept = self.after[axis:]
        return len(self.before) - from_end if self.before[-from_end:] == kept else None

    @property
    def is_series(self) -> bool:
        """Whether a picture one pixel high is read as a series."""
        is_shape = len(self.before) == len(_SERIES_AXES) + 1 and self.before[2] == 1
        return (
            self.permutation is None
            and is_shape
            and self.after
            == (
                *self.before[:2],
                self.before[3],
            )
        )

    @property
    def leading_units(self) -> int:
        """How many axes of size 1 a Reshape puts in front and nothing else; 0 for other moves."""
        count = len(self.after) - len(self.before)
        is_only = self.permutation is None and count > 0
        return count if is_only and self.after == (1,) * count + self.before else 0

    def constant_before(self, values: NDArray[Any]) -> NDArray[Any] | None:
        """A constant that broadcasts to `after`, so that it does the same to `before`."""
        if values.size == 1:
            return values.reshape(())
        rank = len(self.after)
        if values.ndim > rank:
            return None
        aligned = values.reshape((1,) * (rank - values.ndim) + values.shape)
        if self.permutation is not None:
            return np.transpose(aligned, np.argsort(self.permutation))
        wide = [axis for axis in range(rank) if aligned.shape[axis] != 1]
        found = [self.axis_before(axis) for axis in wide]
        if all(axis is not None for axis in found):
            target = [1] * len(self.before)
            for axis, early in zip(wide, found, strict=True):
                target[early or 0] = aligned.shape[axis]
            return aligned.reshape(target)
        is_full = aligned.size == prod(self.after)
        return aligned.reshape(self.before) if is_full else None

    def node(self, draft: GraphDraft, source: str, target: str, name: str) -> Node:
        """The same move of another tensor, whose shape may differ along unmixed axes."""
        if self.permutation is not None:
            return Node("Transpose", (source,), (target,), {"perm": self.permutation}, name)
        shape = draft.add_constant(f"{name}/shape", np.array(draft.shape(target), np.int64))
        return Node("Reshape", (source, shape), (target,), {}, name)


def move_of(draft: GraphDraft, node: Node | None) -> Move | None:
    """What a Reshape or Transpose does; None for other nodes."""
    if node is None or node.op not in {"Reshape", "Transpose"}:
        return None
    before, after = draft.shape(node.inputs[0]), draft.shape(node.outputs[0])
    if node.op == "Reshape":
        return Move(before, after, None)
    rank = len(before)
    default = tuple(reversed(range(rank)))
    order = tuple(int(axis) for axis in node.attributes.get("perm") or default)
    return Move(before, after, order)
