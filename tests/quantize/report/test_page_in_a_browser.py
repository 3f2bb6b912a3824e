"""The page in a real browser: it draws, in light and dark, and asks nobody for anything."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from report_samples import full_report

from quantize.report.html_page import render_html
from quantize.report.style import STYLE

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium: apt-get install chromium"),
]


def visit(page: Path, folder: Path, *options: str) -> tuple[np.ndarray, list[str]]:
    """Open a page; its picture (height, width, rgb), and what it asked the network for."""
    picture, log = folder / "page.png", folder / "network.json"
    subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={log}",
            "--net-log-capture-mode=Everything",
            "--window-size=1000,6000",
            f"--screenshot={picture}",
            *options,
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return cv2.cvtColor(cv2.imread(str(picture)), cv2.COLOR_BGR2RGB), requests_of_the_page(log)


def requests_of_the_page(log: Path) -> list[str]:
    """Addresses that the page caused; those of the browser itself belong to no page."""
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    known = [each.get("params", {}) for each in events]
    return [
        each["url"]
        for each in known
        if "file://" in each.get("network_isolation_key", "")
        and not each["url"].startswith("file:")
    ]


def colours(scheme: str) -> dict[str, tuple[int, int, int]]:
    """The style's colours by name, of the light or of the dark scheme."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    block = blocks[0 if scheme == "light" else 1]
    return {
        name: tuple(bytes.fromhex(value))
        for name, value in re.findall(r"--([a-z]+): #([0-9a-f]{6})", block)
    }


def pixels_of(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((picture == np.array(colour, np.uint8)).all(axis=2).sum())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_draws_its_plots_and_loads_nothing(scheme, tmp_path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_html(full_report()), encoding="utf-8")
    options = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    picture, requests = visit(page, tmp_path, *options)
    known = colours(scheme)
    assert requests == []
    assert tuple(picture[-1, 0]) == known["page"]
    for series in ("reference", "one", "two", "three"):
        assert pixels_of(picture, known[series]) > 1000, series


def test_a_page_that_does_load_something_is_noticed(tmp_path) -> None:
    """The control without which the test above would prove nothing."""
    page = tmp_path / "control.html"
    page.write_text('<img src="http://page.invalid/x.png">', encoding="utf-8")
    _, requests = visit(page, tmp_path)
    assert "http://page.invalid/x.png" in requests
