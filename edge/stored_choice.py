"""Which file, engine and threads are fastest on this very machine, as `edge-bench choose` found.

One JSON file a model, named by the model's digest, in the user's state folder (XDG Base Directory
Specification 0.8). A choice holds for the conditions under which it was made: board, processors,
versions. Under any other it is not used, and the reason is said.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from edge.engines.threads import available_processors

__all__ = [
    "STATE_FOLDER_VARIABLE",
    "Choice",
    "ChoiceBook",
    "choice_conditions",
    "choice_to_json",
    "choices_folder",
]

STATE_FOLDER_VARIABLE: Final = "EDGEDX_STATE_DIR"
"""Environment variable that names another state folder, such as a writable one in a kiosk."""

_PACKAGES = ("edgedx", "numpy", "onnxruntime", "ai-edge-litert", "tflite-runtime")
_MAX_BYTES = 65536
_SCHEMA_VERSION = 1


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fastest way to run one model here.

    Attributes:
        schema_version: of this form, 1.
        digest: of the model, as `edge.ModelIdentity` has it.
        artifact: path of the model file in its bundle.
        engine: that runs it.
        precision: of it.
        threads: inside one inference.
        median_ns: of a whole answer when it was chosen.
        conditions: as `choice_conditions` gave them then.
    """

    schema_version: int
    digest: str
    artifact: str
    engine: str
    precision: str
    threads: int
    median_ns: int
    conditions: dict[str, str]


def choices_folder() -> Path:
    """Where choices are kept; the folder need not exist."""
    named = os.environ.get(STATE_FOLDER_VARIABLE)
    if named:
        return Path(named) / "choices"
    state = os.environ.get("XDG_STATE_HOME") or ""
    # The specification: a relative path there is to be ignored.
    root = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return root / "edgedx" / "choices"


def choice_conditions(board: str) -> dict[str, str]:
    """What a choice depends on, as it is now.

    Args:
        board: what this machine calls itself, "" where nobody asked.
    """
    # Here: it costs a start of edge-run more than all else in this module, and few need it.
    from importlib import metadata

    found = {
        "board": board,
        "architecture": platform.machine(),
        "processors": str(available_processors()),
    }
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def choice_to_json(choice: Choice) -> bytes:
    """As `ChoiceBook` reads it."""
    return msgspec.json.format(msgspec.json.encode(choice), indent=1) + b"\n"


@dataclass(frozen=True, slots=True)
class ChoiceBook:
    """The choices that were made on this machine.

    Attributes:
        folder: where they are kept.
        board: what this machine calls itself.
    """

    folder: Path
    board: str

    def path(self, digest: str) -> Path:
        """Where the choice for a model stands."""
        return self.folder / f"{digest}.json"

    def find(self, digest: str) -> tuple[Choice | None, str]:
        """The choice for a model, where it holds now.

        Args:
            digest: of the model, in hex.

        Returns:
            The choice, or None with the reason in one line; "" where none was ever made.
        """
        path = self.path(digest)
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return None, ""
        except OSError as error:
            return None, f"cannot read the choice {path}: {error.strerror}"
        try:
            choice = msgspec.json.decode(data[:_MAX_BYTES], type=Choice)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return None, f"the choice {path} is damaged ({error}); run edge-bench choose again"
        if choice.schema_version != _SCHEMA_VERSION or choice.digest != digest:
            return None, f"the choice {path} is of another form; run edge-bench choose again"
        changed = _change(choice.conditions, choice_conditions(self.board))
        if changed:
            return None, f"the stored choice is not used: {changed}; run edge-bench choose again"
        return choice, ""


def _change(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    for name in (*now, *then):
        if then.get(name) != now.get(name):
            return f"{name} was {then.get(name, 'absent')} and is {now.get(name, 'absent')}"
    return ""
