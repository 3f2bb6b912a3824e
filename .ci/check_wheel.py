#!/usr/bin/env python3
"""check_wheel.py WHEEL --film-to DIRECTORY: what the wheel holds, and what it must not hold.

Writes the first golden input of the wheel's own default bundle to DIRECTORY/film.*: a real film
for the steps that run the installed wheel.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

PACKAGES = frozenset({"edge", "quantize", "benchmarks", "devices"})
DEFAULT_BUNDLE = "edge/default_bundle/chest_xray.edge"
# Neither is Python: the page that the kiosk shows, and the unit that starts it.
KIOSK_FILES = (
    "edge/kiosk/page/index.html",
    "edge/kiosk/page/kiosk.js",
    "edge/kiosk/page/kiosk.css",
)
KIOSK_UNIT = "devices/kiosk/files/edgedx-kiosk.service"
BOARDS = Path(__file__).parents[1] / "devices" / "boards"
MEGABYTE = 1e6
# PyPI refuses files over 100 MB; a board should not have to fetch half of that.
LARGEST_MB = 50


def find_faults(names: list[str], size_bytes: int) -> list[str]:
    """What is wrong with the list of files; nothing where it is right."""
    tops = {name.partition("/")[0] for name in names}
    info = {top for top in tops if top.endswith(".dist-info")}
    faults = [f"stray top-level {top!r}" for top in sorted(tops - PACKAGES - info)]
    faults += [f"package {package!r} is missing" for package in sorted(PACKAGES - tops)]
    typed = {f"{package}/py.typed" for package in PACKAGES}
    faults += [f"{name} is missing" for name in sorted(typed.difference(names))]
    if DEFAULT_BUNDLE not in names:
        faults.append(f"the default bundle, {DEFAULT_BUNDLE}, is missing")
    kiosk = [*KIOSK_FILES, KIOSK_UNIT]
    faults += [f"{name} is missing" for name in kiosk if name not in names]
    boards = {f"devices/boards/{path.name}" for path in BOARDS.glob("*.toml")}
    faults += [f"{name} is missing" for name in sorted(boards.difference(names))]
    if not any(name.endswith("/licenses/LICENSE") for name in names):
        faults.append("LICENSE is missing")
    faults += [f"{name} does not belong in a wheel" for name in names if _is_unwanted(name)]
    if size_bytes > LARGEST_MB * MEGABYTE:
        faults.append(f"{size_bytes / MEGABYTE:.0f} MB, more than {LARGEST_MB}")
    return faults


def _is_unwanted(name: str) -> bool:
    last = name.rpartition("/")[2]
    is_test = "/tests/" in name or last.startswith(("test_", "conftest"))
    return is_test or "__pycache__" in name or last.endswith(".pyc")


def write_film(wheel: zipfile.ZipFile, directory: Path) -> None:
    """Take the first golden input out of the default bundle."""
    with zipfile.ZipFile(io.BytesIO(wheel.read(DEFAULT_BUNDLE))) as bundle:
        name = json.loads(bundle.read("manifest.json"))["golden"][0]["input"]
        (directory / "film").with_suffix(Path(name).suffix).write_bytes(bundle.read(name))


def main(words: list[str]) -> int:
    """Check the wheel and take the film out of it."""
    path, _, directory = words
    size = Path(path).stat().st_size
    with zipfile.ZipFile(path) as wheel:
        faults = find_faults(wheel.namelist(), size)
        sys.stderr.writelines(f"{fault}\n" for fault in faults)
        if not faults:
            write_film(wheel, Path(directory))
            print(f"  - {len(wheel.namelist())} files, {size / MEGABYTE:.1f} MB")  # noqa: T201
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
