"""Entries and journals that several tests share."""

import hashlib
import json
from pathlib import Path

from edge.kiosk.journal.bounds import JournalLimits
from edge.kiosk.journal.entry import DeviceState, JournalEntry
from edge.kiosk.journal.journal import Journal, Receipt
from edge.kiosk.journal.verify import Verification, verify_journal
from edge.kiosk.messages import LabelScore, Latency, ModelName, Output

SMALL = JournalLimits(segment_bytes=4096, min_free_bytes=0)
"""A few entries a segment."""


def answer(index: int = 0) -> JournalEntry:
    """An answer such as a kiosk gives."""
    return JournalEntry(
        kind="answer",
        model=ModelName("chest", "1.0", hashlib.sha256(b"model").hexdigest()),
        engine="onnxruntime",
        precision="int8",
        source_kind="camera",
        index=index,
        capture_time_ns=1_780_000_000_000_000_000 + index,
        input_digest=hashlib.sha256(str(index).encode()).hexdigest(),
        status="ok",
        outputs=(
            Output(
                "findings",
                "multilabel",
                (LabelScore("Ödem", 0.25), LabelScore("Mass", 0.5)),
                ("Mass",),
            ),
        ),
        latency_ns=Latency(infer=1_000_000, total=1_200_000),
        capture_to_answer_ns=3_000_000,
        device=DeviceState(temperature_c=51.5, is_throttled=False),
    )


def filled(folder: Path, count: int, limits: JournalLimits = SMALL) -> list[Receipt]:
    """Append answers to a journal and close it."""
    with Journal(folder, limits) as journal:
        return [journal.append(answer(index)) for index in range(count)]


def segments(folder: Path) -> list[Path]:
    """The segments of the newest chain, the oldest first."""
    return sorted(max(folder.glob("chain-*")).glob("*.jsonl"))


def stored_lines(folder: Path) -> list[dict]:
    """All lines of the newest chain."""
    data = b"".join(each.read_bytes() for each in segments(folder))
    return [json.loads(line) for line in data.splitlines()]


def check_whole(folder: Path, receipts: list[Receipt] | None = None) -> Verification:
    """Verify a journal that has to be whole."""
    found = verify_journal(folder, receipts or [])
    assert found.is_whole, [str(each) for each in found.breaks]
    return found
