"""A Keras model's layers, called in order -> a static ONNX model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.errors import EdgeError, InputError, UnsupportedInputError
from quantize.importers.keras.activations import ACTIVATION_LAYERS
from quantize.importers.keras.attention import ATTENTION_LAYERS
from quantize.importers.keras.convolution import CONVOLUTION_LAYERS
from quantize.importers.keras.dense import DENSE_LAYERS, MASK_OPERATIONS, as_padding
from quantize.importers.keras.file_process import read_keras_file
from quantize.importers.keras.layer_call import LayerCall, LayerWriter
from quantize.importers.keras.layer_weights import LayerPath, assign_weights
from quantize.importers.keras.merging import MERGING_LAYERS, OPERATIONS, joined_padding
from quantize.importers.keras.model_file import KerasFile
from quantize.importers.keras.model_spec import (
    LayerSpec,
    ModelSpec,
    NodeSpec,
    Reference,
    parse_model,
    prune_model,
    references_in,
)
from quantize.importers.keras.normalization import NORMALIZATION_LAYERS
from quantize.importers.keras.onnx_graph import OnnxGraph, Tensor
from quantize.importers.keras.pooling import SPACE_LAYERS
from quantize.importers.keras.recurrent import RECURRENT_LAYERS
from quantize.importers.keras.wrappers import WRAPPER_LAYERS
from quantize.importers.static_shapes import fix_input_shapes

__all__ = ["LAYERS", "convert_keras_file", "load_keras_model"]

LAYERS: Mapping[str, LayerWriter] = {
    **DENSE_LAYERS,
    **ACTIVATION_LAYERS,
    **CONVOLUTION_LAYERS,
    **SPACE_LAYERS,
    **NORMALIZATION_LAYERS,
    **MERGING_LAYERS,
    **RECURRENT_LAYERS,
    **ATTENTION_LAYERS,
    **WRAPPER_LAYERS,
}
"""Every layer that is read, beside InputLayer and models used as layers."""

_MERGES_MASKS = frozenset({"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"})
_PASSES_MASK = frozenset(
    {
        *("Dense", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Dropout", "Identity"),
        *("AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization"),
        *("SpatialDropout1D", "BatchNormalization", "LayerNormalization", "GroupNormalization"),
        *("Rescaling", "Normalization", "TimeDistributed", "Softmax"),
    }
)
_RETURNS_SERIES = frozenset({"LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional"})
_WHOLE_NUMBER_TYPES = {"int32": "int32", "int64": "int64", "bool": "bool"}


def load_keras_model(
    path: Path,
    *,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    assume_no_padding: bool = False,
) -> Any:
    """Read a Keras 2 or 3 model as ONNX. Neither Keras nor TensorFlow is needed or run.

    Args:
        path: `.keras`, `.h5` or `.hdf5` file of a whole model.
        input_shapes: full shapes by input name, where the model leaves more open than the batch.
        assume_no_padding: take masks as if nothing were ever masked, for layers whose masked form
            cannot be expressed.

    Returns:
        `onnx.ModelProto` of opset 17, static, batch 1; inputs and outputs keep Keras' layout.

    Raises:
        EngineNotInstalledError: h5py is missing.
        InputError: damaged; `UnsupportedInputError` names the layer that cannot be read.
        UsageError: `input_shapes` does not fit the model.
    """
    return convert_keras_file(
        read_keras_file(path),
        str(path),
        input_shapes=input_shapes,
        assume_no_padding=assume_no_padding,
    )


def convert_keras_file(
    file: KerasFile,
    where: str,
    *,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    assume_no_padding: bool = False,
) -> Any:
    """Write what a file holds as ONNX.

    Args:
        file: configuration and weights.
        where: the file's name, for messages.
        input_shapes: as for `load_keras_model`.
        assume_no_padding: likewise.

    Returns:
        As `load_keras_model`.

    Raises:
        InputError: damaged; `UnsupportedInputError` names the layer that cannot be read.
        UsageError: `input_shapes` does not fit the model.
    """
    try:
        return _Builder(file, assume_no_padding=assume_no_padding).build(input_shapes or {})
    except EdgeError as error:
        raise type(error)(f"{where}: {error}") from error
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, RecursionError) as error:
        raise InputError(
            f"{where}: the model's configuration is damaged: {type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]}"
        ) from error


class _Builder:
    """Calls layers one after another, as Keras would."""

    def __init__(self, file: KerasFile, *, assume_no_padding: bool) -> None:
        self._file = file
        self._has_padding = not assume_no_padding
        self._graph = OnnxGraph()
        whole = parse_model(file.config)
        self._weights = assign_weights(whole, file)
        self._spec = prune_model(whole, with_masks=self._has_padding)

    def build(self, input_shapes: Mapping[str, tuple[int, ...]]) -> Any:
        _refuse_unknown(self._spec)
        by_name = {each.name: each for each in self._spec.layers}
        layers = [_layer_of(by_name, each) for each in self._spec.inputs]
        shapes = _static_shapes(layers, input_shapes)
        inputs = tuple(
            self._graph.add_input(each.name, shapes[each.name], _input_type(each))
            for each in layers
        )
        outputs = self._run_model(self._spec, inputs, ())
        names = _output_names([each.layer for each in self._spec.outputs])
        return self._graph.finish(dict(zip(names, outputs, strict=True)))

    def _run_model(
        self, model: ModelSpec, inputs: tuple[Tensor, ...], path: LayerPath
    ) -> tuple[Tensor, ...]:
        """Call every node of a model once its inputs are there, in the layers' order."""
        if len(inputs) != len(model.inputs):
            raise InputError(
                f"model '{model.name}' takes {len(model.inputs)} inputs, not {len(inputs)}"
            )
        found: dict[Reference, Tensor] = dict(zip(model.inputs, inputs, strict=True))
        waiting = [
            (layer, at, node)
            for layer in model.layers
            for at, node in enumerate(layer.nodes)
            if layer.kind != "InputLayer" and node is not None
        ]
        while waiting:
            left = [each for each in waiting if not self._call_node(each, found, path)]
            if len(left) == len(waiting):
                break
            waiting = left
        missing = next((each for each in model.outputs if each not in found), None)
        if missing is not None:
            raise InputError(f"layer '{missing.layer}' of model '{model.name}' cannot be reached")
        return tuple(found[each] for each in model.outputs)

    def _call_node(
        self,
        called: tuple[LayerSpec, int, NodeSpec],
        found: dict[Reference, Tensor],
        path: LayerPath,
    ) -> bool:
        layer, at, node = called
        needed = set(references_in((node.arguments, node.keywords)))
        if not needed <= found.keys():
            return False
        arguments = _resolved(node.arguments, found)
        keywords = _resolved(node.keywords, found)
        outputs = self._call_layer(layer, (*path, layer.name), arguments, keywords)
        for number, tensor in enumerate(outputs):
            found[Reference(layer.name, at, number)] = tensor
        return True

    def _call_layer(
        self,
        layer: LayerSpec,
        path: LayerPath,
        arguments: tuple[Any, ...],
        keywords: Mapping[str, Any],
    ) -> tuple[Tensor, ...]:
        inputs = tuple(_tensors(arguments)) or tuple(_tensors(keywords))
        if layer.model is not None:
            return self._run_model(layer.model, inputs, path)
        self._graph.enter_layer("/".join(path))
        call = LayerCall(
            graph=self._graph,
            layer=layer,
            weights=self._weights.get(path, ()),
            inputs=inputs,
            arguments=arguments,
            keywords=keywords,
            major_version=self._file.major_version,
            call_layer=lambda inner, given: self._call_layer(inner, path, given, {}),
        )
        outputs = _writer_of(layer)(_with_stated_mask(call))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return self._with_mask(call, outputs)

    def _with_mask(self, call: LayerCall, outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Carry Keras' mask on, from a layer that lets it through."""
        kind, first = call.layer.kind, outputs[0]
        if not self._has_padding:
            return tuple(each.with_padding(None) for each in outputs)
        if kind in {"Masking", "Embedding"}:
            return outputs
        padding = None
        if kind in _PASSES_MASK:
            padding = call.input.padding
        elif kind in _MERGES_MASKS or kind == "Concatenate":
            padding = joined_padding(call)
        elif kind in _RETURNS_SERIES and call.inputs:
            options = call.layer.config.get("layer") or call.layer.config
            options = options.get("config", options) if kind == "Bidirectional" else options
            padding = call.input.padding if options.get("return_sequences") else None
        return (first.with_padding(padding), *outputs[1:])


def _with_stated_mask(call: LayerCall) -> LayerCall:
    """A mask among the arguments takes the place of the one that the first input carries."""
    if any(each.is_mask for each in call.inputs) and call.layer.kind not in MASK_OPERATIONS:
        raise call.refuse("it computes with a mask")
    mask = call.keywords.get("mask")
    if mask is None:
        return call
    if not isinstance(mask, Tensor) or not mask.is_mask:
        raise call.refuse("it is called with a mask of its own")
    first = call.input.with_padding(as_padding(call, mask))
    inputs = (first, *call.inputs[1:])
    rest = {name: value for name, value in call.keywords.items() if name != "mask"}
    return replace(call, inputs=inputs, keywords=rest)


def _writer_of(layer: LayerSpec) -> LayerWriter:
    """What writes a layer.

    Raises:
        UnsupportedInputError: none does; by name.
    """
    if layer.kind in {"TFOpLambda", "SlicingOpLambda"}:
        name = str(layer.config.get("function", layer.name))
        if name in OPERATIONS:
            return OPERATIONS[name]
    elif layer.module.startswith("keras.src.ops"):
        found = OPERATIONS.get(layer.kind) or MASK_OPERATIONS.get(layer.kind)
        if found is not None:
            return found
    elif not layer.module and layer.kind in LAYERS:
        return LAYERS[layer.kind]
    raise UnsupportedInputError(_why_not(layer))


def _why_not(layer: LayerSpec) -> str:
    if layer.kind == "Lambda":
        return (
            f"layer '{layer.name}' is a Lambda: it holds code, which is never run; replace it by "
            "Keras layers, or export the model from Python: model.export('model.onnx', "
            "format='onnx')"
        )
    if layer.kind in {"TFOpLambda", "SlicingOpLambda"} or layer.module.startswith("keras.src.ops"):
        name = layer.config.get("function", layer.kind)
        return (
            f"layer '{layer.name}' is the operation '{name}'; supported operations: "
            f"{', '.join(sorted(OPERATIONS))}; use Keras layers instead, or export the model to "
            "ONNX from Python"
        )
    if layer.module:
        return (
            f"layer '{layer.name}' is '{layer.kind}' of '{layer.module}', a class of its own whose "
            "code is not in the file; export the model from Python: model.export('model.onnx', "
            "format='onnx')"
        )
    return (
        f"layer '{layer.name}' is a '{layer.kind}', which is not supported; supported: "
        f"{', '.join(sorted(LAYERS))}"
    )


def _refuse_unknown(model: ModelSpec) -> None:
    """Name every layer that cannot be read at once, before any work."""
    faults: list[str] = []
    for layer in model.layers:
        if layer.model is not None:
            _refuse_unknown(layer.model)
        elif layer.kind != "InputLayer":
            try:
                _writer_of(layer)
            except UnsupportedInputError as error:
                faults.append(str(error))
    if faults:
        raise UnsupportedInputError("; ".join(dict.fromkeys(faults)))


def _layer_of(by_name: Mapping[str, LayerSpec], reference: Reference) -> LayerSpec:
    layer = by_name.get(reference.layer)
    if layer is None or layer.kind != "InputLayer":
        raise InputError(f"input '{reference.layer}' is not an input layer; the file is damaged")
    return layer


def _static_shapes(
    layers: list[LayerSpec], input_shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[int, ...]]:
    """Shapes of the inputs by the rules for ONNX models: the batch is 1, the rest stated."""
    import onnx

    infos = []
    for layer in layers:
        shape = layer.config.get("batch_shape") or layer.config.get("batch_input_shape")
        if not isinstance(shape, (list, tuple)):
            raise InputError(f"input '{layer.name}' states no shape; save the model once built")
        open_axes = [f"axis_{at}" if size is None else int(size) for at, size in enumerate(shape)]
        infos.append(
            onnx.helper.make_tensor_value_info(layer.name, onnx.TensorProto.FLOAT, open_axes)
        )
    return fix_input_shapes(
        onnx.helper.make_model(onnx.helper.make_graph([], "inputs", infos, [])), input_shapes
    )


def _input_type(layer: LayerSpec) -> str:
    """Numbers of a category stay whole; every kind of float is float32."""
    stated = layer.config.get("dtype", "float32")
    if isinstance(stated, dict):
        stated = stated.get("config", {}).get("name", "float32")
    return _WHOLE_NUMBER_TYPES.get(str(stated), "float32")


def _output_names(layers: list[str]) -> list[str]:
    names: list[str] = []
    for layer in layers:
        name, number = layer, 0
        while name in names:
            number += 1
            name = f"{layer}_{number}"
        names.append(name)
    return names


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _tensors(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each)


def _resolved(value: Any, found: Mapping[Reference, Tensor]) -> Any:
    """The same nest with tensors for references."""
    if isinstance(value, Reference):
        return found[value]
    if isinstance(value, Mapping):
        return {key: _resolved(each, found) for key, each in value.items()}
    if isinstance(value, tuple):
        return tuple(_resolved(each, found) for each in value)
    return [_resolved(each, found) for each in value] if isinstance(value, list) else value
