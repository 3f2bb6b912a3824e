"""An engine alone, without the pipeline around it."""

from __future__ import annotations

from pathlib import Path

from edge.engines.base import Engine, EngineOptions
from edge.engines.selection import create_engine
from edge.model_loader import DEFAULT_BUNDLE

__all__ = ["load_bare_engine"]


def load_bare_engine(model: str, artifact: str, engine: str, threads: int) -> Engine:
    """Load a model file into its engine.

    Args:
        model: a bundle or a bare model file; "" for the bundle that comes with edgedx.
        artifact: the file in the bundle; "" for a bare model file.
        engine: "onnxruntime" or "litert".
        threads: inside one inference.

    Raises:
        EngineError: the engine is missing or refuses the model.
        BundleError: the model points at files outside itself.
    """
    path = Path(model) if model else DEFAULT_BUNDLE
    return create_engine(engine, _model_bytes(path, artifact, engine), EngineOptions(threads))


def _model_bytes(path: Path, artifact: str, engine: str) -> bytes:
    if artifact:
        from edge.bundle.reader import open_bundle

        with open_bundle(path) as bundle:
            return bytes(bundle.read(artifact))
    data = path.read_bytes()
    if engine == "onnxruntime":
        from edge.bundle.onnx_references import check_self_contained

        check_self_contained(data, str(path))
    return data
