"""Lays planned files down, and takes away again what a receipt names.

What somebody has changed is never lost: it is renamed to NAME.saved. At every instant the receipt
names all that was laid down, so either may be interrupted and run again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from devices.kiosk.installation_plan import STATE_FOLDER, PlannedFile
from devices.kiosk.receipt import (
    RECEIPT_FILE,
    Receipt,
    content_digest,
    receipt_from_json,
    receipt_to_json,
)
from devices.kiosk.root_files import RootFiles

__all__ = ["Step", "lay_down", "read_receipt", "take_away"]

StepKind = Literal["unchanged", "written", "replaced", "set_aside", "removed"]
_RECEIPT_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Step:
    """What is done to one path.

    Attributes:
        kind: "unchanged"; "written"; "replaced": it was ours; "set_aside": somebody had changed
            it, the changed file was renamed; "removed".
        path: which, as the board sees it.
        saved: where a file that was set aside is now; None in a rehearsal.
    """

    kind: StepKind
    path: PurePosixPath
    saved: PurePosixPath | None = None


def read_receipt(root: Path) -> Receipt | None:
    """The receipt of what is installed below `root`; None where nothing is.

    Raises:
        KioskSetupError: it is damaged.
    """
    data = RootFiles(root).read(RECEIPT_FILE)
    return None if data is None else receipt_from_json(data)


def lay_down(
    root: Path, files: Sequence[PlannedFile], *, version: str, is_rehearsal: bool = False
) -> tuple[Step, ...]:
    """Lay files down, over an earlier installation or not; what that had beyond them is removed.

    Args:
        root: what the files' leading "/" stands for.
        files: all that are to be there.
        version: of edgedx, for the receipt.
        is_rehearsal: only say what would be done.

    Raises:
        KioskSetupError: a file cannot be read or written; running it again goes on.
    """
    on_board = RootFiles(root)
    old = read_receipt(root) or Receipt()
    new = _new_receipt(on_board, old, files, version)
    leaving = [path for path in old.digests if path not in new.digests]
    if not is_rehearsal:
        _write_receipt(on_board, _either(old, new))
    steps = [_lay_one(on_board, file, old, is_rehearsal=is_rehearsal) for file in files]
    steps += [_take_one(on_board, path, old, is_rehearsal=is_rehearsal) for path in leaving]
    if not is_rehearsal:
        _write_receipt(on_board, new)
    return tuple(steps)


def take_away(
    root: Path, *, is_purge: bool = False, is_rehearsal: bool = False
) -> tuple[Step, ...]:
    """Take away what the receipt names.

    Args:
        root: as for `lay_down`.
        is_purge: also what was changed, and the state: models, journal, logs.
        is_rehearsal: only say what would be done.

    Returns:
        What was done; nothing where nothing was installed.

    Raises:
        KioskSetupError: a file cannot be removed, or the receipt is damaged.
    """
    on_board = RootFiles(root)
    receipt = read_receipt(root)
    steps = []
    if receipt is not None:
        steps = [
            _take_one(on_board, path, receipt, is_purge=is_purge, is_rehearsal=is_rehearsal)
            for path in reversed(receipt.digests)
        ]
        if not is_rehearsal:
            on_board.remove(RECEIPT_FILE)
            for folder in reversed(receipt.folders):
                on_board.remove_folder(folder)
    if is_purge and on_board.exists(STATE_FOLDER):
        if not is_rehearsal:
            on_board.remove_tree(STATE_FOLDER)
        steps.append(Step("removed", STATE_FOLDER))
    return tuple(steps)


def _new_receipt(
    on_board: RootFiles, old: Receipt, files: Sequence[PlannedFile], version: str
) -> Receipt:
    folders = dict.fromkeys(old.folders)
    for path in (RECEIPT_FILE, *(file.path for file in files)):
        folders |= dict.fromkeys(on_board.missing_folders(path))
    return Receipt(
        version=version,
        digests={file.path: (_pristine_digest(file),) for file in files},
        folders=tuple(sorted(folders, key=lambda folder: len(folder.parts))),
    )


def _pristine_digest(file: PlannedFile) -> str:
    content = file.content if file.pristine is None else file.pristine
    return content_digest(content, is_link=file.is_link)


def _either(old: Receipt, new: Receipt) -> Receipt:
    """What is true while files are being replaced."""
    digests = dict(new.digests)
    for path, known in old.digests.items():
        digests[path] = tuple(dict.fromkeys((*known, *new.digests.get(path, ()))))
    return dataclasses.replace(new, digests=digests)


def _write_receipt(on_board: RootFiles, receipt: Receipt) -> None:
    on_board.write(RECEIPT_FILE, receipt_to_json(receipt), _RECEIPT_MODE)


def _lay_one(on_board: RootFiles, file: PlannedFile, old: Receipt, *, is_rehearsal: bool) -> Step:
    path, present = file.path, on_board.digest(file.path)
    if present == content_digest(file.content, is_link=file.is_link):
        return Step("unchanged", path)
    is_ours = file.keeps_changes or present in old.digests.get(path, ())
    step = Step("written" if present is None else "replaced" if is_ours else "set_aside", path)
    if is_rehearsal:
        return step
    if step.kind == "set_aside":
        step = dataclasses.replace(step, saved=on_board.set_aside(path))
    if file.is_link:
        on_board.link(path, file.content)
    else:
        on_board.write(path, file.content, file.mode)
    return step


def _take_one(
    on_board: RootFiles,
    path: PurePosixPath,
    receipt: Receipt,
    *,
    is_purge: bool = False,
    is_rehearsal: bool,
) -> Step:
    present = on_board.digest(path)
    if present is None or is_purge or present in receipt.digests[path]:
        if not is_rehearsal:
            on_board.remove(path)
        return Step("removed", path)
    saved = None if is_rehearsal else on_board.set_aside(path)
    return Step("set_aside", path, saved)
