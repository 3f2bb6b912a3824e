"""docs/kiosk.md says what the service does."""

import re
from pathlib import Path

import pytest

from edge.kiosk.serve_command import command
from edge.kiosk.service import event_log, journal_link, uploads
from edge.kiosk.service.settings import WorkerLimits
from edge.kiosk.worker import watched_model

DOCS = Path(__file__).parents[4] / "docs"
PAGE = (DOCS / "kiosk.md").read_text(encoding="utf-8")


def test_every_option_is_named():
    named = set(re.findall(r"--[a-z-]+", PAGE))
    options = {name for each in command.params for name in each.opts} - {"--debug"}
    assert options - named == set()


@pytest.mark.parametrize(
    "words",
    [
        f"`--infer-timeout` ({WorkerLimits().infer_s:g} s)",
        f"`--start-timeout` ({WorkerLimits().start_s:g} s)",
        f"says nothing for {WorkerLimits().silence_s:g} s",
        f"more than {WorkerLimits().abandoned_threads} threads",
        f"longer than {journal_link.DURABLE_WITHIN_S:g} s",
        f"last {event_log.MOST_EVENTS} events",
        f"after {watched_model.MOST_FAILURES} in a row",
        f"Uploads: {uploads.MOST_WAITING} may wait",
    ],
)
def test_its_numbers_are_those_of_the_service(words):
    assert words in PAGE


def test_the_commands_own_defaults_are_the_settings_own():
    defaults = {each.name: each.default for each in command.params}
    limits = WorkerLimits()
    assert (defaults["infer_timeout"], defaults["start_timeout"]) == (
        limits.infer_s,
        limits.start_s,
    )


def test_every_page_it_names_is_there():
    assert [
        name for name in re.findall(r"\]\(([a-z-]+\.md)\)", PAGE) if not (DOCS / name).exists()
    ] == []
