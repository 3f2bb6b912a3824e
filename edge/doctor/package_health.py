"""Whether a package that edgedx runs on works here, found out in a child process."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import dataclass
from typing import Any, TypedDict

from edge.doctor.child_process import ChildEnd, run_python
from edge.doctor.diagnosis import diagnose_message, diagnose_signal, signal_name
from edge.engines.selection import INSTALL, is_installed

__all__ = [
    "EngineHealth",
    "LibraryHealth",
    "examine_engine",
    "examine_library",
    "installed_version",
]

# Against a hang only: a board that swaps may take a minute.
_ENGINE_DEADLINE_S = 300.0
_LIBRARY_DEADLINE_S = 60.0
_TRY_ENGINE = "from edge.doctor.trial import try_engine; try_engine(*sys.argv[1:])"
_TRY_LIBRARY = "from edge.doctor.trial import try_module; try_module(*sys.argv[1:])"


@dataclass(frozen=True, slots=True)
class _Package:
    """A package that brings an engine, and the modules that its adapter imports."""

    name: str
    modules: tuple[str, ...]


# In the order in which the adapters try them.
_PACKAGES = {
    "onnxruntime": (_Package("onnxruntime", ("onnxruntime",)),),
    "litert": (
        _Package("ai-edge-litert", ("ai_edge_litert.interpreter",)),
        _Package("tflite-runtime", ("tflite_runtime.interpreter",)),
    ),
}
_STEPS = {
    "import": "when it was imported",
    "model": "on a model of a few hundred bytes",
    "golden": "on the default model",
}


class LibraryHealth(TypedDict):
    """A library that is no engine: whether it can be imported, and why not."""

    name: str
    version: str | None
    works: bool
    finding: str


class EngineHealth(TypedDict):
    """One engine: whether it answers the default bundle's golden inputs, and why not.

    `failed_step` is "import", "model" (a tiny one), "golden" (the default bundle's inputs), or
    None where the engine works or is not installed.
    """

    name: str
    package: str | None
    version: str | None
    works: bool
    failed_step: str | None
    finding: str


def installed_version(package: str) -> str | None:
    """Version of an installed package, without importing it; None where there is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def examine_library(package: str, module: str) -> LibraryHealth:
    """Import a library in a child process.

    Args:
        package: its name in the package index.
        module: what is imported.
    """
    version = installed_version(package)
    end = run_python(_TRY_LIBRARY, module, deadline_s=_LIBRARY_DEADLINE_S)
    step = next((step for step in _steps(end) if "version" in step), None)
    if end.code == 0 and step is not None:
        found = version or step["version"]
        return {"name": package, "version": found, "works": True, "finding": "can be imported"}
    finding = _failure(end, "import", package)
    return {"name": package, "version": version, "works": False, "finding": finding}


def examine_engine(engine: str) -> EngineHealth:
    """Import an engine, run a tiny model and the default bundle on it, in a child process.

    Args:
        engine: "onnxruntime" or "litert".
    """
    package = _package_of(engine)
    if not is_installed(engine):
        finding = f"not installed; {INSTALL[engine]}"
        return _health(engine, None, failed_step=None, finding=finding)
    end = run_python(_TRY_ENGINE, engine, ",".join(package.modules), deadline_s=_ENGINE_DEADLINE_S)
    steps = _steps(end)
    done = {step["step"]: step for step in steps if "started" not in step and "error" not in step}
    last = steps[-1]["step"] if steps else "import"
    if "golden" not in done:
        return _health(engine, package, failed_step=last, finding=_failure(end, last, package.name))
    if not done["model"]["is_right"]:
        finding = f"answers wrongly {_STEPS['model']}; install another version of it"
        return _health(engine, package, failed_step="model", finding=finding)
    golden = done["golden"]
    return _health(
        engine,
        package,
        failed_step="golden" if golden["failed"] else None,
        finding=_golden_finding(golden) + _farewell(end),
        works=not golden["failed"],
    )


def _health(
    engine: str,
    package: _Package | None,
    *,
    failed_step: str | None,
    finding: str,
    works: bool = False,
) -> EngineHealth:
    return {
        "name": engine,
        "package": package.name if package else None,
        "version": installed_version(package.name) if package else None,
        "works": works,
        "failed_step": failed_step,
        "finding": finding,
    }


def _package_of(engine: str) -> _Package:
    packages = _PACKAGES[engine]
    return next((each for each in packages if installed_version(each.name)), packages[0])


def _steps(end: ChildEnd) -> list[dict[str, Any]]:
    """What the child announced; a package may write lines of its own between."""
    steps = []
    for line in end.output.splitlines():
        if line.startswith('{"step": '):
            try:
                steps.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return steps


def _failure(end: ChildEnd, step: str, package: str) -> str:
    when = _STEPS[step]
    if end.code is None:
        return (
            f"gave no answer within {end.deadline_s:.0f} s {when}; close other programs and try "
            "again, or install another version of it"
        )
    if end.code < 0:
        cause = diagnose_signal(-end.code, end.messages, package)
        return f"died of {signal_name(-end.code)} {when}: {cause}"
    errors = [step["error"] for step in _steps(end) if "error" in step]
    said = "\n".join([end.messages, *errors])
    if not said.strip():
        said = f"ended with exit code {end.code} and said nothing"
    return f"failed {when}: {diagnose_message(said, package)}"


def _farewell(end: ChildEnd) -> str:
    """Libraries may crash while the process unloads them; `edge-run` leaves without unloading."""
    if end.code is None or end.code >= 0:
        return ""
    return f"; the process died of {signal_name(-end.code)} afterwards, while it ended"


def _golden_finding(golden: dict[str, Any]) -> str:
    if not golden["failed"]:
        return (
            f"answers all {golden['checks']} golden inputs as in the lab "
            f"(at most {golden['steps']:g} output steps away)"
        )
    return golden["reason"] or (
        f"answers {golden['failed']} of {golden['checks']} golden inputs otherwise than in the lab"
    )
