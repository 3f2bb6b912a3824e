"""DepthToSpace and SpaceToDepth as DEPTH_TO_SPACE and SPACE_TO_DEPTH.

Constraints upheld: TFLite takes a depth apart as ONNX's mode DCR does (block first, channel last);
for CRD a GATHER reorders the channels before.
"""

from __future__ import annotations

import numpy as np

from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.operators.slicing import gather
from quantize.tflite.orders import NHWC
from quantize.tflite.schema import TensorType

__all__ = ["emit_depth_to_space", "emit_space_to_depth"]


def _version(lowering: Lowering, source: int) -> int:
    return 2 if lowering.builder.tensor(source).dtype is TensorType.INT8 else 1


def emit_depth_to_space(lowering: Lowering, node: Node) -> None:
    """Write channels laid out as blocks of positions."""
    block = int(node.attributes["blocksize"])
    source = lowering.read(node, 0, NHWC)
    if str(node.attributes.get("mode") or "DCR") == "CRD":
        tensor = lowering.builder.tensor(source)
        channels = np.arange(tensor.shape[3], dtype=np.int32)
        order = channels.reshape(-1, block * block).T.reshape(-1)
        operation = gather(lowering, source, order, 3)
        source = lowering.derived(operation, f"{node.inputs[0]}:reordered", tensor.shape, source)
    version = _version(lowering, source)
    options: dict[str, object] = {"blockSize": block}
    operation = Operation("DEPTH_TO_SPACE", version, (source,), "DepthToSpaceOptions", options)
    lowering.write(operation, node.outputs[0], lowering.kept_params(node))


def emit_space_to_depth(lowering: Lowering, node: Node) -> None:
    """Write blocks of positions laid out as channels."""
    source = lowering.read(node, 0, NHWC)
    version = _version(lowering, source)
    options: dict[str, object] = {"blockSize": int(node.attributes["blocksize"])}
    operation = Operation("SPACE_TO_DEPTH", version, (source,), "SpaceToDepthOptions", options)
    lowering.write(operation, node.outputs[0], lowering.kept_params(node))
