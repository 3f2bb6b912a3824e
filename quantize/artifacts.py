"""`QuantizedGraph` -> the bundle's two model files; and any model file through the runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.bundle.manifest import Artifact, ModelMetadata
from edge.bundle.manifest_reader import model_metadata_to_json
from edge.engines.base import EngineOptions
from edge.engines.selection import create_engine
from edge.model_parts import ModelParts
from edge.pipeline import Model
from edge.results import ModelIdentity
from quantize.onnx_int8 import write_onnx_int8
from quantize.tflite_int8 import write_tflite_int8

if TYPE_CHECKING:
    from quantize.describe_model import ModelDescription
    from quantize.quantized_graph import QuantizedGraph

__all__ = ["BuiltArtifact", "open_artifact", "source_artifact", "write_artifacts"]

_ONNX_TOLERANCE_STEPS = 3
"""onnxruntime's integer kernels differ by up to 2 steps between x86 and ARM, measured over 33
models; LiteRT's with XNNPACK by none."""


@dataclass(frozen=True, slots=True)
class BuiltArtifact:
    """A model file, as bytes and as the manifest's entry."""

    data: bytes
    entry: Artifact


def write_artifacts(
    quantized: QuantizedGraph, description: ModelDescription
) -> tuple[BuiltArtifact, BuiltArtifact]:
    """Write the int8 ONNX and the int8 TFLite file.

    Both carry the manifest's input and output, so that either runs outside its bundle.

    Raises:
        EdgeError: a writer cannot write the graph.
    """
    metadata = model_metadata_to_json(
        ModelMetadata(format=1, inputs=(description.input,), outputs=(description.output,))
    )
    output = quantized.graph.outputs[0]
    steps = {description.output.name: quantized.activations[output].scale}
    onnx_entry = Artifact(
        path="model.int8.onnx",
        engine="onnxruntime",
        precision="int8",
        layout="NCHW",
        tolerance_steps=_ONNX_TOLERANCE_STEPS,
        output_steps=steps,
    )
    tflite_entry = Artifact(
        path="model.int8.tflite",
        engine="litert",
        precision="int8",
        layout="NHWC",
        tolerance_steps=0,
        output_steps=steps,
    )
    return (
        BuiltArtifact(write_onnx_int8(quantized, metadata=metadata), onnx_entry),
        BuiltArtifact(write_tflite_int8(quantized, metadata=metadata), tflite_entry),
    )


def source_artifact(data: bytes, description: ModelDescription) -> BuiltArtifact:
    """The float model that a bundle is made from, as if it were an artifact."""
    entry = Artifact(
        path="source",
        engine="onnxruntime",
        precision="float32",
        layout="NCHW",
        tolerance_steps=0,
        output_steps={description.output.name: 0.0},
    )
    return BuiltArtifact(data, entry)


def open_artifact(artifact: BuiltArtifact, description: ModelDescription) -> Model:
    """Load a model file as `edge.load` would from its bundle, so that the lab sees what boards do.

    Raises:
        EngineError: the engine is missing or refuses the file.
        ModelMismatchError: the file does not take or give what the manifest says.
    """
    return Model(
        ModelParts(
            identity=ModelIdentity(name=artifact.entry.path, version="", digest=""),
            inputs=(description.input,),
            outputs=(description.output,),
            artifact=artifact.entry,
            engine=create_engine(artifact.entry.engine, artifact.data, EngineOptions()),
        )
    )
