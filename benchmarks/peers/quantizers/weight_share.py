"""How much of a file's weights is in 8 bits: quantizers leave in float what they do not know."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

__all__ = ["eight_bit_share"]


def eight_bit_share(path: Path) -> float:
    """Share of the weights, counted by element, that a file holds in 8 bits or fewer.

    Args:
        path: .onnx or .tflite.

    Returns:
        0 to 1; 0 where there are no weights. Integers wider than 8 bits are biases or indices and
        do not count.
    """
    counts = _onnx_counts(path) if path.suffix == ".onnx" else _tflite_counts(path)
    narrow, wide = counts
    return narrow / (narrow + wide) if narrow + wide else 0.0


def _onnx_counts(path: Path) -> tuple[int, int]:
    import onnx

    kinds = onnx.TensorProto
    graph = onnx.load(str(path)).graph
    tensors: list[Any] = list(graph.initializer)
    for node in graph.node:
        if node.op_type == "Constant":
            tensors += [each.t for each in node.attribute if each.name == "value"]
    narrow = sum(prod(each.dims) for each in tensors if each.data_type in (kinds.INT8, kinds.UINT8))
    wide = sum(
        prod(each.dims) for each in tensors if each.data_type in (kinds.FLOAT, kinds.FLOAT16)
    )
    return narrow, wide


def _tflite_counts(path: Path) -> tuple[int, int]:
    from ai_edge_litert import schema_py_generated as schema

    kinds = schema.TensorType
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    found: dict[int, tuple[int, int]] = {}
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            buffer = model.buffers[tensor.buffer]
            # Large files keep their data behind the flat buffer, at an offset above 1.
            if buffer.data is None and (buffer.offset or 0) <= 1:
                continue
            elements = prod(int(each) for each in tensor.shape) if len(tensor.shape) else 1
            is_narrow = tensor.type in (kinds.INT8, kinds.UINT8, kinds.INT4)
            is_wide = tensor.type in (kinds.FLOAT32, kinds.FLOAT16)
            # Buffers may be shared: each counts once.
            found[tensor.buffer] = (elements * is_narrow, elements * is_wide)
    return sum(each[0] for each in found.values()), sum(each[1] for each in found.values())
