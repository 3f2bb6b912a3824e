"""Layers that call another layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from quantize.importers.keras.layer_call import LayerCall, LayerWriter
from quantize.importers.keras.model_spec import parse_layer
from quantize.importers.keras.onnx_graph import Tensor

__all__ = ["WRAPPER_LAYERS"]


def _write_time_distributed(call: LayerCall) -> Tensor:
    """The same layer on every step: the steps are taken as a batch, and split again after."""
    inside = parse_layer(call.option("layer"))
    graph, tensor = call.graph, call.input
    batch, steps = tensor.shape[:2]
    flat = graph.reshape(tensor, (batch * steps, *tensor.shape[2:])).with_padding(None)
    named = replace(inside, name=call.layer.name)
    outputs = call.call_layer(named, (flat,))
    if len(outputs) != 1:
        raise call.refuse(f"it wraps '{inside.name}', which has {len(outputs)} outputs")
    rest = outputs[0].shape[1:]
    if outputs[0].shape[0] != batch * steps or not math.prod(rest):
        raise call.refuse(f"it wraps '{inside.name}', which changes the number of steps")
    return graph.reshape(outputs[0], (batch, steps, *rest))


WRAPPER_LAYERS: Mapping[str, LayerWriter] = {"TimeDistributed": _write_time_distributed}
