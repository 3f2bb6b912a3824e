"""onnxruntime behind the engine seam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from edge.engines.base import EngineOptions
from edge.engines.onnx_io_quantization import read_io_quantization
from edge.engines.telemetry import refuse_telemetry
from edge.engines.threads import resolve_threads
from edge.engines.x86_integers import has_exact_products
from edge.errors import EngineError, EngineNotInstalledError, ModelUnreadableError
from edge.tensor_spec import TensorSpec

__all__ = ["OnnxRuntimeEngine"]

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(int16)": "int16",
    "tensor(uint16)": "uint16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}

# On x86 without VNNI the 8-bit kernels add pairs of products in 16 bits, which saturates: answers
# then differ from ARM's by up to 16 output steps. This entry (onnxruntime's
# kOrtSessionOptionsAvx2PrecisionMode) makes them exact. With VNNI they are exact anyhow and the
# entry would make them 2.5 times slower; ARM ignores it.
_EXACT_INT8_ON_X86 = ("session.x64quantprecision", "1")

_ERROR_SEVERITY = 3
_QUANTIZABLE = frozenset({"int8", "uint8"})


class OnnxRuntimeEngine:
    """An ONNX model in an onnxruntime CPU session. `run` may be called from several threads.

    Args:
        data: the whole model file.
        options: see `EngineOptions`.

    Raises:
        EngineNotInstalledError: onnxruntime cannot be imported.
        ModelUnreadableError: onnxruntime does not accept the model.
    """

    name = "onnxruntime"

    def __init__(self, data: bytes, options: EngineOptions) -> None:
        refuse_telemetry()
        try:
            import onnxruntime
        except ImportError as error:
            raise EngineNotInstalledError(
                f"engine onnxruntime cannot be imported ({_one_line(error)}); "
                "pip install onnxruntime",
            ) from error
        self.version: str = onnxruntime.__version__
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = resolve_threads(options.threads)
        settings.inter_op_num_threads = 1
        settings.log_severity_level = _ERROR_SEVERITY
        if not has_exact_products():
            settings.add_session_config_entry(*_EXACT_INT8_ON_X86)
        try:
            session = onnxruntime.InferenceSession(
                data,
                settings,
                providers=["CPUExecutionProvider"],
            )
        except Exception as error:  # its exceptions have no common root but Exception
            raise ModelUnreadableError(
                f"onnxruntime {self.version} does not load the model: {_one_line(error)}",
            ) from error
        self._session: Any = session
        self.inputs, self.outputs = _specs(session, data)
        self._output_names = [spec.name for spec in self.outputs]
        self.metadata: Mapping[str, str] = dict(session.get_modelmeta().custom_metadata_map)

    def run(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Infer once; see `Engine.run`."""
        session = self._session
        if session is None:
            raise EngineError("the model is closed; load it again")
        try:
            values = session.run(self._output_names, tensors)
        except Exception as error:  # its exceptions have no common root but Exception
            raise EngineError(
                f"onnxruntime {self.version} failed to run the model: {_one_line(error)}",
            ) from error
        return dict(zip(self._output_names, values, strict=True))

    def close(self) -> None:
        """Release the session."""
        self._session = None


def _specs(session: Any, data: bytes) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    inputs = tuple(_spec(each) for each in session.get_inputs())
    outputs = tuple(_spec(each) for each in session.get_outputs())
    if all(spec.dtype not in _QUANTIZABLE for spec in (*inputs, *outputs)):
        return inputs, outputs
    found = read_io_quantization(data)
    return (
        tuple(_with_quantization(spec, found) for spec in inputs),
        tuple(_with_quantization(spec, found) for spec in outputs),
    )


def _spec(argument: Any) -> TensorSpec:
    shape = tuple(size if isinstance(size, int) else None for size in argument.shape)
    return TensorSpec(argument.name, shape, _DTYPES.get(argument.type, argument.type))


def _with_quantization(spec: TensorSpec, found: Mapping[str, tuple[float, int]]) -> TensorSpec:
    if spec.dtype not in _QUANTIZABLE or spec.name not in found:
        return spec
    scale, zero_point = found[spec.name]
    return replace(spec, scale=scale, zero_point=zero_point)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
