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
    """
    path = Path(model) if model else DEFAULT_BUNDLE
    if not artifact:
        return create_engine(engine, path.read_bytes(), EngineOptions(threads))
    from edge.bundle.reader import open_bundle

    with open_bundle(path) as bundle:
        return create_engine(engine, bytes(bundle.read(artifact)), EngineOptions(threads))
