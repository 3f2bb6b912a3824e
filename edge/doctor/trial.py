"""What the doctor's child process does with a package: one step after the other, each announced.

Every step that was reached is a line of JSON on standard output, written before the next begins,
so that the parent knows how far a process came that dies of a signal.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any

__all__ = ["try_engine", "try_module"]


def try_module(module: str) -> None:
    """Import a module that is no engine: numpy, OpenCV.

    Args:
        module: its name.
    """
    try:
        found = importlib.import_module(module)
    except BaseException as error:  # noqa: BLE001 - whatever a package raises is the finding
        _tell("import", error=_describe(error))
        return
    _tell("import", version=str(getattr(found, "__version__", "")))


def try_engine(engine: str, modules: str) -> None:
    """Import an engine, run the tiny model on it, then the default bundle's golden inputs.

    Args:
        engine: "onnxruntime" or "litert".
        modules: names of the modules to import, joined by commas.
    """
    steps: dict[str, Callable[[], dict[str, Any]]] = {
        "import": lambda: _import(modules.split(",")),
        "model": lambda: _run_tiny_model(engine),
        "golden": lambda: _replay_golden(engine),
    }
    for name, step in steps.items():
        _tell(name, started=True)
        try:
            _tell(name, **step())
        except BaseException as error:  # noqa: BLE001 - whatever a package raises is the finding
            _tell(name, error=_describe(error))
            return


def _import(modules: list[str]) -> dict[str, Any]:
    for module in modules:
        importlib.import_module(module)
    return {}


def _run_tiny_model(engine: str) -> dict[str, Any]:
    from edge.doctor.tiny_models import TINY_MODELS
    from edge.engines.base import EngineOptions
    from edge.engines.selection import create_engine

    model = TINY_MODELS[engine]
    opened = create_engine(engine, model.data, EngineOptions(threads=1))
    try:
        answer = opened.run({"x": model.question})["y"]
    finally:
        opened.close()
    return {"is_right": model.is_answer(answer), "version": opened.version}


def _replay_golden(engine: str) -> dict[str, Any]:
    from edge.model_loader import LoadOptions
    from edge.selftest import run_selftest

    checks = list(run_selftest(None, LoadOptions(engine=engine)))
    failed = [check for check in checks if not check.is_passed]
    reasons = [check.reason for check in failed if check.reason]
    return {
        "checks": len(checks),
        "failed": len(failed),
        "steps": max((check.steps for check in checks), default=0.0),
        "reason": reasons[0] if reasons else None,
    }


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _tell(step: str, **facts: Any) -> None:
    # Flushed, because a process that dies of a signal does not.
    print(json.dumps({"step": step, **facts}), flush=True)  # noqa: T201
