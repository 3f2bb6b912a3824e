"""Open a bundle: every file checked against the manifest before anything of it is used."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from edge.bundle.bundle_files import BundleFiles
from edge.bundle.bundle_location import open_files
from edge.bundle.bundle_paths import MANIFEST_NAME, SIGNATURE_NAME
from edge.bundle.faults import shown
from edge.bundle.manifest import FileEntry, Manifest
from edge.bundle.manifest_reader import MAX_MANIFEST_BYTES, parse_manifest
from edge.bundle.onnx_references import check_self_contained
from edge.bundle.signature import (
    MAX_SIGNATURE_BYTES,
    Signature,
    check_signature,
    parse_signature,
)
from edge.errors import BundleError, DigestError

__all__ = ["Bundle", "open_bundle"]

_MAX_NAMED = 5


class Bundle:
    """An opened, checked bundle. Use it in a `with` block or call `close`.

    `read` may be called from several threads; `close` must not be called while one reads.
    """

    __slots__ = (
        "_checked",
        "_digest",
        "_entries",
        "_files",
        "_location",
        "_manifest",
        "_signature",
        "_signed_by",
    )

    def __init__(
        self, location: str, files: BundleFiles, trusted_keys: Sequence[bytes] = ()
    ) -> None:
        """Check the files; `open_bundle` is the way to make one."""
        self._location = location
        self._files = files
        data = _read_manifest(files)
        self._signature = _read_signature(files)
        # Before the manifest is looked into: it may come from anybody.
        self._signed_by = (
            check_signature(data, self._signature, trusted_keys) if trusted_keys else None
        )
        self._digest = hashlib.sha256(data).hexdigest()
        self._manifest = parse_manifest(data)
        self._entries = {each.path: each for each in self._manifest.files}
        _check_names(self._manifest, files)
        # What had to be read whole is kept for its first reader.
        self._checked: dict[str, bytes] = {}
        onnx_paths = {
            each.path for each in self._manifest.artifacts if each.engine == "onnxruntime"
        }
        for entry in self._manifest.files:
            if entry.path in onnx_paths:
                self._checked[entry.path] = content = _read_verified(files, entry)
                check_self_contained(content, entry.path)
            else:
                _check_digest(files.sha256(entry.path), entry)

    @property
    def location(self) -> str:
        """The folder or file that was opened."""
        return self._location

    @property
    def manifest(self) -> Manifest:
        """What the bundle says of itself."""
        return self._manifest

    @property
    def digest(self) -> str:
        """SHA-256 in hex of `manifest.json`, which holds every other file's digest."""
        return self._digest

    @property
    def signature(self) -> Signature | None:
        """The signature that lies in it, which is only checked where trusted keys were given."""
        return self._signature

    @property
    def signed_by(self) -> bytes | None:
        """The trusted key whose signature was checked; None where no keys were given."""
        return self._signed_by

    def read_manifest(self) -> bytes:
        """The bytes of `manifest.json`, which are what is signed.

        Raises:
            DigestError: it was changed after the bundle was opened.
            BundleError: it cannot be read, or the bundle is closed.
        """
        with _named(self._location):
            data = _read_manifest(self._files)
            if hashlib.sha256(data).hexdigest() != self._digest:
                raise DigestError(f"{MANIFEST_NAME} changed while the bundle was open")
            return data

    def read(self, path: str) -> bytes:
        """Read a file; the bytes returned are the very ones that were checked.

        Args:
            path: as in the manifest's `files`.

        Raises:
            DigestError: the file was changed after the bundle was opened.
            BundleError: the bundle has no such file, cannot be read, or is closed.
        """
        with _named(self._location):
            entry = self._entries.get(path)
            if entry is None:
                raise BundleError(f"has no file {shown(path, 300)}; see files in its manifest")
            return self._checked.pop(path, None) or _read_verified(self._files, entry)

    def close(self) -> None:
        """Release the files. Calling it twice is harmless."""
        self._checked.clear()
        self._files.close()

    def __enter__(self) -> Bundle:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def open_bundle(path: str | os.PathLike[str], *, trusted_keys: Sequence[bytes] = ()) -> Bundle:
    """Open a bundle and check all of it.

    Args:
        path: a folder, or one `.edge` file (a zip file with stored entries).
        trusted_keys: raw Ed25519 public keys (`read_public_key`), one of which must have signed
            it; without any, a bundle may be signed or not.

    Returns:
        The bundle: its manifest is sound, it holds exactly the files that the manifest names,
        each with its size and SHA-256, and its ONNX models point at nothing outside themselves.

    Raises:
        BundleError: there is no bundle at `path`, or it is refused whole; `ManifestError`,
            `DigestError` and `SignatureError` say more precisely why. The message is one line.
        UsageError: the package that checks signatures is not installed.
    """
    location = os.fspath(path)
    with _named(location):
        files = open_files(location)
        try:
            return Bundle(location, files, trusted_keys)
        except BaseException:
            files.close()
            raise


@contextmanager
def _named(location: str) -> Iterator[None]:
    """Say in every refusal which bundle is meant."""
    try:
        yield
    except BundleError as error:
        raise type(error)(f"bundle {shown(location, 300)}: {error}") from error


def _read_manifest(files: BundleFiles) -> bytes:
    if MANIFEST_NAME not in files.names():
        raise BundleError(f"has no {MANIFEST_NAME}; give the folder or file that holds one")
    return files.read(MANIFEST_NAME, limit=MAX_MANIFEST_BYTES)


def _read_signature(files: BundleFiles) -> Signature | None:
    if SIGNATURE_NAME not in files.names():
        return None
    return parse_signature(files.read(SIGNATURE_NAME, limit=MAX_SIGNATURE_BYTES))


def _check_names(manifest: Manifest, files: BundleFiles) -> None:
    """The bundle holds what the manifest names, all of it and nothing else."""
    expected = {each.path for each in manifest.files}
    found = files.names() - {MANIFEST_NAME, SIGNATURE_NAME}
    parts = [
        f"{verb} {_listed(names)}"
        for verb, names in (("lacks", expected - found), ("also holds", found - expected))
        if names
    ]
    if parts:
        raise BundleError(f"{' and '.join(parts)}; its manifest names exactly what it may hold")
    for entry in manifest.files:
        size = files.size(entry.path)
        if size != entry.size_bytes:
            raise DigestError(
                f"{shown(entry.path, 300)} has {size} bytes, its manifest says "
                f"{entry.size_bytes}; copy the bundle again"
            )


def _listed(names: set[str] | frozenset[str]) -> str:
    more = len(names) - _MAX_NAMED
    text = ", ".join(shown(name, 300) for name in sorted(names)[:_MAX_NAMED])
    return f"{text} and {more} more" if more > 0 else text


def _read_verified(files: BundleFiles, entry: FileEntry) -> bytes:
    data = files.read(entry.path, limit=entry.size_bytes)
    _check_digest(hashlib.sha256(data).hexdigest(), entry)
    return data


def _check_digest(digest: str, entry: FileEntry) -> None:
    if digest != entry.sha256:
        raise DigestError(
            f"{shown(entry.path, 300)} has SHA-256 {digest[:16]}..., its manifest says "
            f"{entry.sha256[:16]}...; it was changed or damaged: copy the bundle again"
        )
