"""Programs of the zoo that need torch, run in an environment of their own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks.zoo.trained_models.task import Places
from edge.errors import InputError

__all__ = ["run_torch"]

_ROOT = Path(__file__).resolve().parents[3]


def run_torch(places: Places, module: str, *words: str) -> None:
    """Run `python -m module words...` with torch.

    Raises:
        InputError: there is no such environment, or the program failed.
    """
    if places.torch_python is None:
        raise InputError(f"{module} needs torch; name an environment with --torch-python")
    command = [str(places.torch_python), "-m", module, *words]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing said"])[-1]
        raise InputError(f"{module} failed: {last}")
