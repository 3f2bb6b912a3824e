"""One cold start, in a process of its own: import, load, first answer; then one line of JSON.

Started by `benchmarks.cold_start` as `python -m benchmarks.cold_start_child MODEL ARTIFACT ENGINE
THREADS INPUT SEED`, where MODEL, ARTIFACT and INPUT may be empty, and SEED is for an engine alone.
Nothing but the runtime is imported before the answer is there.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Take the times and print them; `time.monotonic_ns` has one origin for all processes."""
    started = time.monotonic_ns()
    import edge

    imported = time.monotonic_ns()
    model, artifact, engine, threads, source, seed = sys.argv[1:]
    answer: Callable[[], Any]
    if seed:
        from benchmarks.bare_engine import load_bare_engine

        loaded_engine = load_bare_engine(model, artifact, engine, int(threads))
        loaded = time.monotonic_ns()
        tensors = _tensors(loaded_engine, source, int(seed))
        answer = lambda: loaded_engine.run(tensors)  # noqa: E731 - one of two
    else:
        loaded_model = edge.load(
            model or None, options=edge.LoadOptions(threads=int(threads), artifact=artifact)
        )
        loaded = time.monotonic_ns()
        answer = lambda: loaded_model.run(source)  # noqa: E731 - one of two
    ready = time.monotonic_ns()
    answer()
    answered = time.monotonic_ns()

    from benchmarks.process_memory import peak_memory_bytes

    peak_bytes = peak_memory_bytes()
    import json

    times = {
        "started_ns": started,
        "imported_ns": imported,
        "loaded_ns": loaded,
        "ready_ns": ready,
        "answered_ns": answered,
        "peak_memory_bytes": peak_bytes,
    }
    sys.stdout.write(json.dumps(times) + "\n")


def _tensors(engine: Any, source: str, seed: int) -> dict[str, Any]:
    """Made or read once the engine has said what it takes; that time is not counted."""
    from pathlib import Path

    from benchmarks.model_inputs import random_tensors, read_tensors

    if source:
        return read_tensors(Path(source), engine.inputs)
    return random_tensors(engine.inputs, seed)[0]


def _say_and_leave(kind: type[BaseException], error: BaseException, traceback: object) -> None:
    """In place of a traceback: the error's own sentence, and its exit code."""
    del kind, traceback
    sys.stderr.write(f"{' '.join(str(error).split()) or type(error).__name__}\n")
    sys.stderr.flush()
    os._exit(getattr(error, "exit_code", 1))


if __name__ == "__main__":
    sys.excepthook = _say_and_leave
    main()
