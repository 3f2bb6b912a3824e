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
from quantize.quantized_graph import ActivationParams, Precision, QuantizedGraph, QuantizedWeight
from quantize.tflite.activation import fused_function
from quantize.tflite.layout import Layout
from quantize.tflite.model_builder import (
    ModelBuilder,
    Operation,
    Quantization,
    TensorSpecification,
)
from quantize.tflite.orders import (
    Order,
    is_same_order,
    permutation_between,
    plain_order,
    store_operand,
    stored_shape,
)
from quantize.tflite.schema import FusedActivation, TensorType
from quantize.tflite.tensor_forms import (
    End,
    Form,
    dequantize,
    pixel_quantization,
    quantization,
    requantize,
    same_params,
    tensor_type,
)
from quantize.uniform import quantize_activation

__all__ = ["Lowering"]

_INT32 = np.iinfo(np.int32)
_FIVE_AXES, _SIX_AXES = 5, 6


class Lowering:
    """One model under construction: ONNX names in, TFLite tensor indices out.

    Attributes:
        quantized: the graph that is written.
        graph: its float graph.
        layout: the stored order of its tensors.
        builder: where tensors and operations go.

    Args:
        quantized: the graph to write.
        layout: of its float graph.
        ends: how the graph's inputs and outputs stand in the file; these tensors have their names.
    """

    def __init__(
        self, quantized: QuantizedGraph, layout: Layout, ends: Mapping[str, End] | None = None
    ) -> None:
        self.quantized = quantized
        self.graph: FloatGraph = quantized.graph
        self.layout = layout
        self.builder = ModelBuilder()
        self._ends = dict(ends or {})
        self._activations = dict(quantized.activations)
        self._fused = self._exactly_fused()
        self._fused_nodes = {id(node) for node in self._fused.values()}
        self._homes = self._home_forms()
        self._tensors: dict[tuple[str, Form, Order], int] = {}
        self._requantized: dict[tuple[str, Quantization], int] = {}

    def _exactly_fused(self) -> Mapping[str, Node]:
        """The activations that TFLite has a fused function for, or that saturation implies."""
        exact: dict[str, Node] = {}
        for name, node in fused_activations(self.graph, self.quantized.precisions).items():
            params = None
            if self.precision(node) is Precision.INT8:
                params = self.params(node.outputs[0])
            if fused_function(clamp_bounds(self.graph, node), params) is not None:
                exact[name] = node
            elif params is not None:
                # Saturation to the output's range first, then the clamp: the same as the clamp.
                self._activations[name] = params
        return exact

    def _home_forms(self) -> dict[str, Form]:
        homes: dict[str, Form] = {}
        for name in self.graph.inputs:
            is_int8 = name in self._ends and self._ends[name].form is not Form.VALUE
            homes[name] = Form.INT8 if is_int8 else Form.VALUE
        for node in self.graph.nodes:
            is_integer = self.precision(node) is Precision.INT8
            for name in node.outputs:
                is_int8 = is_integer and self.graph.is_float(name)
                homes[name] = Form.INT8 if is_int8 else Form.VALUE
        return homes

    def precision(self, node: Node) -> Precision:
        """How a node computes."""
        return self.quantized.precision(node)

    def form(self, node: Node) -> Form:
        """What a node reads and writes."""
        return Form.INT8 if self.precision(node) is Precision.INT8 else Form.VALUE

    def is_int8(self, node: Node) -> bool:
        """Whether a node computes in integers."""
        return self.form(node) is Form.INT8

    def end(self, name: str) -> End:
        """How a graph input or output stands in the file."""
        return self._ends[name]

    def home(self, name: str) -> Form:
        """What a tensor is stored as where it is written."""
        return self._homes[name]

    def order(self, name: str) -> Order:
        """The order that an activation is stored in where it is written; a constant's is ONNX's."""
        if name in self.layout.orders:
            return self.layout.orders[name]
        return plain_order(len(self.graph.shape(name)))

    def is_fused(self, node: Node) -> bool:
        """Whether a node is an activation that its producer computes."""
        return id(node) in self._fused_nodes

    def result(self, node: Node) -> tuple[str, FusedActivation]:
        """The tensor that a node's operator writes, and the function fused into it."""
        name = node.outputs[0]
        activation = self._fused.get(name)
        if activation is None:
            return name, FusedActivation.NONE
        name = activation.outputs[0]
        params = self.params(name) if self.is_int8(activation) else None
        function = fused_function(clamp_bounds(self.graph, activation), params)
        return name, function or FusedActivation.NONE

    def params(self, name: str) -> ActivationParams:
        """The int8 parameters of an activation.

        Raises:
            UnsupportedInputError: it has none.
        """
        if name not in self._activations:
            raise UnsupportedInputError(
                f"tensor {name} has no int8 parameters; calibrate it or remove its node"
            )
        return self._activations[name]

    def kept_params(self, node: Node, at: int = 0) -> ActivationParams | None:
        """The parameters of an input, for an operator that writes in them; None in float."""
        name = node.inputs[at]
        return self.params(name) if self.is_int8(node) and self.graph.is_float(name) else None

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

    def read(self, node: Node, at: int = 0, order: Order | None = None) -> int:
        """An input of a node, as the node computes.

        Args:
            node: the reader.
            at: position of the input.
            order: in which it reads; by default, as it is stored.
        """
        name = node.inputs[at]
        wanted = order if order is not None else self.order(name)
        return self.tensor(name, self._form_of(node, name), wanted)

    def read_plain(self, node: Node, at: int = 0) -> int:
        """An input of a node, in ONNX's order."""
        return self.read(node, at, plain_order(len(self.graph.shape(node.inputs[at]))))

    def _form_of(self, node: Node, name: str) -> Form:
        return self.form(node) if self.graph.is_float(name) else Form.VALUE

    def tensor(self, name: str, form: Form, order: Order) -> int:
        """An activation or a constant in some form and order, made from what it is stored as.

        Raises:
            UnsupportedInputError: int8 without parameters, or a type that TFLite has not.
        """
        key = (name, form, order)
        if key in self._tensors:
            return self._tensors[key]
        if name in self.graph.constants:
            values = self.graph.constants[name]
            index = self._constant(name, store_operand(values, order), form)
        elif form is not self._homes[name]:
            index = self._converted(key)
        elif order != self.layout.orders[name]:
            index = self._transposed(key)
        else:
            index = self.add_tensor(self._shown(key), name, form, order)
        self._tensors[key] = index
        return index

    def home_tensor(self, name: str) -> int:
        """The tensor that an activation's operator writes."""
        return self.tensor(name, self._homes[name], self.layout.orders[name])

    def _converted(self, key: tuple[str, Form, Order]) -> int:
        name, form, order = key
        source = self.tensor(name, self._homes[name], order)
        index = self.add_tensor(self._shown(key), name, form, order)
        self.builder.add_operation(
            requantize(source) if form is Form.INT8 else dequantize(source), index
        )
        return index

    def _transposed(self, key: tuple[str, Form, Order]) -> int:
        name, form, order = key
        source = self.home_tensor(name)
        index = self.add_tensor(self._shown(key), name, form, order)
        permutation = permutation_between(self.layout.orders[name], order)
        self.builder.add_operation(self.transpose(source, permutation), index)
        return index

    def _shown(self, key: tuple[str, Form, Order]) -> str:
        """The ends have the graph's names; what is converted or transposed says so."""
        name, form, order = key
        end = self._ends.get(name)
        if end is not None:
            if (end.form, end.order) == (form, order):
                return name
            return f"{name}:{'int8' if form is Form.INT8 else 'float'}"
        if form is not self._homes[name]:
            return f"{name}:{'int8' if form is Form.INT8 else 'float'}"
        return name if order == self.layout.orders[name] else f"{name}:transposed"

    def _constant(self, name: str, values: NDArray[Any], form: Form) -> int:
        if form is Form.VALUE or not self.graph.is_float(name):
            return self.add_constant(name, values)
        params = self.params(name)
        data = (quantize_activation(values, params).astype(np.int16) - 128).astype(np.int8)
        return self.builder.add_tensor(
            TensorSpecification(name, data.shape, TensorType.INT8, quantization(params), data)
        )

    def add_constant(self, name: str, values: NDArray[Any]) -> int:
        """A constant of values; 64-bit integers saturate to 32 bits."""
        dtype = tensor_type(str(values.dtype))
        if values.dtype == np.int64:
            values = np.clip(values, _INT32.min, _INT32.max).astype(np.int32)
        return self.builder.add_tensor(
            TensorSpecification(name, tuple(values.shape), dtype, data=values)
        )

    def operand(self, node: Node, at: int, order: Order) -> int:
        """An input of an elementwise operator, which broadcasts to an order.

        Args:
            node: the operator.
            at: position of the input.
            order: of the result.
        """
        name = node.inputs[at]
        form = self._form_of(node, name)
        rank, wanted = len(self.graph.shape(name)), len(order)
        if name in self.graph.constants or rank == wanted:
            return self.tensor(name, form, order)
        source = self.tensor(name, form, plain_order(rank))
        if order == plain_order(wanted):
            return source
        shape = (1,) * (wanted - rank) + tuple(self.graph.shape(name))
        permutation = permutation_between(plain_order(wanted), order)
        if not is_same_order(shape, permutation):
            source = self.derived(self.reshape(source, shape), f"{name}:expanded", shape, source)
            operation = self.transpose(source, permutation)
        else:
            operation = self.reshape(source, stored_shape(shape, order))
        return self.derived(operation, f"{name}:expanded", stored_shape(shape, order), source)

    def activation_in(self, node: Node, at: int, order: Order, params: ActivationParams) -> int:
        """An int8 input in other parameters: a QUANTIZE before its reader if they differ."""
        name = node.inputs[at]
        source = self.read(node, at, order)
        wanted = quantization(params)
        if quantization(self.params(name)) == wanted:
            return source
        key = (f"{name}{order}", wanted)
        if key not in self._requantized:
            shape = self.builder.tensor(source).shape
            index = self.add_int8(f"{name}:requantized", shape, params)
            self.builder.add_operation(requantize(source), index)
            self._requantized[key] = index
        return self._requantized[key]

    def add_tensor(self, shown: str, name: str, form: Form, order: Order) -> int:
        """A new computed tensor that holds activation `name`."""
        shape = stored_shape(self.graph.shape(name), order)
        if form is Form.INT8:
            return self.add_int8(shown, shape, self.params(name))
        dtype = tensor_type(self.graph.dtype(name))
        pixels = pixel_quantization(self.graph, name) if dtype is TensorType.UINT8 else None
        return self.builder.add_tensor(TensorSpecification(shown, shape, dtype, pixels))

    def add_int8(self, name: str, shape: tuple[int, ...], params: ActivationParams) -> int:
        """A new computed int8 tensor of a stored shape."""
        return self.builder.add_tensor(
            TensorSpecification(name, shape, TensorType.INT8, quantization(params))
        )

    def derived(
        self,
        operation: Operation,
        name: str,
        shape: tuple[int, ...],
        like: int,
    ) -> int:
        """Append an operation that writes a new tensor of the type and parameters of another."""
        pattern = self.builder.tensor(like)
        index = self.builder.add_tensor(
            TensorSpecification(name, shape, pattern.dtype, pattern.quantization)
        )
        self.builder.add_operation(operation, index)
        return index

    def write(
        self, operation: Operation, name: str, params: ActivationParams | None = None
    ) -> None:
        """Append the operation that computes activation `name`.

        Args:
            operation: it writes the activation's stored shape.
            name: the activation.
            params: what an int8 operator must write in (max pooling keeps its input's
                parameters, softmax is always 1/256). Where the activation's own differ a
                QUANTIZE follows.
        """
        target = self.home_tensor(name)
        is_int8 = self._homes[name] is Form.INT8
        if not is_int8 or params is None or same_params(params, self.params(name)):
            self.builder.add_operation(operation, target)
            return
        shape = self.builder.tensor(target).shape
        source = self.add_int8(f"{name}:kernel", shape, params)
        self.builder.add_operation(operation, source)
        self.builder.add_operation(requantize(source), target)

    def write_same(self, source: int, name: str, params: ActivationParams | None = None) -> None:
        """Let activation `name` be what another tensor holds, in another shape at most.

        Args:
            source: its values in C order are those of `name`.
            name: the activation.
            params: of the source where it is int8.
        """
        is_int8 = self._homes[name] is Form.INT8
        is_same = not is_int8 or (params is not None and same_params(params, self.params(name)))
        shape = stored_shape(self.graph.shape(name), self.layout.orders[name])
        key = (name, self._homes[name], self.layout.orders[name])
        is_free = name not in self._ends and key not in self._tensors
        if is_same and is_free and self.builder.tensor(source).shape == shape:
            self._tensors[key] = source
            return
        self.write(self.reshape(source, shape), name, params)

    def reshape(self, source: int, shape: tuple[int, ...]) -> Operation:
        """The operation that gives a tensor another shape."""
        inputs = (source, self.builder.add_int32("shape", shape))
        return Operation("RESHAPE", 1, inputs, "ReshapeOptions", {"newShape": list(shape)})

    def transpose(self, source: int, permutation: Order) -> Operation:
        """The operation that moves a tensor's axes: a RESHAPE where only axes of 1 move."""
        tensor = self.builder.tensor(source)
        if is_same_order(tensor.shape, permutation):
            return self.reshape(source, tuple(tensor.shape[axis] for axis in permutation))
        version = {TensorType.INT8: 2, TensorType.BOOL: 3}.get(tensor.dtype, 1)
        if len(permutation) >= _FIVE_AXES:
            version = 6 if len(permutation) >= _SIX_AXES else 4
        inputs = (source, self.builder.add_int32("permutation", permutation))
        return Operation("TRANSPOSE", version, inputs, "TransposeOptions")
