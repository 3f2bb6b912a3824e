"""ExecuTorch with its XNNPACK backend: ONNX by onnx2torch, quantized by its own quantizer."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from benchmarks.peers.quantizers.workers.request import Request, calibration_examples, serve

__all__ = ["convert"]


def convert(request: Request) -> None:
    """Write the .pte file."""
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    module = _torch_module(request)
    examples = [
        tuple(torch.from_numpy(values) for values in each.values())
        for each in calibration_examples(request)
    ]
    if request.options["precision"] == "int8":
        module = _quantized(module, examples, is_dynamic=request.options["family"] != "cnn")
    exported = torch.export.export(module, examples[0])
    program = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    request.destination.write_bytes(program.to_executorch().buffer)


def _torch_module(request: Request) -> Any:
    import onnx

    _stand_in_for_torchvision()
    import onnx2torch

    module = onnx2torch.convert(onnx.load(str(request.model))).eval()
    _fix_shapes(module)
    return module


def _fix_shapes(module: Any) -> None:
    """Make reshapes to a constant reshapes to numbers.

    onnx2torch looks into a tensor for them, which `torch.export` cannot follow.
    """
    import torch

    parts = dict(module.named_modules())
    for node in list(module.graph.nodes):
        is_reshape = node.op == "call_module" and type(parts[node.target]).__name__ == "OnnxReshape"
        if not is_reshape or node.args[1].op != "get_attr":
            continue
        owner, _, name = node.args[1].target.rpartition(".")
        shape = getattr(module.get_submodule(owner), name).tolist()
        if 0 in shape:
            continue
        with module.graph.inserting_after(node):
            fixed = module.graph.call_function(torch.reshape, (node.args[0], shape))
        node.replace_all_uses_with(fixed)
        module.graph.erase_node(node)
    module.recompile()


def _stand_in_for_torchvision() -> None:
    """For onnx2torch, which needs it for detection only: its wheel wants PyTorch with CUDA."""
    package, operators = ModuleType("torchvision"), ModuleType("torchvision.ops")
    vars(package)["ops"] = operators
    vars(operators)["roi_align"] = None
    sys.modules.update({"torchvision": package, "torchvision.ops": operators})


def _quantized(module: Any, examples: list[Any], *, is_dynamic: bool) -> Any:
    import torch
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    quantizer = XNNPACKQuantizer().set_global(
        get_symmetric_quantization_config(is_per_channel=True, is_dynamic=is_dynamic)
    )
    prepared = prepare_pt2e(torch.export.export(module, examples[0]).module(), quantizer)
    with torch.no_grad():
        for each in examples:
            prepared(*each)
    return convert_pt2e(prepared)


if __name__ == "__main__":
    serve(convert)
