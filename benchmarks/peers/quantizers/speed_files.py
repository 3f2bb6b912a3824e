"""Which files of a model are timed against each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.peers.quantizers.artifact_files import artifact_path, float_tflite_path
from benchmarks.peers.quantizers.bar_model import BarModelFolder
from benchmarks.peers.quantizers.record import OURS, Comparison, SpeedRun
from benchmarks.peers.quantizers.speed import time_alternating
from benchmarks.peers.quantizers.verdict import best_of_each_peer, ours

__all__ = ["FLOAT", "time_model"]

FLOAT = "float"


def time_model(
    comparison: Comparison, model: BarModelFolder, cache: Path, threads: int
) -> Iterator[SpeedRun]:
    """Time the float file, ours and the best of each other quantizer, engine by engine.

    Raises:
        EngineError: the engine refuses a file that it took before.
    """
    for engine in ("onnxruntime", "litert"):
        files, settings = _files(comparison, model, cache, engine)
        present = {name: path for name, path in files.items() if path.is_file()}
        if len(present) > 1:
            yield SpeedRun(
                model=model.facts.name,
                engine=engine,
                threads=threads,
                rounds_ms=time_alternating(present, model, threads),
                settings={name: settings[name] for name in present},
            )


def _files(
    comparison: Comparison, model: BarModelFolder, cache: Path, engine: str
) -> tuple[dict[str, Path], dict[str, str]]:
    name = model.facts.name
    source = model.path / "model.onnx"
    files = {FLOAT: source if engine == "onnxruntime" else float_tflite_path(cache, name)}
    settings = {FLOAT: "source" if engine == "onnxruntime" else "onnx2tf"}
    runs = best_of_each_peer(comparison, name, engine)
    own = ours(comparison, name, engine)
    if own is not None and own.fault is None:
        runs = {OURS: own, **runs}
    for label, run in runs.items():
        files[label] = artifact_path(cache, name, run.peer, run.setting, engine)
        settings[label] = run.setting
    return files, settings
