"""Examples through the source model itself, which must answer with numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from quantize.onnx_session import open_session, run_session
from quantize.run_examples import Examples

__all__ = ["initializers", "walk_source"]

Values = Mapping[str, NDArray[Any]]


def walk_source(
    model: Any, examples: Examples, names: Sequence[str], most: int
) -> Iterator[dict[str, NDArray[Any]]]:
    """Run the source model on some of the examples.

    Args:
        model: static `onnx.ModelProto`; it is not changed.
        examples: its inputs.
        names: tensors to give, inputs and inner ones among them.
        most: look at no more than this many.

    Yields:
        The inputs and the named tensors of one example.

    Raises:
        InputError: onnxruntime does not take the model; or a named tensor is not finite, with the
            layer where that begins.
        EngineError: onnxruntime failed.
    """
    session = _open(model, names)
    inputs = {each.name for each in model.graph.input}
    computed = [name for name in names if name not in inputs]
    for at, example in enumerate(islice(examples, most), start=1):
        values = run_session(session, computed, example)
        found = {**example, **dict(zip(computed, values, strict=True))}
        if not all(map(_is_finite, found.values())):
            _refuse_layer(model, example, at)
        yield found


def initializers(model: Any) -> dict[str, NDArray[Any]]:
    """The constants of an `onnx.ModelProto` by name, those in Constant and Identity nodes too."""
    import onnx

    found = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Identity" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    found[node.output[0]] = onnx.numpy_helper.to_array(attribute.t)
    return found


def _open(model: Any, names: Sequence[str]) -> Any:
    import onnx

    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    known = {each.name for each in (*watched.graph.output, *watched.graph.input)}
    watched.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in dict.fromkeys(names) if name not in known
    )
    return open_session(watched.SerializeToString())


def _refuse_layer(model: Any, example: Values, number: int) -> None:
    """Name the first layer that makes NaN or infinity of finite values.

    Masks hold infinities on purpose: what comes of them is no fault.
    """
    made = [name for node in model.graph.node for name in node.output if name]
    values = run_session(_open(model, made), made, example)
    found = {**initializers(model), **example, **dict(zip(made, values, strict=True))}
    for name, given in example.items():
        if not _is_finite(given):
            raise InputError(_said(f"input '{name}'", given, number))
    for node in model.graph.node:
        if not all(_is_finite(found[name]) for name in node.input if name in found):
            continue
        for name in filter(None, node.output):
            if not _is_finite(found[name]):
                what = f"activation '{name}' of layer '{node.name or name}' ({node.op_type})"
                raise InputError(_said(what, found[name], number))


def _said(what: str, values: NDArray[Any], number: int) -> str:
    low, high = (float(each(values)) for each in (np.min, np.max))
    return (
        f"{what} is not finite on example {number}: values from {low} to {high}; all must be "
        "finite; check the model and the preprocessing"
    )


def _is_finite(values: NDArray[Any]) -> bool:
    return values.dtype.kind != "f" or bool(np.isfinite(values).all())
