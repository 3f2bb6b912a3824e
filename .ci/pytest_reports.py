#!/usr/bin/env python3
"""Reads pytest's JUnit reports for `.ci/run`.

pytest_reports.py tally REPORT...   prints two numbers: tests that passed, tests that failed
pytest_reports.py ran REPORT        fails where a test named on standard input did not pass
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from pathlib import Path

Case = tuple[str, str]


def read_cases(report: Path) -> Iterator[tuple[Case, str]]:
    """Every test of a report with what became of it: "passed", "skipped" or "failed"."""
    for element in ET.parse(report).iter("testcase"):  # noqa: S314  # pytest wrote it a moment ago
        tags = {child.tag for child in element}
        outcome = "failed" if tags & {"failure", "error"} else "passed"
        if "skipped" in tags:
            outcome = "skipped"
        yield (element.get("classname", ""), element.get("name", "")), outcome


def case_of(node_id: str) -> Case:
    """Tell the report's name: tests/a/test_b.py::TestC::test_d is tests.a.test_b.TestC, test_d."""
    path, *classes, name = node_id.split("::")
    return ".".join([path.removesuffix(".py").replace("/", "."), *classes]), name


def tally(reports: Iterable[Path]) -> str:
    """Count passed and failed tests in whole reports; a pytest that dies leaves half of one."""
    outcomes: list[str] = []
    for report in reports:
        try:
            outcomes += [outcome for _, outcome in read_cases(report)]
        except (OSError, ET.ParseError) as error:
            sys.stderr.write(f"{report.name} is not counted: {error}\n")
    return f"{outcomes.count('passed')} {outcomes.count('failed')}"


def find_missing(report: Path, node_ids: Iterable[str]) -> list[str]:
    """Those of the named tests that did not pass, with what the report says of them."""
    outcomes = dict(read_cases(report))
    named = [(node_id, outcomes.get(case_of(node_id), "left out")) for node_id in node_ids]
    return [f"{outcome}: {node_id}" for node_id, outcome in named if outcome != "passed"]


def main(words: list[str]) -> int:
    """Run one of the two commands."""
    command, *reports = words
    if command == "tally":
        print(tally(Path(report) for report in reports))  # noqa: T201
        return 0
    missing = find_missing(Path(reports[0]), sys.stdin.read().splitlines())
    sys.stderr.writelines(f"{line}\n" for line in missing)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
