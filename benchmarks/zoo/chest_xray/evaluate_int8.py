"""Measure both int8 files of a bundle on the test films, through `edge-run` itself.

What is measured is what a user gets: the command reads the very files, decodes, prepares, infers
and prints JSON Lines, and only those lines are read here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.zoo.chest_xray import metrics
from benchmarks.zoo.chest_xray.dataset import LABELS, Film

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["EdgeRunError", "Measured", "answer_films", "compare"]

_BOOTSTRAP_REPEATS = 2000
_BOOTSTRAP_SEED = 1
_FIGURES = ("auroc_pneumonia", "auroc_bacterial_vs_viral", "accuracy_3_class", "ece")


class EdgeRunError(RuntimeError):
    """`edge-run` did not answer for every film."""


@dataclass(frozen=True)
class Measured:
    """What one model file answered for a set of films.

    Attributes:
        name: path of the file in its bundle, or "source".
        probabilities: float64 [films, 3], rows that sum to 1, in the order of `LABELS`.
    """

    name: str
    probabilities: NDArray[np.float64]

    @property
    def decisions(self) -> NDArray[np.int64]:
        """Index of the likeliest label, int64 [films]."""
        likeliest: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return likeliest


def answer_films(data: Path, films: list[Film], model: Path, *options: str) -> NDArray[np.float64]:
    """Run `edge-run --json` on films.

    Args:
        data: folder of the films.
        films: which of them.
        model: a bundle or a bare model file.
        options: more words for the command, such as "--engine", "litert".

    Returns:
        Scores as the model's output is read, float64 [films, 3]: probabilities for a bundle.

    Raises:
        EdgeRunError: the command failed, or a film got no answer.
    """
    command = [sys.executable, "-m", "edge", "--json", "--model", str(model), *options]
    paths = [str(data / film.path) for film in films]
    ran = subprocess.run([*command, *paths], capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        reason = (ran.stderr.strip().splitlines() or ["no message"])[-1]
        raise EdgeRunError(f"edge-run ended with exit code {ran.returncode}: {reason}")
    answers = [_scores(json.loads(line)) for line in ran.stdout.splitlines()]
    if len(answers) != len(films):
        raise EdgeRunError(f"edge-run gave {len(answers)} answers for {len(films)} films")
    return np.array(answers)


def _scores(answer: dict[str, Any]) -> list[float]:
    scores = {each["label"]: each["score"] for each in answer["outputs"][0]["scores"]}
    return [scores[label] for label in LABELS]


def compare(films: list[Film], measured: list[Measured]) -> dict[str, Any]:
    """Figures of each file with 95 % intervals by patient, and how their decisions differ.

    Args:
        films: the films.
        measured: what each file answered; the first is the float model.

    Returns:
        `figures` by file, and `same_decisions` by pair of files, as shares of the films.
    """
    labels = np.array([film.label for film in films])
    patients = np.array([film.patient for film in films])
    figures = {each.name: _figures(each, labels, patients) for each in measured}
    same = {
        f"{first.name} = {second.name}": round(
            float((first.decisions == second.decisions).mean()), 4
        )
        for index, first in enumerate(measured)
        for second in measured[index + 1 :]
    }
    return {"films": len(films), "figures": figures, "same_decisions": same}


def _figures(
    measured: Measured, labels: NDArray[np.int64], patients: NDArray[np.str_]
) -> dict[str, dict[str, float]]:
    # Softmax of a logarithm is the identity on probabilities, so one summary serves both.
    logits = np.log(np.maximum(measured.probabilities, 1e-300))

    def figures(index: NDArray[np.int64]) -> dict[str, float]:
        found = metrics.summarise(logits[index], labels[index], 1.0, 0.5)
        return {name: found[name] for name in _FIGURES}

    values = figures(np.arange(len(labels)))
    bounds = metrics.bootstrap_intervals(figures, patients, _BOOTSTRAP_REPEATS, _BOOTSTRAP_SEED)
    return metrics.with_intervals(values, bounds)
