"""A report as files: JSON with a version, and the page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from edge.errors import OutputError
from quantize.report.html_page import render_html
from quantize.report.model import QuantizationReport

__all__ = ["SCHEMA_VERSION", "report_to_json", "write_report"]

SCHEMA_VERSION = 1
"""Fields are only ever added under one version."""


def report_to_json(report: QuantizationReport) -> bytes:
    """The report as UTF-8 JSON, indented; the same bytes for the same report.

    Every field stands under its name in `QuantizationReport`; a figure that is no number is null.
    """
    content: dict[str, Any] = {"schema_version": SCHEMA_VERSION}
    # Encoding turns NaN into null; decoding once more keeps the fields' order.
    content.update(msgspec.json.decode(msgspec.json.encode(report)))
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def write_report(
    report: QuantizationReport, *, html: Path | None = None, json: Path | None = None
) -> None:
    """Write the page, the JSON, or both, each whole or not at all.

    Raises:
        OutputError: a file cannot be written.
    """
    if html is not None:
        _write(html, render_html(report).encode("utf-8"))
    if json is not None:
        _write(json, report_to_json(report))


def _write(path: Path, content: bytes) -> None:
    # Always the same name: what a killed run left behind is taken up by the next.
    aside = path.with_name(f".{path.name}.part")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise OutputError(
            f"cannot write report {path}: {error.strerror or error}; choose another place"
        ) from error
