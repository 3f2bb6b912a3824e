"""LiteRT (ai-edge-litert, or its older package tflite-runtime) behind the engine seam."""

from __future__ import annotations

import importlib.metadata
import logging
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.engines.base import EngineOptions
from edge.engines.native_messages import without_native_messages
from edge.engines.threads import resolve_threads
from edge.errors import EngineError, EngineNotInstalledError, ModelUnreadableError
from edge.model_metadata import has_state
from edge.tensor_spec import TensorSpec

__all__ = ["LiteRtEngine"]

_LOGGER = logging.getLogger(__name__)

_FILE_IDENTIFIER = b"TFL3"
# Written once a process; it is the normal case.
_DELEGATE_MESSAGE = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."


class LiteRtEngine:
    """A TFLite model in a LiteRT interpreter on the CPU, through XNNPACK.

    An interpreter holds the tensors of one inference, so `run` takes one call at a time.

    Args:
        data: the whole model file.
        options: see `EngineOptions`.

    Raises:
        EngineNotInstalledError: neither ai-edge-litert nor tflite-runtime can be used.
        ModelUnreadableError: the interpreter does not accept the model.
    """

    name = "litert"

    def __init__(self, data: bytes, options: EngineOptions) -> None:
        if data[4:8] != _FILE_IDENTIFIER:
            raise ModelUnreadableError(
                f"the model does not start like a TFLite file (bytes 4 to 8 are {data[4:8]!r}, "
                f"expected {_FILE_IDENTIFIER!r}); give a .tflite file",
            )
        library, package = _import_library()
        self.version: str = importlib.metadata.version(package)
        self.package: str = package
        self._lock = threading.Lock()
        threads = resolve_threads(options.threads)
        with without_native_messages(_DELEGATE_MESSAGE):
            self._interpreter: Any = _build(library, data, threads, package)
        self._has_state = has_state(data)
        # An input that the file leaves open in its batch axis is allocated as 1.
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        self._input_indices = {each["name"]: each["index"] for each in inputs}
        self._output_indices = {each["name"]: each["index"] for each in outputs}
        self.inputs = tuple(_spec(each) for each in inputs)
        self.outputs = tuple(_spec(each) for each in outputs)

    def run(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Infer once; see `Engine.run`."""
        with self._lock:
            interpreter = self._interpreter
            if interpreter is None:
                raise EngineError("the model is closed; load it again")
            try:
                if self._has_state:
                    # Sequence operators keep their state between calls unless told otherwise.
                    interpreter.reset_all_variables()
                for name, index in self._input_indices.items():
                    interpreter.set_tensor(index, tensors[name])
                interpreter.invoke()
                return {
                    name: interpreter.get_tensor(index)
                    for name, index in self._output_indices.items()
                }
            except (RuntimeError, ValueError, KeyError) as error:
                raise EngineError(
                    f"{self.package} {self.version} failed to run the model: "
                    f"{' '.join(str(error).split())}",
                ) from error

    def close(self) -> None:
        """Release the interpreter."""
        with self._lock:
            self._interpreter = None


def _import_library() -> tuple[Any, str]:
    reasons = []
    for package, module in (
        ("ai-edge-litert", "ai_edge_litert.interpreter"),
        ("tflite-runtime", "tflite_runtime.interpreter"),
    ):
        try:
            return importlib.import_module(module), package
        except ImportError as error:
            reasons.append(f"{package}: {' '.join(str(error).split())}")
    raise EngineNotInstalledError(
        f"engine litert cannot be imported ({'; '.join(reasons)}); "
        "pip install 'edgedx[litert]' (or 'edgedx[tflite]' on Python 3.11 and older)",
    )


def _build(library: Any, data: bytes, threads: int, package: str) -> Any:
    """Build an interpreter; a model that XNNPACK cannot prepare runs on built-in kernels."""
    try:
        return _allocate(library.Interpreter(model_content=data, num_threads=threads))
    except (RuntimeError, ValueError, AttributeError, ImportError) as error:
        first = " ".join(str(error).split())
    resolver = getattr(library, "OpResolverType", None)
    if resolver is not None:
        try:
            interpreter = _allocate(
                library.Interpreter(
                    model_content=data,
                    num_threads=threads,
                    experimental_op_resolver_type=resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                ),
            )
        except (RuntimeError, ValueError, AttributeError, ImportError):
            pass
        else:
            _LOGGER.warning("XNNPACK does not prepare this model (%s); built-in kernels do", first)
            return interpreter
    raise ModelUnreadableError(f"{package} does not load the model: {first}{_hint(package)}")


def _allocate(interpreter: Any) -> Any:
    interpreter.allocate_tensors()
    return interpreter


def _hint(package: str) -> str:
    if package == "tflite-runtime" and int(np.__version__.split(".")[0]) > 1:
        return "; tflite-runtime needs numpy<2: pip install 'edgedx[tflite]'"
    return ""


def _spec(detail: Mapping[str, Any]) -> TensorSpec:
    parameters = detail["quantization_parameters"]
    scales = parameters["scales"]
    scale = float(scales[0]) if len(scales) == 1 else None
    zero_point = int(parameters["zero_points"][0]) if len(scales) == 1 else 0
    shape = tuple(int(size) for size in detail["shape"])
    return TensorSpec(detail["name"], shape, np.dtype(detail["dtype"]).name, scale, zero_point)
