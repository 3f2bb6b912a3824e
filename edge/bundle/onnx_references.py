"""Does an ONNX model point outside its own file?

ONNX lets a tensor live in another file, named by a path in the model. In a bundle such a path
would reach past the manifest's digests, so artifacts must be self-contained. The `onnx` package is
not on a board; the model's messages are walked here as they are written in
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, tensors' data skipped by their length.
"""

from __future__ import annotations

from edge.bundle.faults import shown
from edge.errors import BundleError
from edge.protobuf_wire import WireFormatError, iter_fields

__all__ = ["check_self_contained"]

_MODEL, _TRAINING, _FUNCTION, _GRAPH, _NODE, _ATTRIBUTE, _SPARSE, _TENSOR = range(8)

# Which fields of a message hold messages that may hold tensors or nodes: field -> its message.
_CHILDREN: dict[int, dict[int, int]] = {
    _MODEL: {7: _GRAPH, 20: _TRAINING, 25: _FUNCTION},
    _TRAINING: {1: _GRAPH, 2: _GRAPH},
    _FUNCTION: {7: _NODE, 11: _ATTRIBUTE},
    _GRAPH: {1: _NODE, 5: _TENSOR, 15: _SPARSE},
    _NODE: {5: _ATTRIBUTE},
    _ATTRIBUTE: {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: _SPARSE, 23: _SPARSE},
    _SPARSE: {1: _TENSOR, 2: _TENSOR},
    _TENSOR: {},
}
_MODEL_GRAPH = 7
_NODE_OP_TYPE = 4
_TENSOR_EXTERNAL_DATA, _TENSOR_DATA_LOCATION = 13, 14

_MAX_FIELD_NUMBER = 2**29 - 1

# An external tensor names its file under the key "location"; strings lie unbroken in the bytes. A
# model without these words cannot name a file, and its thousands of messages need no visit.
_EP_CONTEXT = b"EPContext"
_TELLTALES = (b"location", _EP_CONTEXT)

# onnxruntime tells its own FlatBuffer format (which has external data too) by these bytes.
_ORT_FORMAT = slice(4, 8)
_ORT_IDENTIFIER = b"ORTM"


def check_self_contained(data: bytes, name: str) -> None:
    """Refuse an ONNX model that would read anything but its own bytes.

    Refused are tensors with external data wherever they stand (initializers, sparse
    initializers, attributes, subgraphs, functions, training graphs) and `EPContext` nodes, which
    name a compiled model in another file.

    Args:
        data: the whole model file.
        name: what to call it in the message.

    Raises:
        BundleError: the model points outside itself, or is no ONNX model at all.
    """
    if data[_ORT_FORMAT] == _ORT_IDENTIFIER:
        raise BundleError(f"model {shown(name, 200)} is in ORT format; export it as ONNX")
    is_suspect = any(word in data for word in _TELLTALES)
    try:
        has_graph = _walk(memoryview(data), name, is_deep=is_suspect)
    except WireFormatError as error:
        raise BundleError(f"model {shown(name, 200)} is not an ONNX model: {error}") from error
    if not has_graph:
        raise BundleError(f"model {shown(name, 200)} is not an ONNX model: it has no graph")


def _walk(model: memoryview, name: str, *, is_deep: bool) -> bool:
    """Visit the model's own fields, and where `is_deep` every message that may name a file.

    Returns:
        Whether the model has a graph.
    """
    has_graph = False
    pending = [(_MODEL, model)]
    while pending:
        kind, message = pending.pop()
        children = _CHILDREN[kind]
        for number, value in iter_fields(message):
            if not 0 < number <= _MAX_FIELD_NUMBER:
                # Readers that keep 32 bits of a field's key would take it for another field.
                raise WireFormatError(f"field number {number} is out of range")
            if number in children:
                if isinstance(value, memoryview):
                    has_graph = has_graph or (kind == _MODEL and number == _MODEL_GRAPH)
                    if is_deep:
                        pending.append((children[number], value))
            elif kind == _TENSOR:
                _check_tensor_field(number, value, name)
            elif kind == _NODE and number == _NODE_OP_TYPE and _is_text(value, _EP_CONTEXT):
                raise BundleError(
                    f"model {shown(name, 200)} has an EPContext node, which names another file; "
                    "export it without a compiled context"
                )
    return has_graph


def _is_text(value: int | memoryview, text: bytes) -> bool:
    return isinstance(value, memoryview) and value == text


def _check_tensor_field(number: int, value: int | memoryview, name: str) -> None:
    is_external = number == _TENSOR_EXTERNAL_DATA or (
        number == _TENSOR_DATA_LOCATION and value != 0
    )
    if is_external:
        raise BundleError(
            f"model {shown(name, 200)} keeps tensors in another file (ONNX external data); "
            "models here hold all their data themselves: save it as one file"
        )
