"""The toolchain's own onnxruntime sessions: any model, any tensor as an output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from edge.engines.telemetry import refuse_telemetry
from edge.engines.x86_integers import has_exact_products
from edge.errors import EngineError, EngineNotInstalledError, InputError

__all__ = ["open_session", "run_session"]


def open_session(
    model: bytes, *, optimise: bool = True, threads: int = 0, spin: bool = True
) -> Any:
    """An onnxruntime session on the processor, quiet and with engine errors translated.

    Args:
        model: ONNX.
        optimise: whether onnxruntime may rewrite the graph.
        threads: inside one inference; 0 for as many as there are processors.
        spin: whether idle threads wait for work busily, which is a little faster alone.

    Raises:
        EngineNotInstalledError: onnxruntime is missing.
        InputError: onnxruntime does not take the model.
    """
    refuse_telemetry()
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineNotInstalledError(
            "onnxruntime is not installed; install it with: pip install onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    if not has_exact_products():
        options.add_session_config_entry("session.x64quantprecision", "1")
    if not spin:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InputError(f"onnxruntime refuses the model: {_one_line(error)}") from error


def run_session(
    session: Any, outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]
) -> list[NDArray[Any]]:
    """Infer once.

    Args:
        session: from `open_session`.
        outputs: names of what to compute; none gives an empty list.
        inputs: arrays by input name.

    Raises:
        EngineError: onnxruntime failed.
    """
    if not outputs:
        return []
    try:
        return list(session.run(list(outputs), dict(inputs)))
    except Exception as error:
        raise EngineError(f"onnxruntime failed: {_one_line(error)}") from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
