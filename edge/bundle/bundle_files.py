"""The files of a bundle, whether they lie in a folder or in one `.edge` file.

Nothing here trusts what it reads: names and sizes are checked before any content is, links and
special files are refused, and a file is never followed out of the bundle. Content is read by
position (`pread`) and not mapped: that is one copy too, and a file that another program cuts short
meanwhile gives an error where a mapping would kill the process (SIGBUS).
"""

from __future__ import annotations

import hashlib
import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType

from edge.bundle.faults import reason, shown
from edge.errors import BundleError

__all__ = ["OPEN_FLAGS", "BundleFiles"]

_CHUNK_BYTES = 2**18
OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
"""How every file is opened: without waiting, so that a FIFO does not hang the caller."""


class BundleFiles(ABC):
    """Named files, read only. Use it in a `with` block or call `close`.

    Reading may be done from several threads; closing must not be done while one reads.
    """

    def __init__(self, descriptor: int, sizes: dict[str, int]) -> None:
        self._descriptor = descriptor
        self._sizes = sizes
        self._closer = weakref.finalize(self, os.close, descriptor)

    def names(self) -> frozenset[str]:
        """Paths of all files, relative to the bundle, `manifest.json` among them."""
        return frozenset(self._sizes)

    def size(self, name: str) -> int:
        """Size of a file in bytes.

        Raises:
            BundleError: there is no such file.
        """
        try:
            return self._sizes[name]
        except KeyError:
            raise BundleError(f"there is no file {shown(name, 300)} in the bundle") from None

    def read(self, name: str, *, limit: int) -> bytes:
        """Read a whole file.

        Args:
            name: one of `names`.
            limit: how many bytes the caller is ready to take.

        Raises:
            BundleError: there is no such file, it is larger than `limit` (nothing was read), or
                it cannot be read as it was when the bundle was opened.
        """
        size = self.size(name)
        if size > limit:
            raise BundleError(f"{shown(name, 300)} has {size} bytes; at most {limit} are read")
        with _foreign_errors(name), self._located(name) as (descriptor, offset):
            return _read_exactly(descriptor, offset, size, name)

    def sha256(self, name: str) -> str:
        """Digest of a file in lower-case hex, in memory that does not grow with the file.

        Raises:
            BundleError: there is no such file or it cannot be read.
        """
        size = self.size(name)
        digest = hashlib.sha256()
        buffer = memoryview(bytearray(min(size, _CHUNK_BYTES)))
        with _foreign_errors(name), self._located(name) as (descriptor, start):
            done = 0
            while done < size:
                count = os.preadv(descriptor, [buffer[: size - done]], start + done)
                if not count:
                    raise _shortened(name)
                digest.update(buffer[:count])
                done += count
        return digest.hexdigest()

    @abstractmethod
    def _located(self, name: str) -> AbstractContextManager[tuple[int, int]]:
        """Give a descriptor and the offset at which the file's content begins."""

    def _require_open(self) -> None:
        if not self._closer.alive:
            raise BundleError("the bundle is closed; open it again")

    def close(self) -> None:
        """Release the bundle. Calling it twice is harmless."""
        self._closer()

    def __enter__(self) -> BundleFiles:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@contextmanager
def _foreign_errors(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BundleError(f"cannot read {shown(name, 300)}: {reason(error)}") from error


def _shortened(name: str) -> BundleError:
    return BundleError(f"{shown(name, 300)} became shorter while it was read; copy it again")


def _read_exactly(descriptor: int, offset: int, size: int, name: str) -> bytes:
    data = os.pread(descriptor, size, offset)
    if len(data) == size:
        return data
    parts = [data]  # one call gives at most 2 GiB less a page, and may give less
    missing = size - len(data)
    while missing:
        data = os.pread(descriptor, missing, offset + size - missing)
        if not data:
            raise _shortened(name)
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)
