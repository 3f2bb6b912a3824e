"""Options that take numbers within limits, of every command."""

from collections.abc import Iterator

import click
import pytest

from benchmarks.cli import bench_group
from edge.cli import answer_command
from edge.kiosk.cli import kiosk_group
from quantize.cli import quantize_command


def ranges(command: click.Command) -> Iterator[tuple[click.Parameter, click.FloatRange]]:
    """Options of a command, and of the commands below it, that take a number within limits."""
    for each in command.params:
        if isinstance(each.type, click.FloatRange):
            yield each, each.type
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from ranges(below)


@pytest.mark.parametrize(
    "command",
    [answer_command, quantize_command, bench_group, kiosk_group],
    ids=["edge-run", "edge-quantize", "edge-bench", "edge-kiosk"],
)
def test_what_is_no_number_lies_within_no_limits(command: click.Command) -> None:
    """It would pass every comparison, and end in a traceback far from where it was written."""
    for option, numbers in ranges(command):
        with pytest.raises(click.BadParameter, match="is no number"):
            numbers.convert("nan", option, None)
