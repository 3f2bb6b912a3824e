"""A task -> what `edge-quantize` and `edge-run selftest` made of it, each its own process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.zoo.trained_models.figures import read_figures, verdict
from benchmarks.zoo.trained_models.record import ModelRun
from benchmarks.zoo.trained_models.task import Places, Task
from edge.errors import EdgeError

__all__ = ["run_task"]

_ENGINES = ("onnxruntime", "litert")


def run_task(task: Task, places: Places) -> ModelRun:
    """Make or find the model, quantize it as a user does, and read what the report says.

    Args:
        task: the model.
        places: where things are; the bundle comes to `work/NAME.edge`.

    Returns:
        What came of it; with `skipped` where the model or its data could not be had.
    """
    known = (task.name, task.model, task.examples, task.licence)
    folder = places.work / task.name
    folder.mkdir(parents=True, exist_ok=True)
    try:
        words = task.prepare(places, folder)
    except EdgeError as error:
        return ModelRun(*known, skipped=str(error))
    bundle = places.work / f"{task.name}.edge"
    report = bundle.with_suffix(".report.json")
    # What an earlier run left must not be read for this one's.
    for path in (bundle, report):
        path.unlink(missing_ok=True)
    begun = time.monotonic()
    code, said = _run("quantize", *words, "-o", str(bundle))
    seconds = time.monotonic() - begun
    tested: dict[str, int] = {}
    if bundle.is_file():
        for engine in _ENGINES:
            tested[engine], _ = _run("edge", "selftest", "--model", str(bundle), "--engine", engine)
    figures = read_figures(json.loads(report.read_text("utf-8"))) if report.is_file() else None
    return ModelRun(
        *known,
        exit_code=code,
        said=said,
        seconds=round(seconds, 1),
        selftest=tested,
        figures=figures,
        bars=verdict(figures, task.bar) if figures is not None and task.bar is not None else {},
    )


def _run(module: str, *words: str) -> tuple[int, str]:
    """Exit code and last line on stderr of `python -m module words...`."""
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=_root())
    return done.returncode, (done.stderr.strip().splitlines() or [""])[-1]


def _root() -> Path:
    return Path(__file__).resolve().parents[3]
