"""Does the runtime's memory grow? Many answers in one process, memory read as they go.

    python -m benchmarks.peers.memory_growth MODEL ANSWERS THREADS PICTURE...

prints one line of JSON: resident bytes after each of `SAMPLES` equal parts of the answers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from benchmarks.process_memory import resident_bytes

__all__ = ["SAMPLES", "watch_memory"]

SAMPLES = 40


def watch_memory(
    model_path: str, pictures: Sequence[str], *, answers: int, threads: int
) -> list[int]:
    """Answer again and again; resident bytes after each part.

    Args:
        model_path: a bundle.
        pictures: image files, taken in turn.
        answers: how many, at least `SAMPLES`.
        threads: inside one inference.
    """
    import edge

    resident = []
    with edge.load(model_path, engine="onnxruntime", threads=threads) as model:
        part = max(1, answers // SAMPLES)
        for count in range(part * SAMPLES):
            model.run(pictures[count % len(pictures)])
            if (count + 1) % part == 0:
                resident.append(resident_bytes())
    return resident


def _main() -> None:
    model, answers, threads, *pictures = sys.argv[1:]
    found = watch_memory(model, pictures, answers=int(answers), threads=int(threads))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    _main()
