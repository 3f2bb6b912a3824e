"""The values of the TFLite schema that the writer names, and the schema itself, imported late.

Source: `schema.fbs` of TensorFlow Lite
(https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from edge.errors import EngineNotInstalledError

__all__ = ["FusedActivation", "MirrorPadding", "Padding", "TensorType", "load_schema"]


class TensorType(IntEnum):
    """Element types of `TensorType` in the schema, as far as the writer writes them."""

    FLOAT32 = 0
    INT32 = 2
    UINT8 = 3
    BOOL = 6
    INT8 = 9


class Padding(IntEnum):
    """`Padding` in the schema."""

    SAME = 0
    VALID = 1


class FusedActivation(IntEnum):
    """`ActivationFunctionType` in the schema, as far as the writer writes it."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3
    TANH = 4


class MirrorPadding(IntEnum):
    """`MirrorPadMode` in the schema."""

    REFLECT = 0
    SYMMETRIC = 1


def load_schema() -> Any:
    """The generated object API of the schema (`ModelT`, `TensorT`, ...).

    Raises:
        EngineNotInstalledError: ai-edge-litert, which carries it, is not installed.
    """
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise EngineNotInstalledError(
            f"cannot write TFLite: ai-edge-litert does not import ({error}); "
            "install it with: pip install 'edgedx[quantize]'"
        ) from error
    return schema_py_generated
