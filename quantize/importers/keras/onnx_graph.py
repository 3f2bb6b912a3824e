"""An ONNX graph as it is written, node by node, with the static shape of every tensor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError

__all__ = ["OPSET", "OnnxGraph", "Tensor"]

OPSET = 17
_IR_VERSION = 8
_MOST_VALUES = 2**29
"""Of one tensor: 2 GiB of float32, more than any board holds."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the graph, in Keras' own layout.

    Attributes:
        name: in the ONNX graph.
        shape: static, batch first.
        dtype: numpy's name for its type.
        padding: float32, (batch, steps, 1): 1 where Keras' mask says that a step is padding;
            None where there is no mask.
        is_mask: float32, 1 for padding: stands for a boolean that Keras recorded as a mask.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    padding: Tensor | None = None
    is_mask: bool = False

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def with_padding(self, padding: Tensor | None) -> Tensor:
        """The same tensor with another mask."""
        return replace(self, padding=padding)


class OnnxGraph:
    """Nodes, weights and inputs, growing; `finish` gives the model.

    The same operator on the same tensors is added once: Keras often computes one mask twice.
    """

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}
        self._inputs: list[Any] = []
        self._taken: set[str] = set()
        self._made: dict[object, Tensor] = {}
        self._layer = ""

    def enter_layer(self, name: str) -> None:
        """What is added from here on is named after a layer."""
        self._layer = name

    def add_input(self, name: str, shape: tuple[int, ...], dtype: str) -> Tensor:
        """Declare a graph input."""
        import onnx

        kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        unique = self._unique(name)
        self._inputs.append(onnx.helper.make_tensor_value_info(unique, kind, list(shape)))
        return Tensor(unique, shape, dtype)

    def constant(self, values: NDArray[Any] | Sequence[Any] | float, hint: str) -> Tensor:
        """Add a constant: floats become float32, whole numbers int64."""
        import onnx

        array = np.asarray(values)
        array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
        key = (array.dtype.name, array.shape, array.tobytes()) if array.size == 1 else None
        if key in self._made:
            return self._made[key]
        name = self._unique(f"{self._layer}/{hint}")
        self._initializers[name] = onnx.numpy_helper.from_array(array, name)
        tensor = Tensor(name, tuple(array.shape), array.dtype.name)
        if key is not None:
            self._made[key] = tensor
        return tensor

    def add(self, op: str, *inputs: Tensor | None, **attributes: Any) -> Tensor:
        """Add a node of one output.

        Args:
            op: ONNX operator.
            inputs: None stands for an absent optional one.
            attributes: ONNX attributes.

        Returns:
            Its output, without a mask.
        """
        names = tuple(each.name if each else "" for each in inputs)
        key = (op, names, repr(sorted(attributes.items())))
        if key not in self._made:
            self._made[key] = self.add_many(op, inputs, 1, attributes)[0]
        return self._made[key]

    def add_many(
        self,
        op: str,
        inputs: Sequence[Tensor | None],
        count: int,
        attributes: Mapping[str, Any],
    ) -> tuple[Tensor, ...]:
        """Add a node of `count` outputs; shapes come from ONNX's own inference.

        Raises:
            UnsupportedInputError: the operator does not take these inputs.
        """
        import onnx

        name = self._unique(f"{self._layer}/{op}")
        outputs = [name] if count == 1 else [f"{name}_{at}" for at in range(count)]
        node = onnx.helper.make_node(
            op, [each.name if each else "" for each in inputs], outputs, name=name, **attributes
        )
        given = [each for each in inputs if each is not None]
        try:
            found = onnx.shape_inference.infer_node_outputs(
                onnx.defs.get_schema(op, OPSET, ""),
                node,
                {each.name: _type_of(each) for each in given},
                self._values_of(given),
                opset_imports=[onnx.helper.make_opsetid("", OPSET)],
                ir_version=_IR_VERSION,
            )
        except Exception as error:  # onnx's inference errors have no common root but Exception
            shapes = ", ".join(str(each.shape) for each in given)
            raise UnsupportedInputError(
                f"layer '{self._layer}' does not fit its inputs ({op} of {shapes})"
            ) from error
        self._nodes.append(node)
        return tuple(_tensor_of(output, found[output], self._layer) for output in outputs)

    def transpose(self, tensor: Tensor, order: Sequence[int]) -> Tensor:
        """Reorder axes; nothing is added where the order is kept."""
        if list(order) == list(range(tensor.rank)):
            return tensor
        return self.add("Transpose", tensor, perm=list(order))

    def reshape(self, tensor: Tensor, shape: Sequence[int]) -> Tensor:
        """Give a tensor another shape; nothing is added where it has it."""
        if tuple(shape) == tensor.shape:
            return tensor
        return self.add("Reshape", tensor, self.constant(list(shape), "shape"))

    def finish(self, outputs: Mapping[str, Tensor]) -> Any:
        """The checked `onnx.ModelProto`, its outputs under the names given."""
        import onnx

        infos = []
        for name, tensor in outputs.items():
            unique = self._unique(name)
            self._nodes.append(onnx.helper.make_node("Identity", [tensor.name], [unique], unique))
            kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype))
            infos.append(onnx.helper.make_tensor_value_info(unique, kind, list(tensor.shape)))
        graph = onnx.helper.make_graph(
            self._nodes, "keras", self._inputs, infos, initializer=list(self._initializers.values())
        )
        model = onnx.helper.make_model(
            graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=_IR_VERSION
        )
        onnx.checker.check_model(model)
        return model

    def _values_of(self, tensors: Sequence[Tensor]) -> dict[str, Any]:
        """Values of small constants, which shape inference reads."""
        small = [each.name for each in tensors if each.rank <= 1]
        return {name: self._initializers[name] for name in small if name in self._initializers}

    def _unique(self, name: str) -> str:
        candidate, number = name, 0
        while candidate in self._taken:
            number += 1
            candidate = f"{name}_{number}"
        self._taken.add(candidate)
        return candidate


def _type_of(tensor: Tensor) -> Any:
    import onnx

    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype))
    return onnx.helper.make_tensor_type_proto(kind, list(tensor.shape))


def _tensor_of(name: str, kind: Any, layer: str) -> Tensor:
    import onnx

    tensor = kind.tensor_type
    shape = tuple(int(dimension.dim_value) for dimension in tensor.shape.dim)
    if not tensor.HasField("shape") or any(size <= 0 for size in shape):
        raise UnsupportedInputError(
            f"layer '{layer}' gives a tensor of shape {shape}; its input is too small"
        )
    if math.prod(shape) > _MOST_VALUES:
        raise UnsupportedInputError(
            f"layer '{layer}' gives a tensor of shape {shape}, more than {_MOST_VALUES} values"
        )
    return Tensor(name, shape, onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name)
