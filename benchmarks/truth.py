"""Was the true work timed? Golden answers before and after, and one input over and over.

MLPerf Inference's compliance tests: TEST01 holds answers of the timed run against the accuracy
run's (`benchmarks.answer_log.AnswerCheck` does that for a seeded sample); TEST04 compares one
input repeated with inputs that vary, so that a system which remembers answers is found out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.answer_log import AnswerLog
from benchmarks.records.measurement import AnswerSamples, RepeatedInput
from benchmarks.scenarios.base import input_order
from benchmarks.statistics.rank_test import rank_test
from edge.bundle.golden import compare_golden
from edge.pipeline import Model
from edge.selftest import read_golden

__all__ = ["LEAST_ANSWERS", "MOST_STEPS", "compare_repeated", "repeat_one_input", "replay_golden"]

MOST_STEPS: Final = 1e9
"""Stands for infinity, for which JSON has no word: an output differs whose step is 0."""

_OTHERS = 3
_LEAST_PAIRS = 6
LEAST_ANSWERS = _LEAST_PAIRS * (_OTHERS + 3)
"""So many `repeat_one_input` takes at least."""
_MOST_PAIRS = 200


def replay_golden(model: Model, files: Sequence[Path]) -> tuple[float, bool]:
    """Replay a bundle's golden inputs.

    Args:
        model: loaded from the bundle.
        files: one a golden example, in their order.

    Returns:
        The largest difference from the lab's outputs in output steps, and whether every tensor
        that preprocessing made is the lab's; (0, True) where there is no golden example.
    """
    steps, same = 0.0, True
    for example, path in zip(model.parts.golden, files, strict=True):
        value = read_golden(path.read_bytes(), model.parts, example.input)
        differences = compare_golden(example, model.parts.artifact, model.output_values(value))
        steps = max(steps, *(each.steps for each in differences))
        same = same and model.tensor_sha256(value) == example.tensor_sha256
    return min(steps, MOST_STEPS), same


def repeat_one_input(log: AnswerLog, inputs: int, seed: int, budget_ns: int) -> None:
    """Take answers for one input among others, and for the same input again, in turn.

    Each pair has up to three other inputs and then the chosen one (phase `varied_input`), and
    the chosen one twice more (phase `same_input`): both series run through the same minute.

    Args:
        log: takes the answers.
        inputs: how many there are; fewer than two leave nothing to compare.
        seed: of the choice.
        budget_ns: how long it may take, where that gives pairs enough to say something.
    """
    if inputs < 2:  # noqa: PLR2004 - one is always itself
        return
    order = input_order(inputs, seed)
    chosen = next(order)
    end = log.now_ns() + budget_ns
    query = 0
    for pair in range(_MOST_PAIRS):
        log.begin("varied_input")
        others = [next(order) for _ in range(min(_OTHERS, inputs - 1) + 1)]
        for index in (*(each for each in others if each != chosen), chosen):
            log.take(query, index)
            query += 1
        log.begin("same_input")
        for _ in range(2):
            log.take(query, chosen)
            query += 1
        if pair + 1 >= _LEAST_PAIRS and log.now_ns() > end:
            return


def compare_repeated(
    same: AnswerSamples | None, varied: AnswerSamples | None
) -> RepeatedInput | None:
    """Hold the two phases of `repeat_one_input` against each other.

    Returns:
        None where there was one input only, or time for too few pairs to say anything.
    """
    if same is None or varied is None:
        return None
    chosen = int(same.values("input")[0])
    repeated = same.values("call")
    among_others = varied.values("call")[varied.values("input") == chosen]
    if among_others.size < _LEAST_PAIRS or repeated.size < _LEAST_PAIRS:
        return None
    return RepeatedInput(
        input=chosen,
        repeated_ns=float(np.median(repeated)),
        varied_ns=float(np.median(among_others)),
        probability=rank_test(among_others, repeated).probability,
    )
