"""What a maker does to sign bundles: make a key once, then sign each bundle with it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.bundle.bundle_paths import SIGNATURE_NAME
from edge.bundle.faults import reason, shown
from edge.bundle.reader import open_bundle
from edge.bundle.signature import Signature, public_key_to_pem, signature_to_text
from edge.bundle.writer import copy_bundle
from edge.errors import InputError, InputNotFoundError, OutputError, UsageError
from edge.stored_files import new_stored_file, replace_stored_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["KeyFiles", "PrivateKey", "make_keys", "read_private_key", "sign_bundle"]

_MAX_KEY_FILE_BYTES = 65536
_PRIVATE_MODE = 0o600
_PUBLIC_MODE = 0o644


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """A pair of keys that was made.

    Attributes:
        private: file that only its owner may read; it signs.
        public: file to give to devices; it checks.
        public_key: the raw public key.
    """

    private: Path
    public: Path
    public_key: bytes


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key that was read.

    Attributes:
        public_key: the raw public key that belongs to it.
        sign: makes the raw signature of some bytes.
        is_open_to_others: whether others on this machine may read its file.
    """

    public_key: bytes
    sign: Callable[[bytes], bytes]
    is_open_to_others: bool


def make_keys(name: str | os.PathLike[str]) -> KeyFiles:
    """Make a pair of keys and write both as PEM (PKCS #8 and SubjectPublicKeyInfo, RFC 8410).

    Args:
        name: `NAME.private.pem` and `NAME.public.pem` are written; neither may exist.

    Raises:
        OutputError: one exists or cannot be written; neither is left behind.
        UsageError: the package that signs is not installed.
    """
    _require_cryptography()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public_key = key.public_key().public_bytes_raw()
    files = KeyFiles(
        Path(f"{os.fspath(name)}.private.pem"), Path(f"{os.fspath(name)}.public.pem"), public_key
    )
    _write_new(files.private, private, _PRIVATE_MODE)
    try:
        _write_new(files.public, public_key_to_pem(public_key), _PUBLIC_MODE)
    except OutputError:
        files.private.unlink(missing_ok=True)
        raise
    return files


def read_private_key(
    path: str | os.PathLike[str], *, ask_passphrase: Callable[[], str]
) -> PrivateKey:
    """Read a private Ed25519 key from a PEM file, as `make_keys` and openssl write it.

    Args:
        path: of the file.
        ask_passphrase: called where the key is encrypted.

    Raises:
        InputNotFoundError: there is no such file.
        InputError: it holds no private Ed25519 key, or the passphrase is wrong.
        UsageError: the package that signs is not installed.
    """
    _require_cryptography()
    label = f"private key {shown(os.fspath(path), 300)}"
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_KEY_FILE_BYTES)
    except FileNotFoundError:
        raise InputNotFoundError(
            f"{label}: no such file; make one with edge-quantize keygen"
        ) from None
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise InputError(f"{label} cannot be read: {why}") from error
    key = _loaded(data, label, ask_passphrase)
    is_open = bool(mode & (stat.S_IRWXG | stat.S_IRWXO))
    return PrivateKey(key.public_key().public_bytes_raw(), key.sign, is_open)


def _loaded(data: bytes, label: str, ask_passphrase: Callable[[], str]) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        try:
            key = load_pem_private_key(data, None)
        except TypeError:  # it is encrypted
            key = load_pem_private_key(data, ask_passphrase().encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(
            f"{label} is no private key in PEM form, or its passphrase is another; make one with "
            "edge-quantize keygen"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(
            f"{label} is of another kind than Ed25519; make one with edge-quantize keygen"
        )
    return key


def sign_bundle(
    path: Path, key: PrivateKey, *, destination: Path | None = None
) -> tuple[Signature, Signature | None]:
    """Check a bundle, and put a signature beside its manifest, which stays byte for byte.

    Args:
        path: a `.edge` file or a folder.
        key: signs it.
        destination: where the signed bundle is written, as for `write_bundle`; None: `path`
            itself, in one step.

    Returns:
        The signature, and the one that lay there before.

    Raises:
        BundleError: the bundle is refused.
        OutputError: the signed bundle cannot be written; what stood there is untouched.
    """
    target = destination or path
    with open_bundle(path) as bundle:
        before = bundle.signature
        signature = Signature(key.public_key, key.sign(bundle.read_manifest()))
        if destination is None and path.is_dir():
            _put_into_folder(path, signature)
        else:
            copy_bundle(bundle, target, signature=signature)
    with open_bundle(target, trusted_keys=(key.public_key,)):
        return signature, before


def _put_into_folder(folder: Path, signature: Signature) -> None:
    try:
        # Aside of the bundle: a file more in it would have it refused.
        replace_stored_file(
            folder / SIGNATURE_NAME,
            signature_to_text(signature),
            mode=_PUBLIC_MODE,
            aside_in=folder.resolve().parent,
        )
    except OSError as error:
        raise OutputError(
            f"cannot write the signature into {shown(str(folder), 300)}: {reason(error)}"
        ) from error


def _write_new(path: Path, data: bytes, mode: int) -> None:
    label = f"cannot write key {shown(str(path), 300)}"
    try:
        with new_stored_file(path, mode=mode) as output:
            output.write(data)
    except FileExistsError:
        raise OutputError(
            f"{label}: it exists, and a key is never overwritten; give another name"
        ) from None
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):
            path.unlink(missing_ok=True)
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise OutputError(f"{label}: {why}") from error


def _require_cryptography() -> None:
    try:
        import cryptography  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise UsageError(
            f"signing needs cryptography ({error}); pip install 'edgedx[signature]'"
        ) from error
