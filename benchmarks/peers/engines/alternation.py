"""Contestants kept alive side by side, and told in turn to run a burst."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.child_environment import child_environment
from edge.errors import EngineError

__all__ = ["Burst", "Taken", "WorkerProcess", "alternate", "worker_command"]


@dataclass(frozen=True, slots=True)
class Burst:
    """How long a contestant runs when its turn comes.

    Attributes:
        seconds: no further inference begins after them.
        most: inferences.
    """

    seconds: float
    most: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What one burst took.

    Attributes:
        wall_ns: nanoseconds of each inference.
        processor_ns: processor time of one inference on average, all threads together.
    """

    wall_ns: list[int]
    processor_ns: int


def worker_command(python: Path, module: str, **arguments: object) -> list[str]:
    """The command line of a worker."""
    named = (f"--{name}={value}" for name, value in arguments.items())
    return [str(python), "-m", module, *named]


class WorkerProcess:
    """A worker with a loaded model.

    Args:
        command: see `worker_command`.
        log: file for what the engine prints.
        limit_s: seconds for loading and answering, and for a burst.

    Raises:
        EngineError: it did not load, or did not answer.
    """

    def __init__(self, command: Sequence[str], log: Path, limit_s: float) -> None:
        self._log = log
        self._limit_s = limit_s
        with log.open("wb") as messages:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
                env=child_environment(),
            )
        try:
            self.version = self._first_word()
        except EngineError:
            self.close()
            raise

    def run(self, burst: Burst) -> Taken:
        """Run a burst.

        Raises:
            EngineError: the worker has ended, or does not come back.
        """
        line = f"{burst.seconds} {burst.most}\n".encode()
        try:
            self._stdin.write(line)
            self._stdin.flush()
        except OSError:
            raise EngineError(self._ending()) from None
        return Taken(**self._read())

    def close(self) -> None:
        """End the worker. Calling it twice is harmless."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def _stdin(self) -> Any:
        return self._process.stdin

    def _first_word(self) -> str:
        told: Any = self._read()
        if "fault" in told:
            raise EngineError(str(told["fault"]))
        return str(told["version"])

    def _read(self) -> Any:
        stdout: Any = self._process.stdout
        watchdog = threading.Timer(self._limit_s, self._process.kill)
        watchdog.start()
        try:
            line = stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise EngineError(self._ending())
        return json.loads(line)

    def _ending(self) -> str:
        code = self._process.wait()
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        said = lines[-1][:200] if lines else "nothing"
        return f"ended with exit code {code} and said: {said}"


def alternate(
    workers: Mapping[str, WorkerProcess],
    *,
    rounds: int,
    burst: Burst,
    seed: int,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[dict[str, list[Taken]], dict[str, str]]:
    """Run every worker once a round, in an order that is shuffled anew each round.

    What disturbs the machine, and its own drift, then meets all alike.

    Args:
        workers: by name.
        rounds: how many count; one further round, the first, does not.
        burst: of each turn.
        seed: of the order.
        progress: told the number of each round that ends.

    Returns:
        What bursts took by name and round; and what became of workers that failed, by name: they
        take no further turns, and have no times.
    """
    order = random.Random(seed)  # noqa: S311 - an order of turns, not a secret
    taken: dict[str, list[Taken]] = {name: [] for name in workers}
    faults: dict[str, str] = {}
    for turn in range(rounds + 1):
        names = [name for name in workers if name not in faults]
        order.shuffle(names)
        for name in names:
            try:
                found = workers[name].run(burst)
            except EngineError as error:
                faults[name] = str(error)
                continue
            if turn:
                taken[name].append(found)
        progress(turn)
    return {name: each for name, each in taken.items() if name not in faults}, faults
