"""Write a bundle: all of it or nothing, and the same bytes for the same content."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from edge.bundle.bundle_paths import MANIFEST_NAME, MAX_FILE_BYTES, SIGNATURE_NAME
from edge.bundle.faults import reason, shown
from edge.bundle.manifest import FileEntry, Manifest
from edge.bundle.manifest_reader import manifest_to_json, parse_manifest
from edge.bundle.onnx_references import check_self_contained
from edge.bundle.reader import Bundle
from edge.bundle.signature import Signature, signature_to_text
from edge.bundle.zip_files import (
    CENTRAL,
    CENTRAL_SIGNATURE,
    END,
    END_SIGNATURE,
    LOCAL,
    LOCAL_SIGNATURE,
    UTF8_FLAG,
)
from edge.errors import OutputError
from edge.stored_files import new_stored_file, sync_folder

__all__ = ["ALIGNMENT_BYTES", "BUNDLE_SUFFIX", "copy_bundle", "write_bundle"]

BUNDLE_SUFFIX = ".edge"
ALIGNMENT_BYTES = 64
"""Content in a `.edge` file begins at multiples of this, so that it can be memory-mapped."""

_OTHER_SUFFIXES = {".zip", ".onnx", ".tflite"}

_VERSION = 20
_UNIX = 3
_TIME, _DATE = 0, 1 << 5 | 1  # 1980-01-01 00:00, the earliest that a zip file can say
_ATTRIBUTES = (stat.S_IFREG | 0o644) << 16
# The extra field that zipalign pads with: id, size, alignment, zeros.
_PADDING = struct.Struct("<3H")
_PADDING_ID = 0xD935

_Source = bytes | Path


def write_bundle(
    manifest: Manifest,
    files: Mapping[str, bytes | Path],
    destination: str | os.PathLike[str],
) -> Manifest:
    """Write a bundle aside and move it to its place in one step.

    Args:
        manifest: all but `files`, which is filled in here whatever it holds.
        files: content by path in the bundle: the bytes, or a file to copy. One at a time is
            held in memory.
        destination: `NAME.edge` for one file (an existing file is replaced), any other name for
            a folder (which must not exist). Its parent folder must exist.

    Returns:
        The manifest as it was written.

    Raises:
        ManifestError: the manifest is wrong, alone or together with `files`.
        BundleError: an ONNX model keeps data in another file.
        OutputError: a file cannot be read, or the destination cannot be written. Nothing is
            left behind, and what stood there before is still there.
    """
    target = Path(destination)
    is_file = _check_destination(target)
    onnx_paths = {each.path for each in manifest.artifacts if each.engine == "onnxruntime"}
    entries = []
    for path in sorted(files):
        data = _load(path, files[path])
        if path in onnx_paths:
            check_self_contained(data, path)
        entries.append(FileEntry(path=path, sha256=_sha256(data), size_bytes=len(data)))
    text = manifest_to_json(msgspec.structs.replace(manifest, files=tuple(entries)))
    checked = parse_manifest(text)
    contents = _contents(text, checked, files)
    with _aside(target) as aside:
        _write_contents(aside, contents, is_file=is_file)
    return checked


def copy_bundle(
    bundle: Bundle,
    destination: str | os.PathLike[str],
    *,
    signature: Signature | None,
) -> None:
    """Write an opened bundle anew, its manifest byte for byte, as `write_bundle` does.

    Args:
        bundle: what to copy; it may be what stands at `destination`, where that is one file.
        destination: as for `write_bundle`.
        signature: to put beside the manifest; None for none.

    Raises:
        BundleError: the bundle changed since it was opened, or cannot be read.
        OutputError: as `write_bundle`.
    """
    target = Path(destination)
    is_file = _check_destination(target)
    with _aside(target) as aside:
        _write_contents(aside, _copied(bundle, signature), is_file=is_file)


def _write_contents(aside: Path, contents: Iterable[tuple[str, bytes]], *, is_file: bool) -> None:
    if is_file:
        with new_stored_file(aside) as output:
            _write_zip(output, contents)
    else:
        _write_folder(aside, contents)


def _copied(bundle: Bundle, signature: Signature | None) -> Iterator[tuple[str, bytes]]:
    yield MANIFEST_NAME, bundle.read_manifest()
    if signature is not None:
        yield SIGNATURE_NAME, signature_to_text(signature)
    for entry in bundle.manifest.files:
        yield entry.path, bundle.read(entry.path)


def _check_destination(target: Path) -> bool:
    """Say whether the bundle becomes one file.

    Raises:
        OutputError: it may not be written there.
    """
    label = shown(str(target), 300)
    suffix = target.suffix.lower()
    if suffix in _OTHER_SUFFIXES or "\0" in str(target):
        raise OutputError(f"cannot write bundle {label}: give NAME{BUNDLE_SUFFIX} or a folder")
    is_file = suffix == BUNDLE_SUFFIX
    with _output_errors(target):
        if not stat.S_ISDIR(target.parent.stat().st_mode):
            raise OutputError(f"cannot write bundle {label}: its parent is no folder")
        try:
            mode = target.stat().st_mode
        except FileNotFoundError:
            return is_file
    if not is_file or not stat.S_ISREG(mode):
        raise OutputError(f"cannot write bundle {label}: it exists; remove it or give another name")
    return is_file


@contextmanager
def _output_errors(target: Path) -> Iterator[None]:
    """Turn what the operating system raises into our error."""
    try:
        yield
    except OSError as error:
        label = f"cannot write bundle {shown(str(target), 300)}"
        raise OutputError(f"{label}: {reason(error)}; nothing was left behind") from error


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _load(path: str, source: _Source) -> bytes:
    if isinstance(source, bytes):
        return source
    label = f"cannot pack {shown(path, 300)} from {shown(str(source), 300)}"
    try:
        with source.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE_BYTES:
                raise OutputError(f"{label}: it is no plain file of at most {MAX_FILE_BYTES} bytes")
            return file.read()
    except OSError as error:
        raise OutputError(f"{label}: {reason(error)}") from error


def _contents(
    text: bytes, manifest: Manifest, files: Mapping[str, _Source]
) -> Iterator[tuple[str, bytes]]:
    """The manifest first, then the files by path, each what its digest says."""
    yield MANIFEST_NAME, text
    for entry in manifest.files:
        data = _load(entry.path, files[entry.path])
        if _sha256(data) != entry.sha256:
            raise OutputError(f"{shown(entry.path, 300)} changed while it was packed; try again")
        yield entry.path, data


@contextmanager
def _aside(target: Path) -> Iterator[Path]:
    """Give a name beside `target`; move what was written there into place, or remove it."""
    aside = target.with_name(f".edge-{os.urandom(8).hex()}.partial")
    try:
        with _output_errors(target):
            yield aside
            aside.replace(target)
    except BaseException:
        _remove(aside)
        raise
    with suppress(OSError):  # some file systems cannot do this; the content itself is stored
        sync_folder(target.parent)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _write_folder(folder: Path, contents: Iterable[tuple[str, bytes]]) -> None:
    folder.mkdir()
    for path, data in contents:
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with new_stored_file(place) as output:
            output.write(data)
    for each, _, _ in os.walk(folder):
        sync_folder(Path(each))


def _write_zip(output: BinaryIO, contents: Iterable[tuple[str, bytes]]) -> None:
    """Write stored entries end to end, then the directory, as `zip_files` reads them."""
    directory = b""
    count = 0
    for path, data in contents:
        name = path.encode()
        flags = 0 if path.isascii() else UTF8_FLAG
        size = len(data)
        offset = output.tell()
        record = (_VERSION, flags, 0, _TIME, _DATE, zlib.crc32(data), size, size, len(name))
        filled = offset + LOCAL.size + len(name) + _PADDING.size
        padding = -filled % ALIGNMENT_BYTES
        output.write(LOCAL.pack(LOCAL_SIGNATURE, *record, _PADDING.size + padding))
        output.write(name)
        output.write(_PADDING.pack(_PADDING_ID, 2 + padding, ALIGNMENT_BYTES) + bytes(padding))
        output.write(data)
        directory += CENTRAL.pack(
            CENTRAL_SIGNATURE, _VERSION, _UNIX, *record, 0, 0, 0, 0, _ATTRIBUTES, offset
        )
        directory += name
        count += 1
    start = output.tell()
    output.write(directory)
    output.write(END.pack(END_SIGNATURE, 0, 0, count, count, len(directory), start, 0))
