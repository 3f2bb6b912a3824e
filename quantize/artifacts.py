"""`QuantizedGraph` -> a bundle's model files; and any model file through the runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edge.bundle.manifest import Artifact, ModelMetadata
from edge.bundle.manifest_reader import model_metadata_to_json
from edge.engines.base import EngineOptions
from edge.engines.selection import create_engine
from edge.errors import UnsupportedInputError
from edge.model_parts import ModelParts
from edge.pipeline import Model
from edge.results import ModelIdentity
from quantize.faster_products import EngineName
from quantize.onnx_int8 import write_onnx_int8
from quantize.operators import OPERATORS
from quantize.quantized_graph import Precision, QuantizedGraph, float_form
from quantize.tflite.layout import plan_layout
from quantize.tflite.orders import NHWC, plain_order
from quantize.tflite_model import InputOutputType, write_tflite

if TYPE_CHECKING:
    from edge.bundle.manifest import ImageInput, Input, Output
    from edge.bundle.manifest import Precision as ArtifactPrecision
    from quantize.graph import FloatGraph

__all__ = [
    "FLOAT_TFLITE",
    "ArtifactOptions",
    "BuiltArtifact",
    "is_kept_float",
    "open_artifact",
    "source_artifact",
    "write_artifacts",
    "write_float_tflite",
    "write_kept_float",
]

_ONNX_TOLERANCE_STEPS = 3
"""onnxruntime's integer kernels differ by up to 2 steps between x86 and ARM, measured over 33
models; LiteRT's with XNNPACK by none."""

_FLOAT_TOLERANCE_STEPS = 3
_FLOAT_STEP = 1e-4
_DYNAMIC_STEP = 1.0 / 255.0
"""Steps of float outputs, as shares of the output's range. Where activations are quantized by what
a run meets, a difference in the last bit of a float may move a value by a whole step."""

_PICTURE_RANK = 4

FLOAT_ONNX, FLOAT_TFLITE = "model.float32.onnx", "model.float32.tflite"

Layout = Literal["NCHW", "NHWC"]


@dataclass(frozen=True, slots=True)
class ArtifactOptions:
    """How model files are written.

    Attributes:
        tflite_ends: type of the TFLite file's inputs and outputs where the graph is integer there.
        is_signed: int8 activations in the ONNX file in place of uint8.
    """

    tflite_ends: InputOutputType = "int8"
    is_signed: bool = False


@dataclass(frozen=True, slots=True)
class BuiltArtifact:
    """A model file as bytes, with what the manifest says of it.

    Attributes:
        data: the file.
        entry: its entry in the manifest.
        inputs: how it is fed.
        outputs: how it is read.
    """

    data: bytes
    entry: Artifact
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]


def write_artifacts(
    quantized: QuantizedGraph,
    inputs: tuple[Input, ...],
    outputs: tuple[Output, ...],
    spans: Mapping[str, float],
    options: ArtifactOptions | None = None,
) -> tuple[BuiltArtifact, BuiltArtifact]:
    """Write the int8 ONNX and the int8 TFLite file.

    Both carry the manifest's inputs and outputs, so that either runs outside its bundle.

    Args:
        quantized: what is written.
        inputs: how the files are fed.
        outputs: how they are read.
        spans: range of each float output over real examples.
        options: how they are written.

    Raises:
        EdgeError: a writer cannot write the graph.
    """
    chosen = options or ArtifactOptions()
    precision = _artifact_precision(quantized)
    metadata = model_metadata_to_json(
        ModelMetadata(format=1, inputs=inputs, outputs=outputs, precision=precision)
    )
    steps = {name: _output_step(quantized, name, spans[name]) for name in quantized.graph.outputs}
    is_float_ended = any(name not in quantized.activations for name in quantized.graph.outputs)
    floats = _FLOAT_TOLERANCE_STEPS if is_float_ended else 0
    onnx_entry = Artifact(
        path="model.int8.onnx",
        engine="onnxruntime",
        precision=precision,
        layout=_picture_layout(inputs),
        tolerance_steps=max(_ONNX_TOLERANCE_STEPS, floats),
        output_steps=steps,
    )
    tflite_entry = Artifact(
        path="model.int8.tflite",
        engine="litert",
        precision=precision,
        layout=_tflite_layout(quantized.graph, inputs),
        tolerance_steps=floats,
        output_steps=steps,
    )
    onnx_file = write_onnx_int8(
        quantized, metadata=metadata, is_signed=chosen.is_signed, joins_units=True
    )
    tflite_file = write_tflite(quantized, io=chosen.tflite_ends, metadata=metadata)
    return (
        BuiltArtifact(onnx_file, onnx_entry, inputs, outputs),
        BuiltArtifact(tflite_file, tflite_entry, inputs, outputs),
    )


def source_artifact(
    data: bytes, inputs: tuple[Input, ...], outputs: tuple[Output, ...]
) -> BuiltArtifact:
    """The float ONNX model that a bundle is made from, as if it were an artifact."""
    entry = _float_entry("source", "onnxruntime", _picture_layout(inputs), outputs)
    return BuiltArtifact(data, entry, inputs, outputs)


def write_float_tflite(
    graph: FloatGraph, inputs: tuple[Input, ...], outputs: tuple[Output, ...]
) -> BuiltArtifact:
    """The float model as TFLite, from the same writer as the int8 file.

    Raises:
        UnsupportedInputError: a node cannot be written.
    """
    entry = _float_entry(FLOAT_TFLITE, "litert", _tflite_layout(graph, inputs), outputs)
    return BuiltArtifact(write_tflite(float_form(graph), io="float32"), entry, inputs, outputs)


def write_kept_float(
    graph: FloatGraph,
    inputs: tuple[Input, ...],
    outputs: tuple[Output, ...],
    spans: Mapping[str, float],
    engine: EngineName,
) -> BuiltArtifact:
    """The float model as a file of the bundle, from the same graph and writers as the int8 files.

    Args:
        graph: what was quantized.
        inputs: how the file is fed.
        outputs: how it is read.
        spans: range of each output over real examples.
        engine: what runs it.

    Raises:
        EdgeError: the writer cannot write the graph.
    """
    metadata = model_metadata_to_json(
        ModelMetadata(format=1, inputs=inputs, outputs=outputs, precision="float32")
    )
    steps = {name: spans[name] * _FLOAT_STEP for name in graph.outputs}
    if engine == "onnxruntime":
        data = write_onnx_int8(float_form(graph), metadata=metadata)
        path, layout = FLOAT_ONNX, _picture_layout(inputs)
    else:
        data = write_tflite(float_form(graph), io="float32", metadata=metadata)
        path, layout = FLOAT_TFLITE, _tflite_layout(graph, inputs)
    entry = Artifact(
        path=path,
        engine=engine,
        precision="float32",
        layout=layout,
        tolerance_steps=_FLOAT_TOLERANCE_STEPS,
        output_steps=steps,
    )
    return BuiltArtifact(data, entry, inputs, outputs)


def is_kept_float(artifact: BuiltArtifact) -> bool:
    """Whether it is a float file beside an int8 one, and not an int8 file without any integer."""
    return artifact.entry.path in {FLOAT_ONNX, FLOAT_TFLITE}


def open_artifact(artifact: BuiltArtifact, options: EngineOptions | None = None) -> Model:
    """Load a model file as `edge.load` would from its bundle, so that the lab sees what boards do.

    Unless the options say otherwise on one thread: how many there are changes the last bits of
    float answers, and a bundle must not depend on the machine that it was made on.

    Raises:
        EngineError: the engine is missing or refuses the file.
        ModelMismatchError: the file does not take or give what the manifest says.
    """
    return Model(
        ModelParts(
            identity=ModelIdentity(name=artifact.entry.path, version="", digest=""),
            inputs=artifact.inputs,
            outputs=artifact.outputs,
            artifact=artifact.entry,
            engine=create_engine(
                artifact.entry.engine, artifact.data, options or EngineOptions(threads=1)
            ),
        )
    )


def _float_entry(
    path: str,
    engine: Literal["onnxruntime", "litert"],
    layout: Layout,
    outputs: tuple[Output, ...],
) -> Artifact:
    return Artifact(
        path=path,
        engine=engine,
        precision="float32",
        layout=layout,
        tolerance_steps=0,
        output_steps={output.name: 0.0 for output in outputs},
    )


def _artifact_precision(quantized: QuantizedGraph) -> ArtifactPrecision:
    """What a file computes in, by its layers with weights; without any, by all nodes."""
    nodes = quantized.graph.nodes
    weighted = [node for node in nodes if OPERATORS[node.op].dynamic_weights] + [
        node for node in nodes if OPERATORS[node.op].weight is not None
    ]
    found = {quantized.precision(node) for node in weighted or nodes}
    if Precision.DYNAMIC in found:
        return "dynamic"
    if Precision.INT8 not in found:
        return "float32"
    is_pure = all(quantized.precision(node) is Precision.INT8 for node in nodes)
    return "int8" if is_pure else "mixed"


def _output_step(quantized: QuantizedGraph, name: str, span: float) -> float:
    if name in quantized.activations:
        return quantized.activations[name].scale
    is_dynamic = Precision.DYNAMIC in quantized.precisions.values()
    return span * (_DYNAMIC_STEP if is_dynamic else _FLOAT_STEP)


def _pictures(inputs: tuple[Input, ...]) -> list[ImageInput]:
    from edge.bundle.manifest import ImageInput

    return [each for each in inputs if isinstance(each, ImageInput)]


def _picture_layout(inputs: tuple[Input, ...]) -> Layout:
    """ONNX files keep the source's layout; the runtime permutes nothing."""
    layouts = {each.layout for each in _pictures(inputs)}
    if len(layouts) > 1:
        raise UnsupportedInputError(
            "one picture input is NCHW and another NHWC; export the model with one layout"
        )
    return layouts.pop() if layouts else "NCHW"


def _tflite_layout(graph: FloatGraph, inputs: tuple[Input, ...]) -> Layout:
    """Which layout the runtime must give inputs of four axes in, as the file stores them."""
    ends = plan_layout(graph).ends
    native = {each.name: each.layout for each in _pictures(inputs)}
    found: set[Layout] = set()
    for each in inputs:
        if len(each.shape) != _PICTURE_RANK:
            continue
        if native.get(each.name) == "NHWC":
            found.add("NHWC" if ends[each.name] == plain_order(_PICTURE_RANK) else "NCHW")
        else:
            found.add("NHWC" if ends[each.name] == NHWC else "NCHW")
    if len(found) > 1:
        raise UnsupportedInputError(
            "inputs of four axes would be stored in different orders in TFLite; reshape one of "
            "them to three axes in the model"
        )
    return found.pop() if found else "NHWC"
