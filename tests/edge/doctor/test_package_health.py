"""Engines that fail in every way they do on boards: real child processes, packages made here."""

import json
import sys
from pathlib import Path

import pytest

from edge.doctor.child_process import run_python
from edge.doctor.package_health import examine_engine, examine_library

DIES = "import os, signal; os.kill(os.getpid(), signal.{})"
STUB_ENGINE = """
import os, signal
__version__ = "9.9"
class SessionOptions:
    def add_session_config_entry(self, *words): pass
def set_default_logger_severity(level): pass
class InferenceSession:
    def __init__(self, *words, **options):
        {}
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, package: str, code: str) -> None:
    """Put a package of that name before the real one."""
    place = folder / package
    place.mkdir()
    (place / "__init__.py").write_text(code)
    monkeypatch.syspath_prepend(folder)


@pytest.mark.parametrize("engine", ["onnxruntime", "litert"])
def test_an_engine_that_works_answers_as_in_the_lab(engine: str) -> None:
    health = examine_engine(engine)
    assert health["works"], health
    assert health["failed_step"] is None
    assert health["version"]
    assert "golden inputs as in the lab" in health["finding"]


@pytest.mark.parametrize(
    ("code", "finding"),
    [
        pytest.param(
            DIES.format("SIGILL"),
            "died of SIGILL when it was imported: its build uses instructions",
            id="illegal instruction",
        ),
        pytest.param(
            DIES.format("SIGSEGV"), "died of SIGSEGV when it was imported: it crashed", id="crash"
        ),
        pytest.param(
            "import os, sys; sys.stderr.write('<jemalloc>: Unsupported system page size\\n'); "
            "sys.stderr.flush(); os.abort()",
            "died of SIGABRT when it was imported: its build is for memory pages of 4 KiB",
            id="page size",
        ),
        pytest.param(
            "raise ImportError('libgomp.so.1: cannot open shared object file: No such file')",
            "failed when it was imported: the library libgomp.so.1 is missing",
            id="missing library",
        ),
        pytest.param(
            'raise ImportError("/lib/libc.so.6: version `GLIBC_2.38\' not found")',
            "failed when it was imported: its build needs GLIBC_2.38",
            id="C library too old",
        ),
        pytest.param(
            "import sys; sys.stderr.write('A module that was compiled using NumPy 1.x cannot be "
            "run in NumPy 2.4'); raise ImportError('numpy.core.multiarray failed to import')",
            "failed when it was imported: its build is for another numpy",
            id="numpy clash",
        ),
        pytest.param("raise SystemExit(3)", "failed when it was imported", id="leaves"),
        pytest.param("1 +", "failed when it was imported: SyntaxError", id="damaged file"),
        pytest.param("import os; os._exit(7)", "ended with exit code 7", id="says nothing"),
    ],
)
def test_an_engine_that_cannot_be_imported_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, finding: str
) -> None:
    install(tmp_path, monkeypatch, "onnxruntime", code)
    health = examine_engine("onnxruntime")
    assert finding in health["finding"]
    assert (health["works"], health["failed_step"]) == (False, "import")
    assert "\n" not in health["finding"]


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        pytest.param(
            "os.kill(os.getpid(), signal.SIGILL)",
            "died of SIGILL on a model of a few hundred bytes",
            id="illegal instruction",
        ),
        pytest.param(
            "raise RuntimeError('no kernel')", "failed on a model of a few hundred", id="refuses"
        ),
    ],
)
def test_an_engine_that_can_be_imported_may_still_fail_on_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, finding: str
) -> None:
    install(tmp_path, monkeypatch, "onnxruntime", STUB_ENGINE.format(line))
    health = examine_engine("onnxruntime")
    assert finding in health["finding"]
    assert (health["works"], health["failed_step"]) == (False, "model")


def test_a_package_that_writes_on_standard_output_confuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = "print('{\"step\": broken'); print('hello'); raise ImportError('blue')"
    install(tmp_path, monkeypatch, "onnxruntime", noise)
    assert examine_engine("onnxruntime")["finding"].endswith("ImportError: blue")


def test_opencv_with_windows_on_a_board_without_a_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "raise ImportError('libGL.so.1: cannot open shared object file: No such file')"
    install(tmp_path, monkeypatch, "cv2", code)
    health = examine_library("opencv-python-headless", "cv2")
    assert not health["works"]
    assert "libGL.so.1 is missing" in health["finding"]


def test_a_library_that_works_has_a_version() -> None:
    health = examine_library("numpy", "numpy")
    assert health["works"]
    assert health["version"]


def test_a_child_that_gives_no_answer_is_ended() -> None:
    code = "print('begun', flush=True); import time; time.sleep(600)"
    end = run_python(code, deadline_s=2.0)
    assert end.code is None
    assert end.output == "begun\n"


def test_a_child_searches_modules_where_this_process_does() -> None:
    end = run_python("print(json.dumps([sys.path, sys.argv[1:]]))", "word", deadline_s=60.0)
    assert json.loads(end.output) == [sys.path, ["word"]]
