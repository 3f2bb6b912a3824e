"""MaxPool, AveragePool and GlobalAveragePool over two spatial axes."""

from __future__ import annotations

from quantize.graph import FloatGraph, Node
from quantize.operators.base import Operator
from quantize.operators.conditions import rank_fault
from quantize.tflite.padding import place_window, read_window

__all__ = ["AVERAGE_POOL", "GLOBAL_AVERAGE_POOL", "MAX_POOL"]


def _find_pool_fault(graph: FloatGraph, node: Node) -> str | None:
    if len([name for name in node.outputs if name]) > 1:
        return "the second output (indices) is used"
    if any(step != 1 for step in node.attributes.get("dilations", ())):
        return f"dilations {tuple(node.attributes['dilations'])}; only 1 is supported"
    if node.attributes.get("ceil_mode", 0):
        return "ceil_mode = 1 with a window that starts in the padding"
    return rank_fault(graph, node, 4)


def _find_global_fault(graph: FloatGraph, node: Node) -> str | None:
    return rank_fault(graph, node, 4)


def _find_int8_average_fault(graph: FloatGraph, node: Node) -> str | None:
    """TFLite's integer average leaves out no cells but those that its own SAME adds."""
    before, after = (graph.shape(each)[2:] for each in (node.inputs[0], node.outputs[0]))
    window = read_window(node, tuple(node.attributes["kernel_shape"]), before)
    if node.attributes.get("count_include_pad", 0) or not any(map(any, window.pads)):
        return None
    is_same = not place_window(window, before, after).needs_pad
    return None if is_same else f"its pads {window.pads} are not counted and are not SAME"


MAX_POOL = Operator("MaxPool", is_same_scale=True, find_fault=_find_pool_fault)
AVERAGE_POOL = Operator(
    "AveragePool",
    is_same_scale=True,
    find_fault=_find_pool_fault,
    int8_fault=_find_int8_average_fault,
)
GLOBAL_AVERAGE_POOL = Operator("GlobalAveragePool", find_fault=_find_global_fault)
