"""A live view on a terminal, and nothing at all elsewhere."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.live_view import NoView, make_view
from edge.model_loader import DEFAULT_BUNDLE

ROOT = Path(__file__).parents[2]


def test_what_is_no_terminal_is_shown_nothing() -> None:
    stream = io.StringIO()
    view = make_view(stream)
    assert isinstance(view, NoView)
    view.clear()
    assert stream.getvalue() == ""


@pytest.mark.skipif(
    not DEFAULT_BUNDLE.is_file(), reason=f"{DEFAULT_BUNDLE.name} has not been built yet"
)
def test_a_terminal_is_shown_what_happens_on_one_line_that_is_wiped_at_the_end() -> None:
    ours, theirs = pty.openpty()
    words = ("run", "--engine", "onnxruntime", "--threads", "1", "--cold-starts", "1")
    run = subprocess.Popen(
        [
            *(sys.executable, "-m", "benchmarks", *words),
            *("--min-duration", "1", "--sustained", "0.6"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        cwd=ROOT,
    )
    os.close(theirs)
    seen = _read_all(ours)
    assert run.wait() == 0
    assert "[1/1] int8 · onnxruntime · threads 1  cold start 0 of 1" in seen
    assert "timed" in seen
    assert " ms " in seen
    assert "\n" not in seen
    assert seen.endswith("\r\x1b[K")


def _read_all(descriptor: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(descriptor, 4096)
        except OSError:  # Linux says EIO once the other end is closed
            part = b""
        if not part:
            os.close(descriptor)
            return b"".join(parts).decode()
        parts.append(part)
