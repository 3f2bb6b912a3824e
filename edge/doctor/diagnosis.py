"""What the last words of a package that fails mean, and the way out."""

from __future__ import annotations

import re
import signal
import sys
from dataclasses import dataclass

__all__ = ["diagnose_message", "diagnose_signal", "signal_name"]


@dataclass(frozen=True, slots=True)
class _Symptom:
    """A message as the loader, numpy or a package writes it, and what to tell instead.

    Attributes:
        pattern: of the message; its groups may stand in the sentence as {0}, {1}, ...
        sentence: cause and way out; {package} is what was tried, {newer} what came after it.
    """

    pattern: str
    sentence: str


# The first that fits is told, so the exact ones come before the general.
_SYMPTOMS = (
    _Symptom(
        r"version [`']?(GLIBC_[\d.]+)'? not found",
        "its build needs {0}, which is newer than this system's C library; install an older "
        "version of {package}, or a newer system",
    ),
    _Symptom(
        r"version [`']?((?:GLIBCXX|CXXABI)_[\d.]+)'? not found",
        "its build needs {0}, which this system's libstdc++ lacks; sudo apt install libstdc++6, "
        "or install an older version of {package}",
    ),
    _Symptom(
        r"(libGL\.so\.1|libgthread-2\.0\.so\.0|libSM\.so\.6|libXext\.so\.6): cannot open",
        "{0} is missing, which the OpenCV with windows wants; pip uninstall opencv-python "
        "opencv-contrib-python, then pip install --force-reinstall opencv-python-headless",
    ),
    _Symptom(
        r"libgomp[^\s:]*: cannot allocate memory in static TLS block",
        "libgomp was loaded too late; export LD_PRELOAD=$(ldconfig -p | awk '/libgomp.so.1/ "
        "{{print $NF; exit}}') before the program",
    ),
    _Symptom(
        r"(lib[\w.+-]+\.so[\d.]*): cannot open shared object file",
        "the library {0} is missing; install the system package that holds it "
        "(apt-file search {0})",
    ),
    _Symptom(
        r"compiled using NumPy 1\.|_ARRAY_API not found|numpy\.core\.multiarray failed to import"
        r"|compiled against ABI version|compiled against API version",
        "its build is for another numpy than the one installed; install {newer}{older_numpy}",
    ),
    _Symptom(
        r"numpy\.(?:dtype|ndarray|ufunc) size changed",
        "its build is for another numpy than the one installed; "
        "pip install --force-reinstall {package} numpy",
    ),
    _Symptom(
        r"built with baseline optimizations",
        "its build uses instructions that this processor lacks; install an older version of "
        "{package}, or the one of the system (sudo apt install python3-numpy)",
    ),
    _Symptom(
        r"cannot enable executable stack",
        "its build wants an executable stack, which this system's C library refuses; install "
        "{newer}",
    ),
    _Symptom(
        r"[Uu]nsupported system page size",
        "its build is for memory pages of 4 KiB and this kernel has larger ones; install "
        "{newer}, or on a Raspberry Pi 5 write kernel=kernel8.img to config.txt",
    ),
    _Symptom(
        r"wrong ELF class|invalid ELF header|[Ee]xec format error",
        "its build is for another kind of processor; pip install --force-reinstall {package}",
    ),
    _Symptom(
        r"failed to map segment from shared object",
        "it lies on a file system that runs no programs (noexec); install it elsewhere",
    ),
    _Symptom(
        r"undefined symbol: (\S+)",
        "it does not fit a library that it finds here (undefined symbol {0}); "
        "pip install --force-reinstall {package}, in an environment of its own",
    ),
    _Symptom(
        r"No module named '([\w.]+)'",
        "its part {0} is missing; pip install --force-reinstall {package}",
    ),
    _Symptom(
        r"MemoryError|std::bad_alloc|[Cc]annot allocate memory",
        "the memory does not suffice; close other programs or add swap",
    ),
    _Symptom(r"[Nn]o space left on device", "the disk is full; free some of it"),
    _Symptom(
        r"[Pp]ermission denied: '?([^'\n]+)'?",
        "this user may not read {0}; install it for this user, in an environment of its own",
    ),
)

_SIGNALS = {
    "SIGILL": "its build uses instructions this processor lacks; install another version of it",
    "SIGSEGV": "it crashed; install another version of it",
    "SIGABRT": "it gave up; install another version of it",
    "SIGBUS": "it crashed on memory access; check the disk and the memory",
    "SIGFPE": "it crashed on arithmetic; install another version of it",
    "SIGKILL": "it was killed, most likely for lack of memory; close other programs or add swap",
    "SIGSYS": "the system forbids a call that it makes; run it outside the sandbox",
}
# Packages that have no newer version.
_SUCCESSORS = {"tflite-runtime": "ai-edge-litert in its place"}
_MOST_CHARACTERS = 300
# numpy 1.26.4, the last before 2, has wheels up to this Python.
_LAST_OF_NUMPY_1 = (3, 12)


def diagnose_message(
    message: str, package: str, python: tuple[int, ...] = sys.version_info[:2]
) -> str:
    """Turn what a package said when it failed into one line with the way out.

    Args:
        message: an exception's text, and what was written to standard error.
        package: name of the package that was tried.
        python: version of the Python that tried it.

    Returns:
        The cause and the way out where the message is known; else its last line.
    """
    known = _known(message, package, python)
    if known:
        return known
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if not lines:
        return f"it said nothing; pip install --force-reinstall {package}"
    last = lines[-1]
    return last if len(last) <= _MOST_CHARACTERS else last[:_MOST_CHARACTERS] + " ..."


def diagnose_signal(number: int, messages: str, package: str) -> str:
    """Turn the death by a signal into one line with the way out.

    Args:
        number: the signal's.
        messages: what was written to standard error before.
        package: name of the package that was tried.

    Returns:
        What the messages say where they are known; else what such a death usually means.
    """
    usual = _SIGNALS.get(signal_name(number), "it crashed; install another version of it")
    return _known(messages, package, sys.version_info[:2]) or usual


def _known(message: str, package: str, python: tuple[int, ...]) -> str | None:
    for symptom in _SYMPTOMS:
        found = re.search(symptom.pattern, message)
        if found:
            newer = _SUCCESSORS.get(package, f"a newer {package}")
            older_numpy = ", or pip install 'numpy<2'" if python <= _LAST_OF_NUMPY_1 else ""
            return symptom.sentence.format(
                *found.groups(), package=package, newer=newer, older_numpy=older_numpy
            )
    return None


def signal_name(number: int) -> str:
    """SIGILL for 4, and so on."""
    names = {each.value: each.name for each in signal.Signals}
    return names.get(number, f"signal {number}")
