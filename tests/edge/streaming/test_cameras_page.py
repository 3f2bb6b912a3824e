"""What docs/cameras.md shows works, and its limits are those of the code."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

import edge
from edge.streaming.frame_gates import GateLimits

PAGE = (Path(__file__).parents[3] / "docs" / "cameras.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_three_lines_print_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """As they stand, but for the bundle and the camera, and that they come to an end."""
    code = BLOCKS[0].replace('"film.edge"', "").replace("camera:0", "fake:pattern")
    assert code != BLOCKS[0]
    exec(code + "        break\n", {})  # noqa: S102 - it is our own page
    assert " ok " in capsys.readouterr().out


def test_the_settings_shown_give_a_stream() -> None:
    code = BLOCKS[1].replace('"film.edge"', "").replace("rtsp://10.0.0.7/stream", "fake:pattern")
    names: dict = {}
    exec(code.replace("print", "str"), names)  # noqa: S102 - it is our own page
    with names["model"], names["answers"] as answers:
        assert len(next(answers).result.digest) == 64


@pytest.mark.parametrize("field", fields(GateLimits), ids=lambda field: field.name)
def test_every_limit_and_its_default_are_on_the_page(field) -> None:
    assert f"`{field.name}={field.default:g}`" in PAGE


def test_every_python_block_compiles() -> None:
    assert len(BLOCKS) >= 3
    for block in BLOCKS:
        compile(block, "docs/cameras.md", "exec")
    assert edge.stream.__name__ == "stream"
