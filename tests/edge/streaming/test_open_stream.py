"""`edge.stream`: the short way in."""

import subprocess
import sys

import pytest

import edge
from edge.errors import UsageError
from edge.streaming.answer_stream import StreamSettings
from edge.streaming.frame_policy import FramePolicy


@pytest.fixture(scope="module")
def model():
    with edge.load() as model:
        yield model


def test_three_lines_answer_for_a_camera(model: edge.Model) -> None:
    with edge.stream(model, "fake:pattern") as answers:
        answer = next(answers)
    assert answer.result.status == "ok"
    assert answer.result.top.label
    assert answer.frame.source.startswith("fake:pattern")
    assert answer.result.capture_monotonic_ns == answer.frame.capture_monotonic_ns > 0


def test_the_policy_can_be_written_as_text_beside_other_settings(model: edge.Model) -> None:
    settings = StreamSettings(FramePolicy("every"), digests=True)
    with edge.stream(model, "fake:pattern?fps=100", policy="nth:7", settings=settings) as answers:
        found = [next(answers).result for _ in range(3)]
    assert len({result.index // 7 for result in found}) == 3
    assert all(len(result.digest) == 64 for result in found)
    with pytest.raises(UsageError, match="newest, every"):
        edge.stream(model, "fake:pattern", policy="oldest")


def test_an_address_that_means_nothing_is_said_by_the_first_answer(model: edge.Model) -> None:
    with edge.stream(model, "camera:first") as answers, pytest.raises(UsageError):
        next(answers)


@pytest.mark.parametrize("ending", ["", "raise SystemExit(0)", "del answers"])
def test_a_program_that_ends_without_closing_its_stream_ends_in_peace(ending: str) -> None:
    code = (
        "import edge\n"
        "answers = edge.stream(edge.load(), 'fake:pattern')\n"
        f"print(next(answers).result.status)\n{ending}\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "ok\n", "")
