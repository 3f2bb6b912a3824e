"""Who may import whom, and what `import edge` loads."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"edge", "quantize", "benchmarks", "devices"}
ALLOWED = {
    "edge": set(),
    "quantize": {"edge"},
    "benchmarks": {"edge", "devices"},
    "devices": set(),
}
EXCEPTIONS = {
    # A command line may ask which board this is.
    "edge/cli.py": {"devices"},
    "edge/kiosk/serve_command.py": {"devices"},
    "edge/kiosk/install_command.py": {"devices"},
    "edge/kiosk/remove_command.py": {"devices"},
    "quantize/cli.py": {"devices"},
}
RECIPES = ("benchmarks/zoo/", "benchmarks/peers/")


def modules() -> list[Path]:
    return sorted(path for package in OURS for path in (ROOT / package).rglob("*.py"))


def imported_packages(path: Path) -> set[str]:
    """Top-level packages that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_the_packages_of_ours_that_it_may(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    package = name.split("/")[0]
    allowed = {package} | ALLOWED[package] | EXCEPTIONS.get(name, set())
    if name.startswith(RECIPES):
        allowed |= {"quantize"}
    assert imported_packages(path) & OURS <= allowed


# Python 3.10 cannot read TOML itself; from 3.11 on the standard library holds the same reader.
BACKPORTS = {"tomli"}


def test_devices_needs_the_standard_library_only() -> None:
    foreign = {
        package
        for path in (ROOT / "devices").rglob("*.py")
        for package in imported_packages(path)
        if package not in sys.stdlib_module_names and package != "devices"
    }
    assert foreign <= BACKPORTS


def test_importing_edge_loads_numpy_and_ours_only() -> None:
    code = "import sys, json, edge; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout,
    )
    before = json.loads(
        subprocess.run(
            [sys.executable, "-c", "import sys, json; print(json.dumps(sorted(sys.modules)))"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout,
    )
    packages = {name.split(".")[0] for name in set(loaded) - set(before)}
    assert packages - set(sys.stdlib_module_names) == {"edge", "numpy"}


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "common", "helpers", "core", "misc"}
    assert {path.stem for path in modules()} & empty == set()
