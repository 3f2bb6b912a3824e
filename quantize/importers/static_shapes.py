"""A model with open axes -> the same model for one example at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.errors import UnsupportedInputError, UsageError
from quantize.importers.time_first import take_batch_first, time_first_inputs

__all__ = ["fix_input_shapes"]

_TYPES = ("FLOAT", "INT64", "INT32", "BOOL")

Shapes = Mapping[str, tuple[int, ...]]


def fix_input_shapes(model: Any, input_shapes: Shapes | None = None) -> dict[str, tuple[int, ...]]:
    """Give every input of a model a static shape, in place.

    An open first axis is the batch and becomes 1. An axis that has a name is given once: inputs
    that share a name share its size. A series that a recurrent layer reads time first has its
    batch on the second axis; the model is changed to take it batch first.

    Args:
        model: `onnx.ModelProto`.
        input_shapes: full shapes by input name, for other axes that the model leaves open; the
            axes as they are in the file.

    Returns:
        Shape of each input that is not an initializer, in the model's order.

    Raises:
        UsageError: `input_shapes` names no input or contradicts the model.
        UnsupportedInputError: an open axis that is not given, a batch that is not 1, or an input
            of a type that is not supported.
    """
    given = dict(input_shapes or {})
    initialized = {tensor.name for tensor in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in initialized]
    unknown = sorted(set(given) - {each.name for each in inputs})
    if unknown:
        names = ", ".join(each.name for each in inputs)
        raise UsageError(f"no model input is named '{unknown[0]}'; the inputs are: {names}")
    for each in inputs:
        _check_type(each)
    sizes = _named_sizes(inputs, given)
    time_first = time_first_inputs(model)
    shapes: dict[str, tuple[int, ...]] = {}
    for each in inputs:
        batch = 1 if each.name in time_first else 0
        shape = _static_shape(each, given.get(each.name), sizes, batch)
        for dimension, size in zip(each.type.tensor_type.shape.dim, shape, strict=True):
            dimension.dim_value = size
        shapes[each.name] = take_batch_first(model, each.name) if batch else shape
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    return shapes


def _check_type(value: Any) -> None:
    import onnx

    kind = value.type.tensor_type.elem_type
    names = onnx.TensorProto.DataType
    if kind not in {names.Value(each) for each in _TYPES}:
        name = names.Name(kind) if kind in names.values() and kind else "not a tensor"
        raise UnsupportedInputError(
            f"model input '{value.name}' is {name}; {', '.join(_TYPES)} are supported, "
            "so export the model in float32"
        )
    if not value.type.tensor_type.HasField("shape"):
        raise UnsupportedInputError(
            f"model input '{value.name}' states no shape; export the model with one"
        )


def _named_sizes(inputs: list[Any], given: Shapes) -> dict[str, int]:
    """Sizes of named axes, from the shapes that are given."""
    sizes: dict[str, int] = {}
    for value in inputs:
        shape = given.get(value.name, ())
        for dimension, size in zip(value.type.tensor_type.shape.dim, shape, strict=False):
            name = dimension.dim_param
            if not name or size <= 0:
                continue
            if sizes.setdefault(name, size) != size:
                raise UsageError(
                    f"axis '{name}' of input '{value.name}' is given as {size}, but as "
                    f"{sizes[name]} for another input"
                )
    return sizes


def _written_shape(dimensions: Any, batch: int) -> str:
    """The shape as `--shape` takes it, with a letter for each axis that is open."""
    known = [each.dim_value if each.HasField("dim_value") else 0 for each in dimensions]
    open_axes = iter("TUVWXYZ")
    return ",".join(
        str(size) if size > 0 else "1" if axis == batch else next(open_axes, "N")
        for axis, size in enumerate(known)
    )


def _static_shape(
    value: Any, given: tuple[int, ...] | None, sizes: Mapping[str, int], batch: int
) -> tuple[int, ...]:
    dimensions = value.type.tensor_type.shape.dim
    if given is not None and len(given) != len(dimensions):
        raise UsageError(
            f"input '{value.name}' has {len(dimensions)} axes, but the shape given is {given}"
        )
    shape: list[int] = []
    for axis, dimension in enumerate(dimensions):
        size = dimension.dim_value if dimension.HasField("dim_value") else 0
        wanted = given[axis] if given is not None else size or sizes.get(dimension.dim_param, 0)
        if size > 0 and wanted != size:
            raise UsageError(
                f"axis {axis} of input '{value.name}' is {size} in the model, but {wanted} given"
            )
        if axis == batch and wanted <= 0:
            wanted = 1
        if wanted <= 0:
            label = f" '{dimension.dim_param}'" if dimension.dim_param else ""
            raise UnsupportedInputError(
                f"axis {axis}{label} of input '{value.name}' is open; give the input's full shape: "
                f"--shape {value.name}={_written_shape(dimensions, batch)}"
            )
        shape.append(int(wanted))
    if shape and shape[batch] != 1:
        order = " (a recurrent layer reads it as time, batch, features)" if batch else ""
        raise UnsupportedInputError(
            f"input '{value.name}' is made for a batch of {shape[batch]}{order}; "
            "export the model for 1"
        )
    return tuple(shape)
