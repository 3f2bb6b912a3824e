"""Standard error is held back without losing a line that somebody wants."""

import os
import subprocess
import sys

import pytest

from edge.engines.native_messages import without_native_messages


def test_only_the_unwanted_line_is_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    with without_native_messages(b"INFO: noise"):
        os.write(2, b"INFO: noise about nothing\nERROR: true\n")
    os.write(2, b"INFO: noise later is none of its business\n")
    assert capfd.readouterr().err == "ERROR: true\nINFO: noise later is none of its business\n"


def test_an_error_inside_does_not_swallow_what_was_written(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def write_and_fail() -> None:
        with without_native_messages(b"INFO"):
            os.write(2, b"WARNING: first\n")
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        write_and_fail()
    assert capfd.readouterr().err == "WARNING: first\n"


def test_a_process_without_standard_error_loads_models_all_the_same() -> None:
    code = (
        "import os; os.close(2)\nimport edge\nprint(edge.load(engine='litert').parts.engine.name)"
    )
    ran = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert ran.stdout == b"litert\n"
