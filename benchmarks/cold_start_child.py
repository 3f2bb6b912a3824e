"""One cold start, in a process of its own: import, load, first answer; then one line of JSON.

Started by `benchmarks.cold_start` as `python -m benchmarks.cold_start_child MODEL ENGINE THREADS
PICTURE`, where MODEL and THREADS may be empty. Nothing but the runtime is imported before the
answer is there.
"""

from __future__ import annotations

import sys
import time

__all__ = ["main"]


def main() -> None:
    """Take the times and print them; `time.monotonic_ns` has one origin for all processes."""
    started = time.monotonic_ns()
    import edge

    imported = time.monotonic_ns()
    model, engine, threads, picture = sys.argv[1:]
    loaded_model = edge.load(
        model or None, engine=engine, threads=int(threads) if threads else None
    )
    loaded = time.monotonic_ns()
    loaded_model.run(picture)
    answered = time.monotonic_ns()

    from benchmarks.process_memory import peak_memory_bytes

    peak_bytes = peak_memory_bytes()
    import json

    times = {
        "started_ns": started,
        "imported_ns": imported,
        "loaded_ns": loaded,
        "answered_ns": answered,
        "peak_memory_bytes": peak_bytes,
    }
    sys.stdout.write(json.dumps(times) + "\n")


if __name__ == "__main__":
    main()
