"""Which engine runs an artifact."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from edge.bundle.manifest import Artifact
from edge.engines.base import Engine, EngineOptions
from edge.errors import EngineNotInstalledError, UsageError

__all__ = ["ENGINE_NAMES", "INSTALL", "choose_artifact", "create_engine", "is_installed"]

_MODULES = {
    "onnxruntime": ("onnxruntime",),
    "litert": ("ai_edge_litert", "tflite_runtime"),
}
ENGINE_NAMES = ("auto", "onnxruntime", "litert")
INSTALL = {
    "onnxruntime": "pip install onnxruntime",
    "litert": "pip install 'edgedx[litert]'",
}


def is_installed(engine: str) -> bool:
    """Whether a package for the engine is there; it is not imported."""
    return any(_is_found(module) for module in _MODULES[engine])


def _is_found(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def choose_artifact(
    artifacts: Sequence[Artifact],
    *,
    engine: str = "auto",
    precision: str = "auto",
    preferred_engine: str = "onnxruntime",
) -> Artifact:
    """Choose the file to run.

    Args:
        artifacts: what the bundle holds; for each engine the one that serves best comes first.
        engine: "onnxruntime", "litert", or "auto": the preferred one where it is installed and
            the bundle has a file for it, else the other.
        precision: "auto" takes the engine's first; or int8, mixed, dynamic or float32.
        preferred_engine: what "auto" looks for first.

    Raises:
        UsageError: the bundle holds nothing of that engine and precision.
        EngineNotInstalledError: nothing that fits can run on this machine.
    """
    if engine not in ENGINE_NAMES:
        raise UsageError(f"engine {engine!r} is unknown; give {', '.join(ENGINE_NAMES)}")
    wanted = [
        artifact
        for artifact in artifacts
        if engine in ("auto", artifact.engine) and precision in ("auto", artifact.precision)
    ]
    if not wanted:
        held = ", ".join(f"{each.engine} {each.precision}" for each in artifacts)
        raise UsageError(
            f"the bundle has no artifact for engine {engine} and precision {precision}; "
            f"it has: {held}",
        )
    wanted.sort(key=lambda each: each.engine != preferred_engine)
    for artifact in wanted:
        if is_installed(artifact.engine):
            return artifact
    missing = sorted({each.engine for each in wanted})
    raise EngineNotInstalledError(
        f"engine {' and '.join(missing)} not installed; "
        + " or ".join(INSTALL[each] for each in missing),
    )


def create_engine(engine: str, data: bytes, options: EngineOptions) -> Engine:
    """Load a model into its engine.

    Args:
        engine: "onnxruntime" or "litert".
        data: the whole model file.
        options: see `EngineOptions`.

    Raises:
        EngineError: the engine is missing or refuses the model.
    """
    if engine == "onnxruntime":
        from edge.engines.onnxruntime_engine import OnnxRuntimeEngine

        return OnnxRuntimeEngine(data, options)
    if engine == "litert":
        from edge.engines.litert_engine import LiteRtEngine

        return LiteRtEngine(data, options)
    raise UsageError(f"engine {engine!r} is unknown; give auto, onnxruntime or litert")
