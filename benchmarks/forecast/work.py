"""What a model asks of a processor: multiplications, and bytes that must move."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "ModelWork",
    "Operation",
    "OperationKind",
    "Tensor",
    "convolution_multiplications",
    "matrix_multiplications",
]

OperationKind = Literal["convolution", "depthwise", "matrix", "recurrent", "other"]


@dataclass(frozen=True, slots=True)
class Tensor:
    """Shape and size of what an operation reads or writes.

    Attributes:
        shape: every axis fixed.
        item_bytes: of one element.
        is_integer: whether the elements are 8-bit integers.
        is_weight: whether it is stored in the model file.
    """

    shape: tuple[int, ...]
    item_bytes: int
    is_integer: bool = False
    is_weight: bool = False

    @property
    def elements(self) -> int:
        """How many; 1 for a scalar."""
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Of all elements."""
        return self.elements * self.item_bytes


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of one inference.

    Attributes:
        name: as the file calls it.
        kind: which kernels run it.
        is_integer: whether it multiplies 8-bit integers.
        multiplications: multiply-accumulate operations; 0 where it only moves or maps elements.
        activation_bytes: activations read and written.
        weight_bytes: weights read.
        elements: that it writes.
    """

    name: str
    kind: OperationKind
    is_integer: bool
    multiplications: int
    activation_bytes: int
    weight_bytes: int
    elements: int


@dataclass(frozen=True, slots=True)
class ModelWork:
    """One inference.

    Attributes:
        operations: in the order they run.
        peak_activation_bytes: most bytes of activations that live at one time.
        weight_bytes: of all weights.
    """

    operations: tuple[Operation, ...]
    peak_activation_bytes: int
    weight_bytes: int

    @property
    def multiplications(self) -> int:
        """Of all operations."""
        return sum(each.multiplications for each in self.operations)

    @property
    def integer_share(self) -> float:
        """Share of the multiplications on 8-bit integers, 0..1."""
        whole = self.multiplications
        integer = sum(each.multiplications for each in self.operations if each.is_integer)
        return integer / whole if whole else 0.0


def convolution_multiplications(output: Tensor, taps: int) -> int:
    """Of a convolution, plain, grouped or depthwise.

    Args:
        output: what it writes.
        taps: weights that make one output element: kernel size times input channels a group.
    """
    return output.elements * taps


def matrix_multiplications(left: Tensor, output: Tensor) -> int:
    """Of a matrix product whose left factor's last axis is summed over."""
    return output.elements * (left.shape[-1] if left.shape else 1)


def bytes_of(tensors: Sequence[Tensor], *, weights: bool) -> int:
    """Of the weights, or of the activations, among tensors."""
    return sum(each.size_bytes for each in tensors if each.is_weight == weights)
