"""A disk that remembers what a loss of power would leave of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge.kiosk.journal.disk import Disk


@dataclass(eq=False)
class FileNode:
    """A file: as it is, and as it was when it was last synced."""

    current: bytes = b""
    stored: bytes = b""


@dataclass(eq=False)
class FolderNode:
    """A folder: its names as they are, and as they were when it was last synced."""

    current: dict[str, "FileNode | FolderNode"] = field(default_factory=dict)
    stored: dict[str, "FileNode | FolderNode"] = field(default_factory=dict)


class PowerCutDisk(Disk):
    """Does everything for real, keeps the books, and calls `watch` after each step."""

    def __init__(self, root: Path, watch: Callable[[], None], *, is_stored: bool = True) -> None:
        """`is_stored`: whether what is there already would survive."""
        self._is_stored = is_stored
        self._root = root
        self._watch = watch
        self._open: dict[int, FileNode] = {}
        self.tree = self._take_over(root)

    def _take_over(self, path: Path) -> FolderNode:
        names: dict[str, FileNode | FolderNode] = {}
        for each in path.iterdir() if path.exists() else ():
            data = b"" if each.is_dir() else each.read_bytes()
            names[each.name] = (
                self._take_over(each)
                if each.is_dir()
                else FileNode(data, data if self._is_stored else b"")
            )
        return FolderNode(names, dict(names) if self._is_stored else {})

    def _folder(self, path: Path) -> FolderNode:
        node = self.tree
        for name in path.relative_to(self._root).parts:
            node = node.current[name]
        return node

    def open(self, path: Path, *, is_new: bool = False) -> int:
        descriptor = super().open(path, is_new=is_new)
        names = self._folder(path.parent).current
        node = names.setdefault(path.name, FileNode())
        if is_new:
            node.current = b""
        self._open[descriptor] = node
        self._watch()
        return descriptor

    def write(self, descriptor: int, data: bytes) -> None:
        super().write(descriptor, data)
        self._open[descriptor].current += data
        self._watch()

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        node = self._open[descriptor]
        node.stored = node.current
        self._watch()

    def truncate(self, descriptor: int, size: int) -> None:
        super().truncate(descriptor, size)
        node = self._open[descriptor]
        node.current = node.current[:size]
        self._watch()

    def sync_folder(self, path: Path) -> None:
        super().sync_folder(path)
        node = self._folder(path)
        node.stored = dict(node.current)
        self._watch()

    def make_folder(self, path: Path) -> None:
        super().make_folder(path)
        self._folder(path.parent).current[path.name] = FolderNode()
        self._watch()

    def rename(self, old: Path, new: Path) -> None:
        super().rename(old, new)
        names = self._folder(old.parent).current
        names[new.name] = names.pop(old.name)
        self._watch()

    def remove(self, path: Path) -> None:
        super().remove(path)
        self._folder(path.parent).current.pop(path.name, None)
        self._watch()

    def remove_folder(self, path: Path) -> None:
        super().remove_folder(path)
        del self._folder(path.parent).current[path.name]
        self._watch()

    def survivors(self, every: int = 0) -> Iterator[dict[str, bytes | None]]:
        """What may be left after a loss of power now: by path, the content, None for a folder.

        Args:
            every: how many bytes further each cut of what was not synced is; 0 for a few cuts.
        """
        for is_stored in (True, False):
            names = dict(_walk(self.tree, "", is_stored=is_stored))
            pending = {node for node in names.values() if _is_pending(node)}
            for cut in _cuts(pending, every):
                yield {
                    path: cut(node) if isinstance(node, FileNode) else None
                    for path, node in names.items()
                }


def _walk(
    folder: FolderNode, prefix: str, *, is_stored: bool
) -> Iterator[tuple[str, FileNode | FolderNode]]:
    for name, node in (folder.stored if is_stored else folder.current).items():
        yield prefix + name, node
        if isinstance(node, FolderNode):
            yield from _walk(node, f"{prefix}{name}/", is_stored=is_stored)


def _is_pending(node: FileNode | FolderNode) -> bool:
    return isinstance(node, FileNode) and node.current != node.stored


def _cuts(pending: set[FileNode], every: int) -> Iterator[Callable[[FileNode], bytes]]:
    yield lambda node: node.stored
    if not pending:
        return
    yield lambda node: node.current
    longest = max(len(node.current) - len(node.stored) for node in pending)
    steps = range(1, longest, every) if every else {1, 11, longest // 3, longest - 1}
    for size in sorted(each for each in steps if 0 < each < longest):
        yield lambda node, size=size: _grown(node, size)
    if not every and longest > 0:
        # The later page was written, the earlier was not.
        yield lambda node: _holed(node, longest // 2)


def _grown(node: FileNode, size: int) -> bytes:
    if not node.current.startswith(node.stored):
        return node.stored
    return node.current[: len(node.stored) + size]


def _holed(node: FileNode, size: int) -> bytes:
    if not node.current.startswith(node.stored):
        return node.stored
    hole = min(size, len(node.current) - len(node.stored))
    start = len(node.stored)
    return node.stored + b"\0" * hole + node.current[start + hole :]


def lay_out(root: Path, files: dict[str, bytes | None]) -> None:
    """Make the folder that is left."""
    root.mkdir()
    for path, data in files.items():
        if data is None:
            (root / path).mkdir(mode=0o700)
        else:
            (root / path).write_bytes(data)
