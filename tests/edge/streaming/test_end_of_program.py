"""A program that ends while its stream still infers ends in good order."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys, time
import edge

class Slow:
    def __init__(self, model):
        self.model = model
    def run(self, frame):
        until_s = time.monotonic() + 3.0  # longer than a stream waits when it is closed
        print("infers", flush=True)
        while time.monotonic() < until_s:
            result = self.model.run(frame)
        return result
    def no_result(self, frame, why):
        return self.model.no_result(frame, why)

stream = edge.stream(Slow(edge.load()), sys.argv[1])
input()
"""


@pytest.mark.slow
def test_an_inference_that_outlasts_the_program_does_not_abort_it() -> None:
    """Python 3.10 to 3.13 end a thread that comes back then; an engine's C++ does not stand it."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, f"fake:{ROOT / 'docs' / 'samples'}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "infers\n"
        _, errors = process.communicate("\n", timeout=100)
    assert (process.returncode, errors) == (0, "")
