"""What stands at a bundle's path: a folder, a zip file, or something to refuse."""

from __future__ import annotations

import os
import stat

from edge.bundle.bundle_files import OPEN_FLAGS, BundleFiles
from edge.bundle.faults import reason
from edge.bundle.folder_files import FolderFiles, list_folder
from edge.bundle.zip_files import ZipFiles, read_entries
from edge.errors import BundleError

__all__ = ["open_files"]


def open_files(path: str | os.PathLike[str]) -> BundleFiles:
    """Open a folder, or a zip file whose entries are stored.

    Raises:
        BundleError: there is nothing at `path`, it may not be read, it is neither a folder nor
            such a zip file, or it holds what a bundle may not hold.
    """
    location = os.fspath(path)
    try:
        descriptor = os.open(location, OPEN_FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError("no such bundle; give a bundle's folder or its .edge file") from None
    except OSError as error:
        raise BundleError(f"cannot be opened: {reason(error)}") from error
    except ValueError as error:  # a NUL in the path
        raise BundleError(f"cannot be opened: {error}") from error
    try:
        return _open_descriptor(descriptor)
    except OSError as error:
        os.close(descriptor)
        raise BundleError(f"cannot be read: {reason(error)}; copy the bundle again") from error
    except BaseException:
        os.close(descriptor)
        raise


def _open_descriptor(descriptor: int) -> BundleFiles:
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        return FolderFiles(descriptor, list_folder(descriptor))
    if stat.S_ISREG(status.st_mode):
        return ZipFiles(descriptor, read_entries(descriptor, status.st_size))
    raise BundleError("neither a folder nor a file; give a bundle's folder or its .edge file")
