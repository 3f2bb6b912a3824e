"""What every operator writes through: the graph on one side, the model builder on the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError
from quantize.fusion import fused_activations
from quantize.graph import FloatGraph, Node
from quantize.operators.clamp import clamp_bounds
from quantize.quantized_graph import ActivationParams, QuantizedGraph, QuantizedWeight
from quantize.tflite.activation import fused_function
from quantize.tflite.layout import hwc_flattened, store_operand, stored_shape
from quantize.tflite.model_builder import (
    ModelBuilder,
    Operation,
    Quantization,
    TensorSpecification,
)
from quantize.tflite.schema import FusedActivation, TensorType
from quantize.uniform import quantize_activation

__all__ = ["Lowering", "quantization", "requantize", "same_params"]


def quantization(params: ActivationParams) -> Quantization:
    """The int8 form of activation parameters."""
    return Quantization((float(np.float32(params.scale)),), (params.int8_zero_point,))


def same_params(first: ActivationParams, second: ActivationParams) -> bool:
    """Whether two tensors' bytes mean the same values."""
    return quantization(first) == quantization(second)


class Lowering:
    """One model under construction: ONNX names in, TFLite tensor indices out.

    Attributes:
        quantized: the graph that is written.
        graph: its float graph.
        builder: where tensors and operations go.
        hwc_flattened: see `layout.hwc_flattened`.

    Args:
        quantized: the graph to write.
        tensor_names: what the file calls an activation where that is not its name in the graph.
    """

    def __init__(
        self, quantized: QuantizedGraph, tensor_names: Mapping[str, str] | None = None
    ) -> None:
        self.quantized = quantized
        self.graph: FloatGraph = quantized.graph
        self.builder = ModelBuilder()
        self.hwc_flattened = hwc_flattened(self.graph)
        self._fused: Mapping[str, Node] = fused_activations(self.graph)
        self._fused_nodes = {id(node) for node in self._fused.values()}
        self._tensor_names = dict(tensor_names or {})
        self._activations: dict[str, int] = {}
        self._requantized: dict[tuple[str, Quantization], int] = {}

    def is_fused(self, node: Node) -> bool:
        """Whether a node is an activation that its producer computes."""
        return id(node) in self._fused_nodes

    def result(self, node: Node) -> tuple[str, FusedActivation]:
        """The tensor that a node's operator writes, and the function fused into it.

        Raises:
            UnsupportedInputError: the activation after it cannot be fused.
        """
        name = node.outputs[0]
        activation = self._fused.get(name)
        if activation is None:
            return name, FusedActivation.NONE
        name = activation.outputs[0]
        return name, fused_function(clamp_bounds(self.graph, activation), self.params(name))

    def params(self, name: str) -> ActivationParams:
        """The int8 parameters of an activation.

        Raises:
            UnsupportedInputError: it has none.
        """
        if name not in self.quantized.activations:
            raise UnsupportedInputError(
                f"tensor {name} has no int8 parameters; calibrate it or remove its node"
            )
        return self.quantized.activations[name]

    def weight(self, name: str) -> QuantizedWeight:
        """The integers of a weight or bias.

        Raises:
            UnsupportedInputError: it is no quantized constant.
        """
        if name not in self.quantized.weights:
            raise UnsupportedInputError(
                f"weight {name} is not a quantized constant; fold it beforehand"
            )
        return self.quantized.weights[name]

    def activation(self, name: str) -> int:
        """The int8 tensor of an activation or of a constant operand, in its own parameters.

        Raises:
            UnsupportedInputError: it has no int8 parameters.
        """
        if name not in self._activations:
            shape = stored_shape(self.graph.shape(name))
            shown = self._tensor_names.get(name, name)
            self._activations[name] = self.add_activation(shown, shape, self.params(name))
        return self._activations[name]

    def activation_in(self, name: str, params: ActivationParams) -> int:
        """The same activation in other parameters: a QUANTIZE before its reader if they differ."""
        source = self.activation(name)
        wanted = quantization(params)
        if quantization(self.params(name)) == wanted:
            return source
        if (name, wanted) not in self._requantized:
            index = self.add_activation(
                f"{name}:requantized", self.builder.tensor(source).shape, params
            )
            self.builder.add_operation(requantize(source), index)
            self._requantized[name, wanted] = index
        return self._requantized[name, wanted]

    def operand(self, name: str, rank: int) -> int:
        """An operand of an elementwise operator: an activation, or a constant in int8.

        Args:
            name: activation or constant.
            rank: number of axes of the result, which a constant broadcasts to.

        Raises:
            UnsupportedInputError: no int8 parameters, or an activation that broadcasts from
                fewer axes.
        """
        if name not in self.graph.constants:
            if len(self.graph.shape(name)) != rank:
                raise UnsupportedInputError(
                    f"operand {name} broadcasts from {len(self.graph.shape(name))} to {rank} "
                    "axes; reshape it beforehand"
                )
            return self.activation(name)
        params = self.params(name)
        values = store_operand(self.graph.constants[name], rank)
        data = (quantize_activation(values, params).astype(np.int16) - 128).astype(np.int8)
        return self.builder.add_tensor(
            TensorSpecification(name, data.shape, TensorType.INT8, quantization(params), data)
        )

    def add_activation(self, name: str, shape: tuple[int, ...], params: ActivationParams) -> int:
        """A new computed int8 tensor of a stored shape."""
        return self.builder.add_tensor(
            TensorSpecification(name, shape, TensorType.INT8, quantization(params))
        )

    def add_weight(self, name: str, values: NDArray[Any], scale: Quantization) -> int:
        """A new constant tensor of int8 weights or int32 biases, in stored order."""
        dtype = TensorType.INT8 if values.dtype == np.int8 else TensorType.INT32
        return self.builder.add_tensor(
            TensorSpecification(name, values.shape, dtype, scale, values)
        )

    def add_intermediate(
        self, operation: Operation, name: str, shape: tuple[int, ...], params: ActivationParams
    ) -> int:
        """Append an operation that writes a new tensor of a stored shape; returns the tensor."""
        index = self.add_activation(name, shape, params)
        self.builder.add_operation(operation, index)
        return index

    def write(
        self, operation: Operation, name: str, params: ActivationParams | None = None
    ) -> None:
        """Append the operation that computes activation `name`.

        Args:
            operation: it writes the activation's stored shape.
            name: the activation.
            params: what the operator must write in (max pooling keeps its input's parameters,
                softmax is always 1/256). Where the activation's own differ a QUANTIZE follows.
        """
        target = self.activation(name)
        if params is None or same_params(params, self.params(name)):
            self.builder.add_operation(operation, target)
            return
        shape = self.builder.tensor(target).shape
        source = self.add_intermediate(operation, f"{name}:kernel", shape, params)
        self.builder.add_operation(requantize(source), target)


def requantize(source: int) -> Operation:
    """The operation that writes a tensor's values in other int8 parameters, saturating."""
    return Operation("QUANTIZE", 1, (source,), "QuantizeOptions")
