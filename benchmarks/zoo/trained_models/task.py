"""One trained model on its way through `edge-quantize`: what goes in, and which bars it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Bar", "Places", "Task", "Words"]

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """What int8 may cost at most.

    Attributes:
        auroc_drop: by which the mean AUROC of an int8 file may lie off the float model's.
        flips: share of decisions that may change.
    """

    auroc_drop: float = 0.003
    flips: float = 0.01


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are.

    Attributes:
        data: folder of labelled data.
        work: folder in which models and their inputs are made; what is there is taken.
        torch_python: the interpreter of an environment with torch; None where there is none.
    """

    data: Path
    work: Path
    torch_python: Path | None


@dataclass(frozen=True, slots=True)
class Task:
    """A trained model.

    Attributes:
        name: of the model's folder.
        model: which network, trained by whom on what.
        examples: what it is judged on, and what it saw of that in training.
        licence: of model and data, and whether what comes out may be passed on.
        prepare: makes or finds the model and its inputs in `work/name`, and gives the words of
            `edge-quantize` but for `-o`; raises EdgeError where something cannot be had.
        bar: None where there are no labels.
    """

    name: str
    model: str
    examples: str
    licence: str
    prepare: Callable[[Places, Path], Words]
    bar: Bar | None = field(default_factory=Bar)
