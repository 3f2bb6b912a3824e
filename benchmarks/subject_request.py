"""What the command and the measuring process tell each other, as files in one folder.

The command writes `request.json`; the measuring process appends its answers to `answers.bin` and
rewrites `facts.json` after every step. Whatever ends the process, what it had found is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks.atomic_file import write_file
from benchmarks.environment import MachineState
from benchmarks.records.measurement import MemoryUse, OwnCost, TruthCheck
from benchmarks.records.record import RunSettings

__all__ = [
    "SubjectFacts",
    "SubjectRequest",
    "answers_path",
    "read_facts",
    "read_request",
    "write_facts",
    "write_request",
]


@dataclass(frozen=True, slots=True)
class SubjectRequest:
    """What to measure, and how.

    Attributes:
        model: a bundle or a bare model file; "" for the bundle that comes with edgedx.
        artifact: the file in the bundle; "" for a bare model file.
        engine: "onnxruntime" or "litert".
        threads: inside one inference.
        is_engine_only: tensors go to the engine, no pipeline around it.
        inputs: files that are answered for; none for random tensors.
        golden: files of the bundle's golden examples, in their order.
        settings: how.
        root: where the machine's `proc` and `sys` are.
    """

    model: str
    artifact: str
    engine: str
    threads: int
    is_engine_only: bool
    inputs: tuple[str, ...]
    golden: tuple[str, ...]
    settings: RunSettings
    root: str = "/"


@dataclass(slots=True)
class SubjectFacts:
    """What the measuring process has found so far; see `benchmarks.records.measurement`.

    Attributes:
        step: what it is doing, in words.
        failure: why it ended early; "" where it did not.
        exit_code: of the error that ended it, as in `edge.errors`; 0 where none did.
        is_stopped: it was told to end.
        is_complete: it came to its end.
        kept_every: by phase, where its answers were thinned; see `AnswerSamples`.
        random_sha256: digests of random tensors, one an input; none where there are none.
    """

    step: str = "starting"
    failure: str = ""
    exit_code: int = 0
    is_stopped: bool = False
    is_complete: bool = False
    engine_version: str = ""
    random_sha256: tuple[str, ...] = ()
    load_ns: int | None = None
    first_answer_ns: int | None = None
    origin_ns: int | None = None
    is_settled: bool | None = None
    is_rate_kept: bool | None = None
    kept_every: dict[str, int] = field(default_factory=dict)
    before: MachineState | None = None
    after: MachineState | None = None
    memory: MemoryUse | None = None
    truth: TruthCheck | None = None
    own_cost: OwnCost | None = None


def answers_path(folder: Path) -> Path:
    """Where the answers are spooled."""
    return folder / "answers.bin"


def write_request(folder: Path, request: SubjectRequest) -> None:
    """Ask for a measurement."""
    write_file(folder / "request.json", msgspec.json.encode(request))


def read_request(folder: Path) -> SubjectRequest:
    """What was asked for."""
    return msgspec.json.decode((folder / "request.json").read_bytes(), type=SubjectRequest)


def write_facts(folder: Path, facts: SubjectFacts) -> None:
    """Say what was found so far.

    Raises:
        OutputError: the disk is full.
    """
    write_file(folder / "facts.json", msgspec.json.encode(facts))


def read_facts(folder: Path) -> SubjectFacts:
    """What was found so far; nothing yet where the process has said nothing."""
    try:
        data = (folder / "facts.json").read_bytes()
    except FileNotFoundError:
        return SubjectFacts()
    return msgspec.json.decode(data, type=SubjectFacts)
