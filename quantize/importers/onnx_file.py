"""An untrusted ONNX file -> a checked ModelProto with everything inside it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from edge.errors import InputError, InputNotFoundError, InputTooLargeError, UnsupportedInputError
from quantize.importers.onnx_ml import lower_ml_operators
from quantize.importers.single_precision import convert_to_single_precision

__all__ = ["LARGEST_MODEL_BYTES", "OLDEST_OPSET", "load_onnx_file", "main_opset"]

LARGEST_MODEL_BYTES = 2 * 1024**3
"""Protocol buffers, and so ONNX, hold no more in one message."""

OLDEST_OPSET = 11

_COMMON_IR_VERSION = 10
"""What every supported onnxruntime reads; later ones add types that no float model holds."""

_MAIN_DOMAINS = frozenset({"", "ai.onnx"})


def load_onnx_file(path: Path) -> Any:
    """Read and check an ONNX model.

    External data is read only from regular files inside the model's own folder.

    Args:
        path: the .onnx file.

    Returns:
        `onnx.ModelProto` with all data inside, passed by `onnx.checker`; half and double
        precision have become float32.

    Raises:
        InputNotFoundError: there is no such file.
        InputTooLargeError: the model, with its external data, is over 2 GiB.
        UnsupportedInputError: an opset or a version of the format that is not supported.
        InputError: damaged, invalid, or external data that points outside the folder.
    """
    import onnx

    if not path.is_file():
        raise InputNotFoundError(f"{path}: no such model file; give an existing .onnx file")
    _check_size(path, path.stat().st_size)
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf's errors and onnx's have no common root but Exception
        raise InputError(f"{path}: not a readable ONNX file: {_one_line(error)}") from error
    if not model.graph.node:
        raise InputError(f"{path}: not an ONNX model: it holds no operators")
    if not model.graph.output:
        raise InputError(f"{path}: the model has no output; export it again")
    _check_ir_version(model, path)
    _drop_dead_nodes(model.graph)
    _check_control_flow(model, path)
    _inline_external_data(model, path)
    _check_opset(model, path)
    try:
        onnx.checker.check_model(model)
    except Exception as error:  # the checker's own error, and whatever damaged text gives it
        raise InputError(f"{path}: invalid ONNX model: {_one_line(error)}") from error
    model.ir_version = min(model.ir_version, _COMMON_IR_VERSION)
    try:
        convert_to_single_precision(model)
        lower_ml_operators(model)
    except UnsupportedInputError as error:
        raise UnsupportedInputError(f"{path}: {error}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: {_one_line(error)}") from error
    return model


def main_opset(model: Any) -> int:
    """Version of the standard operator set that a model uses; 0 where it uses none."""
    versions = [each.version for each in model.opset_import if each.domain in _MAIN_DOMAINS]
    return max(versions, default=0)


def _check_size(path: Path, size_bytes: int) -> None:
    if size_bytes > LARGEST_MODEL_BYTES:
        raise InputTooLargeError(
            f"{path}: {size_bytes} bytes; at most {LARGEST_MODEL_BYTES} are supported"
        )


def _check_ir_version(model: Any, path: Path) -> None:
    import onnx

    if model.ir_version > onnx.IR_VERSION:
        raise UnsupportedInputError(
            f"{path}: ONNX format (IR) version {model.ir_version}; up to {onnx.IR_VERSION} is "
            "known, so pip install --upgrade onnx onnxruntime, or export with an older onnx"
        )


def _drop_dead_nodes(graph: Any) -> None:
    """Leave out what no output needs, so that it need not be supported: unwanted outputs' parts."""
    needed = {each.name for each in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.isdisjoint(node.output):
            continue
        kept.append(node)
        needed.update(node.input)
        for inner in (each for attribute in node.attribute for each in _graphs_of(attribute)):
            needed.update(name for each in inner.node for name in each.input)
    if len(kept) != len(graph.node):
        del graph.node[:]
        graph.node.extend(reversed(kept))


def _graphs_of(attribute: Any) -> list[Any]:
    return [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]


def _check_control_flow(model: Any, path: Path) -> None:
    """Refuse graphs inside nodes by name, before any of them runs: a loop may never end."""
    found = [
        f"{node.op_type} '{node.name or ', '.join(node.output)}'"
        for node in model.graph.node
        if any(each.HasField("g") or each.graphs for each in node.attribute)
    ]
    if found:
        raise UnsupportedInputError(
            f"{path}: unsupported: {', '.join(found[:8])}: which part of the model runs depends on "
            "its data; export it without conditions and loops, for example by torch.export"
        )


def _check_opset(model: Any, path: Path) -> None:
    import onnx

    opset, newest = main_opset(model), onnx.defs.onnx_opset_version()
    if not OLDEST_OPSET <= opset <= newest:
        raise UnsupportedInputError(
            f"{path}: ONNX opset {opset}; {OLDEST_OPSET} to {newest} are supported, "
            "so export the model again with opset 17"
        )


def _inline_external_data(model: Any, path: Path) -> None:
    import onnx
    from onnx.external_data_helper import load_external_data_for_tensor

    folder = path.resolve().parent
    total = path.stat().st_size
    for tensor in _tensors(model.graph):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        source = _external_file(tensor, path, folder)
        stated = {entry.key: entry.value for entry in tensor.external_data}
        total += int(stated.get("length") or source.stat().st_size)
        _check_size(path, total)
        try:
            load_external_data_for_tensor(tensor, str(folder))
        except (OSError, ValueError, onnx.checker.ValidationError) as error:
            raise InputError(
                f"{path}: external data of '{tensor.name}' cannot be read: {_one_line(error)}"
            ) from error
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def _external_file(tensor: Any, path: Path, folder: Path) -> Path:
    location = next((each.value for each in tensor.external_data if each.key == "location"), "")
    relative = PurePosixPath(location)
    is_inside = bool(location) and not relative.is_absolute() and ".." not in relative.parts
    target = (folder / location).resolve() if is_inside else folder
    if not is_inside or not target.is_relative_to(folder):
        raise InputError(
            f"{path}: external data of '{tensor.name}' is at '{location}'; "
            "only files inside the model's folder are read"
        )
    if not target.is_file():
        raise InputError(f"{path}: external data file '{location}' is missing; keep it beside it")
    return target


def _tensors(graph: Any) -> Iterator[Any]:
    """Every tensor of a graph, those of attributes and subgraphs included."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from attribute.tensors
            if attribute.HasField("t"):
                yield attribute.t
            for subgraph in _graphs_of(attribute):
                yield from _tensors(subgraph)


def _one_line(error: BaseException) -> str:
    text = ""
    with contextlib.suppress(ValueError, TypeError):
        text = str(error)
    return " ".join(text.split())[:300] or type(error).__name__
