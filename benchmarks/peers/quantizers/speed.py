"""Files of one model timed in turn on one engine: every round runs each of them a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from benchmarks.peers.quantizers.bar_model import BarModelFolder
from benchmarks.peers.quantizers.outputs import example_at, open_runner

__all__ = ["ROUNDS", "time_alternating"]

ROUNDS = 7
_ROUND_S = 0.2
_FEWEST, _MOST = 3, 100
_WARM_UP = 3


def time_alternating(
    files: Mapping[str, Path], model: BarModelFolder, threads: int
) -> dict[str, list[list[float]]]:
    """Time one inference of each file.

    Disturbance by other programs meets all files alike, since they take turns; the machine's
    own drift too.

    Args:
        files: by the name they are recorded under.
        model: gives the input, its first test example.
        threads: inside one inference.

    Returns:
        Milliseconds by file and round, raw.

    Raises:
        EngineError: the engine refuses a file.
    """
    example = example_at(model.test, 0)
    calls: dict[str, Callable[[], object]] = {}
    counts = {}
    for name, path in files.items():
        runner = open_runner(path, model.outputs, threads=threads)
        calls[name] = partial(runner, example)
        counts[name] = _repeats(calls[name])
    rounds: dict[str, list[list[float]]] = {name: [] for name in files}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            rounds[name].append([_milliseconds(call) for _ in range(counts[name])])
    return rounds


def _repeats(call: Callable[[], object]) -> int:
    fastest = min(_milliseconds(call) for _ in range(_WARM_UP))
    return int(min(max(_ROUND_S * 1e3 / max(fastest, 1e-3), _FEWEST), _MOST))


def _milliseconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - begun) / 1e6
