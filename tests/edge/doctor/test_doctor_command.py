"""`edge-run doctor` from the outside."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
REAL_LIBGL = "libGL.so.1: cannot open shared object file: No such file or directory"


def doctor(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """In a folder of its own, which may hold packages that stand before the real ones."""
    packages = folder / "packages"
    return subprocess.run(
        [sys.executable, "-m", "edge", "doctor", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{packages}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def put_package(folder: Path, name: str, code: str) -> None:
    place = folder / "packages" / name
    place.mkdir(parents=True)
    (place / "__init__.py").write_text(code)


def test_one_object_holds_the_board_its_state_and_every_package(tmp_path: Path) -> None:
    ran = doctor(tmp_path, "--json")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["schema_version"] == 1
    assert found["board"]["architecture"]
    assert found["machine"]["sensors"]["memory"]["total_mib"] > 0
    assert {each["name"] for each in found["libraries"]} == {"numpy", "opencv-python-headless"}
    assert all(each["works"] for each in found["engines"])
    assert isinstance(found["remarks"], list)


def test_nothing_is_left_in_the_folder_where_it_ran(tmp_path: Path) -> None:
    assert doctor(tmp_path).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_where_no_engine_works_the_exit_code_says_so_and_each_has_its_sentence(
    tmp_path: Path,
) -> None:
    put_package(tmp_path, "onnxruntime", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    put_package(
        tmp_path, "ai_edge_litert", "raise ImportError('numpy.core.multiarray failed to import')"
    )
    put_package(tmp_path, "cv2", f"raise ImportError({REAL_LIBGL!r})")
    ran = doctor(tmp_path)
    assert ran.returncode == 5
    assert "Traceback" not in ran.stderr
    lines = ran.stdout.splitlines()
    assert any(line.startswith("onnxruntime: DOES NOT WORK: died of SIGSEGV") for line in lines)
    assert any(line.startswith("litert: DOES NOT WORK") and "numpy<2" in line for line in lines)
    assert any("opencv-python-headless: DOES NOT WORK" in line for line in lines)
