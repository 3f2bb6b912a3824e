"""`edge-bench compare`: arguments, output and gate."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.command_line import NumberRange
from edge.errors import UsageError

if TYPE_CHECKING:
    from benchmarks.comparison.compare import Comparison

__all__ = ["command"]


@click.command("compare")
@click.argument("records", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--fail-above",
    type=NumberRange(min=1.0),
    metavar="RATIO",
    help="Exit with 1 where a median is surely slower, by more than this ratio, or where "
    "something could not be compared.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="CONDITION",
    help="Compare although this condition differs; as often as wanted.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, metavar="N")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a pair.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(
    *, records: tuple[Path, ...], fail_above: float | None, allow: tuple[str, ...], **options: int
) -> int:
    """Compare two or more records: each of the others with the first.

    Ratios above 1: slower than the first. Records of unlike conditions (another board, governor,
    load, input) are refused, and which condition it is is said.
    """
    from benchmarks.comparison.compare import (
        NamedMeasurement,
        choose_pairs,
        compare_pair,
        is_slower,
        unmatched,
    )
    from benchmarks.comparison.report import format_comparison
    from benchmarks.records.record_file import read_record

    if len(records) < 2:  # noqa: PLR2004 - a comparison takes two
        raise UsageError(f"{len(records)} records given; name at least two, the measure first")
    named = []
    for path in records:
        record = read_record(path)
        named.append([NamedMeasurement(path.name, record, each) for each in record.measurements])
    found: list[Comparison] = []
    alone: list[str] = []
    for other in named[1:]:
        pairs = choose_pairs(named[0], other)
        alone += unmatched(named[0], other, pairs)
        found += [compare_pair(*pair, allow=allow, seed=options["seed"]) for pair in pairs]
    for each in found:
        if options["as_json"]:
            values = {"schema_version": 1, **dataclasses.asdict(each)}
            click.echo(json.dumps(values))
        else:
            click.echo("\n".join(format_comparison(each)))
    for title in alone:
        click.echo(f"compared with nothing: {title}", err=True)
    if fail_above is None:
        return 0
    failed = [each for each in found if is_slower(each, fail_above)]
    for each in failed:
        words = f"more than {fail_above:g} times slower" if each.ratios else "without a ratio"
        click.echo(f"FAILED: {each.second} is {words}", err=True)
    return 1 if failed or alone else 0
