"""Between Keras' channels-last layout and ONNX' channels-first one."""

from __future__ import annotations

from collections.abc import Callable

from quantize.importers.keras.layer_call import LayerCall
from quantize.importers.keras.onnx_graph import OnnxGraph, Tensor

__all__ = ["channels_first", "channels_last", "through_channels_first"]


def channels_first(graph: OnnxGraph, tensor: Tensor) -> Tensor:
    """(batch, *space, channels) -> (batch, channels, *space)."""
    last = tensor.rank - 1
    return graph.transpose(tensor, [0, last, *range(1, last)])


def channels_last(graph: OnnxGraph, tensor: Tensor) -> Tensor:
    """(batch, channels, *space) -> (batch, *space, channels)."""
    return graph.transpose(tensor, [0, *range(2, tensor.rank), 1])


def through_channels_first(call: LayerCall, write: Callable[[Tensor], Tensor]) -> Tensor:
    """Write nodes that want channels first, whichever layout the layer has."""
    if not call.is_channels_last:
        return write(call.input)
    return channels_last(call.graph, write(channels_first(call.graph, call.input)))
