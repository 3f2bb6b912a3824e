"""One call of a Keras layer: what a writer of that layer gets to work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError, UnsupportedInputError
from quantize.importers.keras.model_spec import LayerSpec
from quantize.importers.keras.onnx_graph import OnnxGraph, Tensor

__all__ = ["LayerCall", "LayerWriter"]


@dataclass(frozen=True, slots=True)
class LayerCall:
    """A layer, its weights, and the tensors it is called on.

    Attributes:
        graph: where nodes go.
        layer: kind and options.
        weights: in Keras' order.
        inputs: every tensor among the positional arguments, in order.
        arguments: positional arguments, tensors resolved.
        keywords: arguments by name, tensors resolved.
        major_version: of the Keras that wrote the file, 2 or 3.
        call_layer: writes a call of another layer, for wrappers.
    """

    graph: OnnxGraph
    layer: LayerSpec
    weights: Sequence[NDArray[Any]]
    inputs: tuple[Tensor, ...]
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    major_version: int
    call_layer: Callable[[LayerSpec, tuple[Tensor, ...]], tuple[Tensor, ...]]

    @property
    def input(self) -> Tensor:
        """The only, or first, input."""
        if not self.inputs:
            raise InputError(f"layer '{self.layer.name}' is called on no tensor")
        return self.inputs[0]

    def option(self, name: str, default: Any = None) -> Any:
        """An option of the layer; the default where the file does not say."""
        return self.layer.config.get(name, default)

    def number(self, name: str, default: float) -> float:
        """A numeric option; `null` counts as not said."""
        value = self.option(name)
        if isinstance(value, dict):  # Keras 3 stores a numpy scalar as an object
            value = value.get("config", {}).get("value")
        return default if value is None else float(value)

    def whole_numbers(self, name: str, count: int, default: int = 1) -> tuple[int, ...]:
        """An option of `count` whole numbers, or one for all."""
        value = self.option(name)
        if value is None:
            value = default
        if isinstance(value, int):
            return (value,) * count
        found = tuple(int(each) for each in value)
        if len(found) != count:
            raise InputError(f"layer '{self.layer.name}': {name} is {value}, not {count} numbers")
        return found

    def weight(self, at: int, shape: tuple[int | None, ...], what: str) -> NDArray[np.float32]:
        """One weight, checked.

        Args:
            at: its place in Keras' order.
            shape: as Keras stores it; None for any size.
            what: its name, for messages.

        Raises:
            InputError: missing, of another shape, or holding NaN.
        """
        name = self.layer.name
        if at >= len(self.weights):
            raise InputError(
                f"layer '{name}' has no {what} in the file; save the whole model, not its "
                "configuration alone"
            )
        values = np.asarray(self.weights[at])
        fits = len(values.shape) == len(shape) and all(
            wanted is None or wanted == size
            for wanted, size in zip(shape, values.shape, strict=True)
        )
        if not fits:
            stated = tuple("any" if each is None else each for each in shape)
            raise InputError(f"{what} of layer '{name}' is {values.shape}; {stated} is expected")
        values = values.astype(np.float32)
        if np.isnan(values).any():
            raise InputError(
                f"{what} of layer '{name}' holds NaN; the model is damaged, save again"
            )
        return values

    def on(self, *tensors: Tensor) -> LayerCall:
        """The same layer called on other tensors."""
        return replace(self, inputs=tensors, arguments=tensors, keywords={})

    def refuse(self, why: str) -> UnsupportedInputError:
        """The error to raise where a layer has a form that is not supported."""
        return UnsupportedInputError(f"layer '{self.layer.name}' ({self.layer.kind}): {why}")

    @property
    def is_channels_last(self) -> bool:
        """Whether channels are the last axis, as they are in Keras unless it was told otherwise."""
        return bool(self.option("data_format", "channels_last") != "channels_first")


LayerWriter = Callable[[LayerCall], "Tensor | tuple[Tensor, ...]"]
"""Writes the nodes of one call and gives its outputs."""
