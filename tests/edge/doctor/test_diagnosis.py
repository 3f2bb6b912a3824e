"""Real last words of packages, and the sentence that is made of each."""

import signal

import pytest

from edge.doctor.diagnosis import diagnose_message, diagnose_signal

NUMPY_2 = """
A module that was compiled using NumPy 1.x cannot be run in
NumPy 2.1.0 as it may crash. To support both 1.x and 2.x
versions of NumPy, modules must be compiled with NumPy 2.0.
Traceback (most recent call last):  File "<string>", line 1, in <module>
AttributeError: _ARRAY_API not found
ImportError: numpy.core.multiarray failed to import
"""


@pytest.mark.parametrize(
    ("message", "cause", "way_out"),
    [
        pytest.param(
            "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
            "libGL.so.1 is missing",
            "opencv-python-headless",
            id="OpenCV with windows",
        ),
        pytest.param(
            "ImportError: libopenblas.so.0: cannot open shared object file: No such file",
            "libopenblas.so.0 is missing",
            "apt-file search libopenblas.so.0",
            id="any library",
        ),
        pytest.param(
            "ImportError: /lib/aarch64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found "
            "(required by /x/_pywrap_tensorflow_interpreter_wrapper.so)",
            "its build needs GLIBC_2.34",
            "install an older version of thing",
            id="C library too old",
        ),
        pytest.param(
            "ImportError: /lib/libstdc++.so.6: version `GLIBCXX_3.4.30' not found",
            "its build needs GLIBCXX_3.4.30",
            "apt install libstdc++6",
            id="C++ library too old",
        ),
        pytest.param(NUMPY_2, "for another numpy", "install a newer thing", id="numpy 2"),
        pytest.param(
            "ValueError: numpy.dtype size changed, may indicate binary incompatibility. "
            "Expected 96 from C header, got 88 from PyObject",
            "for another numpy",
            "--force-reinstall thing numpy",
            id="numpy's dtype",
        ),
        pytest.param(
            "RuntimeError: NumPy was built with baseline optimizations: \n(X86_V2) but your "
            "machine doesn't support:\n(X86_V2).",
            "instructions that this processor lacks",
            "install an older version",
            id="baseline too new",
        ),
        pytest.param(
            "ImportError: /x/libgomp-d22c30c5.so.1.0.0: cannot allocate memory in static TLS block",
            "libgomp was loaded too late",
            "LD_PRELOAD=$(ldconfig -p | awk '/libgomp.so.1/ {print $NF; exit}')",
            id="static TLS",
        ),
        pytest.param(
            "ImportError: /x/onnxruntime_pybind11_state.so: cannot enable executable stack as "
            "shared object requires: Invalid argument",
            "wants an executable stack",
            "install a newer thing",
            id="executable stack",
        ),
        pytest.param(
            "<jemalloc>: Unsupported system page size",
            "memory pages of 4 KiB",
            "kernel=kernel8.img",
            id="large pages",
        ),
        pytest.param(
            "ImportError: /x/y.so: wrong ELF class: ELFCLASS32",
            "another kind of processor",
            "--force-reinstall thing",
            id="32 bit",
        ),
        pytest.param(
            "ImportError: /x/y.so: failed to map segment from shared object: not permitted",
            "noexec",
            "install it elsewhere",
            id="noexec",
        ),
        pytest.param(
            "ImportError: /x/y.so: undefined symbol: _ZN6google8protobuf",
            "undefined symbol _ZN6google8protobuf",
            "environment of its own",
            id="undefined symbol",
        ),
        pytest.param(
            "ModuleNotFoundError: No module named 'ai_edge_litert._pywrap'",
            "its part ai_edge_litert._pywrap is missing",
            "--force-reinstall thing",
            id="half installed",
        ),
        pytest.param(
            "terminate called after throwing an instance of 'std::bad_alloc'",
            "the memory does not suffice",
            "add swap",
            id="memory",
        ),
        pytest.param(
            "PermissionError: [Errno 13] Permission denied: '/usr/lib/python3/x.so'",
            "may not read /usr/lib/python3/x.so",
            "environment of its own",
            id="permission",
        ),
    ],
)
def test_last_words_become_a_cause_and_a_way_out(message: str, cause: str, way_out: str) -> None:
    sentence = diagnose_message(message, "thing")
    assert cause in sentence
    assert way_out in sentence
    assert "\n" not in sentence


def test_an_older_numpy_is_offered_only_where_it_has_a_wheel() -> None:
    assert diagnose_message(NUMPY_2, "thing", (3, 12)).endswith("or pip install 'numpy<2'")
    assert diagnose_message(NUMPY_2, "thing", (3, 13)).endswith("install a newer thing")


def test_a_package_that_ended_is_not_asked_to_be_newer() -> None:
    assert "install ai-edge-litert in its place" in diagnose_message(NUMPY_2, "tflite-runtime")


def test_unknown_last_words_are_passed_on() -> None:
    assert diagnose_message("Traceback\n  x\nOddError: blue\n\n", "thing") == "OddError: blue"
    assert len(diagnose_message("x" * 5000, "thing")) < 400
    assert "--force-reinstall thing" in diagnose_message(" \n", "thing")


def test_a_message_before_a_signal_outweighs_the_signal() -> None:
    said = "<jemalloc>: Unsupported system page size"
    assert "4 KiB" in diagnose_signal(signal.SIGABRT, said, "thing")
    assert "processor lacks" in diagnose_signal(signal.SIGILL, "", "thing")
    assert "another version" in diagnose_signal(signal.SIGXCPU, "", "thing")
