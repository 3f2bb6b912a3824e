"""A worker's end of the conversation: load, answer all examples once, then run bursts by the line.

What a worker says, one JSON value a line: first `{"version": ...}` when all answers are in their
file, or `{"fault": ...}`; then, for each line `SECONDS MOST` that it is told, what a burst took.
The end of its input is the end of it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["Example", "ModelRequest", "Runner", "run_burst", "serve"]

Example = dict[str, NDArray[Any]]

_FEWEST = 3
_UNTIMED = 2
"""Inferences before a burst is timed: threads wake up and caches fill after others' turn."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a worker is to load.

    Attributes:
        model: the file in its engine's form.
        inputs: archive of examples by input name, each [N, ...], in the float model's order.
        answers: archive to write: outputs by name, float32 [N, values].
        outputs: the float model's output names, in order.
        threads: inside one inference.
        options: of the engine.
    """

    model: Path
    inputs: Path
    answers: Path
    outputs: tuple[str, ...]
    threads: int
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Runner:
    """A loaded model in three steps, of which only the middle one is timed.

    Attributes:
        version: of the engine.
        prepare: example -> what the engine takes: its layout, its own tensor class.
        infer: what `prepare` gave -> raw outputs, read back to where Python has them.
        read: raw outputs -> real values by output name.
    """

    version: str
    prepare: Callable[[Example], Any]
    infer: Callable[[Any], Any]
    read: Callable[[Any], Mapping[str, NDArray[Any]]]


def serve(open_runner: Callable[[ModelRequest], Runner]) -> None:
    """Hold the conversation on standard input and output.

    Args:
        open_runner: loads the model; whatever it raises is the worker's fault to tell.
    """
    channel = _own_channel()
    try:
        request = _request()
        runner = open_runner(request)
        prepared = [runner.prepare(each) for each in _examples(request.inputs)]
        _write_answers(runner, prepared, request)
    except Exception as error:  # noqa: BLE001 - engines have no error root of their own
        _say(channel, {"fault": f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]})
        sys.exit(1)
    _say(channel, {"version": runner.version})
    for line in sys.stdin:
        seconds, most = line.split()
        _say(channel, run_burst(runner, prepared, float(seconds), int(most)))


def run_burst(runner: Runner, prepared: Sequence[Any], seconds: float, most: int) -> dict[str, Any]:
    """Time single inferences, over the examples in turn, so that no answer can be kept.

    Args:
        runner: the loaded model.
        prepared: the examples as the engine takes them.
        seconds: after which no further inference begins, once there are three.
        most: inferences at most.

    Returns:
        `wall_ns`, nanoseconds of each; and `processor_ns`, those of processor time that all
        threads of this process took for one, on average: being interrupted does not add to it.
    """
    for index in range(_UNTIMED):
        runner.infer(prepared[index % len(prepared)])
    taken: list[int] = []
    end = time.perf_counter() + seconds
    processor = time.process_time_ns()
    while len(taken) < most and (len(taken) < _FEWEST or time.perf_counter() < end):
        example = prepared[len(taken) % len(prepared)]
        begun = time.perf_counter_ns()
        runner.infer(example)
        taken.append(time.perf_counter_ns() - begun)
    processor = time.process_time_ns() - processor
    return {"wall_ns": taken, "processor_ns": processor // len(taken)}


def _own_channel() -> TextIO:
    """Standard output kept for the conversation: what engines print goes to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel


def _say(channel: TextIO, value: object) -> None:
    channel.write(json.dumps(value) + "\n")
    channel.flush()


def _request() -> ModelRequest:
    parser = argparse.ArgumentParser()
    for name in ("model", "inputs", "answers"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--outputs", type=lambda text: tuple(text.split(",")), required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--options", type=json.loads, default={})
    return ModelRequest(**vars(parser.parse_args()))


def _examples(path: Path) -> list[Example]:
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    count = len(next(iter(arrays.values())))
    return [
        {name: values[index : index + 1] for name, values in arrays.items()}
        for index in range(count)
    ]


def _write_answers(runner: Runner, prepared: Sequence[Any], request: ModelRequest) -> None:
    answers = [runner.read(runner.infer(each)) for each in prepared]
    stacked = {
        name: np.stack([np.asarray(each[name], np.float32).reshape(-1) for each in answers])
        for name in request.outputs
    }
    with request.answers.open("wb") as file:
        np.savez(file, **stacked)  # type: ignore[arg-type]  # its keywords are the arrays' names
