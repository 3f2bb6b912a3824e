"""A service that is killed at any instant loses at most what it had not acknowledged."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from journal_samples import check_whole
from killed_writer import LIMITS

from edge.kiosk.journal.journal import Journal, Receipt
from edge.kiosk.journal.verify import verify_journal

LIVES = 300


@pytest.mark.slow
def test_what_was_acknowledged_before_any_of_hundreds_of_kills_is_there(tmp_path):
    chance = random.Random(20260501)  # noqa: S311 - no secret
    folder = tmp_path / "j"
    told: list[Receipt] = []
    count = 0
    command = [sys.executable, str(Path(__file__).with_name("killed_writer.py")), str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as lives:
        for life in range(LIVES):
            # Every fourth is killed while it opens the journal, or soon after.
            before_ms = chance.uniform(0, 12) if life % 4 == 0 else -1
            lives.stdin.write(f"{before_ms} {chance.uniform(0, 35)}\n")
            lives.stdin.flush()
            latest = [
                Receipt(int(sequence), digest)
                for sequence, digest in map(str.split, json.loads(lives.stdout.readline()))
            ]
            told += latest
            count += len(latest)
            if folder.exists():
                Journal(folder, LIMITS).close()
                # All, of this life too, but for what the bounds have removed.
                found = verify_journal(folder)
                told = [each for each in told if each.sequence >= found.first_sequence]
                check_whole(folder, told)
    assert count > LIVES
    assert check_whole(folder, told).last_sequence >= max(each.sequence for each in told)
