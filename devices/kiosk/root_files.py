"""Files below a root folder: this machine's own `/`, or an image that is being made."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path, PurePosixPath

from devices.kiosk.receipt import content_digest
from devices.kiosk.setup_error import KioskSetupError, told_kindly

__all__ = ["RootFiles"]

_FOLDER_MODE = 0o755
_WAY_OUT = "see that it may be written and has room"


class RootFiles:
    """Reads and writes below one folder, and never outside of it.

    Args:
        root: the folder that a path's leading "/" stands for.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def locate(self, path: PurePosixPath) -> Path:
        """Where a path of the board is here.

        Raises:
            KioskSetupError: links on the way there lead out of the root.
        """
        place = self._root / str(path).lstrip("/")
        parent = place.parent.resolve()
        if parent != self._root and self._root not in parent.parents:
            raise KioskSetupError(
                f"{path} would lie outside of {self._root}: a folder on the way is a link to "
                f"{parent}; make the link relative"
            )
        return parent / place.name

    def exists(self, path: PurePosixPath) -> bool:
        """Whether something is there, be it a link that leads nowhere."""
        return os.path.lexists(self.locate(path))

    def read(self, path: PurePosixPath) -> bytes | None:
        """The content of a file; None where there is none.

        Raises:
            KioskSetupError: it cannot be read.
        """
        with told_kindly(f"read {path}", "see that it may be read"):
            try:
                return self.locate(path).read_bytes()
            except FileNotFoundError:
                return None

    def digest(self, path: PurePosixPath) -> str | None:
        """As `content_digest` has it; None where nothing is there.

        Raises:
            KioskSetupError: it cannot be read.
        """
        place = self.locate(path)
        with told_kindly(f"read {path}", "see that it may be read"):
            if place.is_symlink():
                return content_digest(os.fsencode(place.readlink()), is_link=True)
            if place.is_file():
                return content_digest(place.read_bytes(), is_link=False)
        return "" if place.exists() else None

    def missing_folders(self, path: PurePosixPath) -> list[PurePosixPath]:
        """Folders above a path that are not there, outermost first."""
        # The last of the parents is "/", which is there.
        above = reversed(path.parents[:-1])
        return [each for each in above if not self.locate(each).is_dir()]

    def write(self, path: PurePosixPath, content: bytes, mode: int) -> None:
        """Put a file in its place, whole or not at all; folders are made.

        Raises:
            KioskSetupError: it cannot be written; what was there is untouched.
        """
        with told_kindly(f"write {path}", _WAY_OUT):
            place = self._made_way(path)
            descriptor, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    os.fchmod(file.fileno(), mode)
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(place)
            except OSError:
                with contextlib.suppress(OSError):
                    Path(temporary).unlink()
                raise
            _sync(place.parent)

    def link(self, path: PurePosixPath, target: bytes) -> None:
        """Put a symbolic link in its place.

        Raises:
            KioskSetupError: it cannot be made; what was there is untouched.
        """
        with told_kindly(f"write {path}", _WAY_OUT):
            place = self._made_way(path)
            temporary = place.with_name(f".{place.name}.new")
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
            temporary.symlink_to(os.fsdecode(target))
            temporary.replace(place)
            _sync(place.parent)

    def set_aside(self, path: PurePosixPath) -> PurePosixPath:
        """Rename a file so that nothing uses it and nothing is lost.

        Returns:
            Its new path.

        Raises:
            KioskSetupError: it cannot be renamed.
        """
        saved, number = path.with_name(f"{path.name}.saved"), 1
        while self.exists(saved):
            number += 1
            saved = path.with_name(f"{path.name}.saved{number}")
        with told_kindly(f"rename {path}", _WAY_OUT):
            self.locate(path).rename(self.locate(saved))
        return saved

    def remove(self, path: PurePosixPath) -> None:
        """Remove a file or link, where it is there.

        Raises:
            KioskSetupError: it cannot be removed.
        """
        with told_kindly(f"remove {path}", _WAY_OUT), contextlib.suppress(FileNotFoundError):
            self.locate(path).unlink()

    def remove_folder(self, path: PurePosixPath) -> bool:
        """Remove a folder where it is empty, and say whether it was."""
        try:
            self.locate(path).rmdir()
        except OSError:
            return False
        return True

    def remove_tree(self, path: PurePosixPath) -> None:
        """Remove a folder with all that is in it, where it is there.

        Raises:
            KioskSetupError: it cannot be removed.
        """
        with told_kindly(f"remove {path}", _WAY_OUT), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.locate(path))

    def _made_way(self, path: PurePosixPath) -> Path:
        place = self.locate(path)
        for folder in self.missing_folders(path):
            here = self.locate(folder)
            here.mkdir()
            here.chmod(_FOLDER_MODE)
        return place


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
