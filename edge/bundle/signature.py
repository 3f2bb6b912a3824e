r"""A maker's signature on a bundle: Ed25519 (RFC 8032) over the bytes of `manifest.json`.

The manifest holds the SHA-256 of every other file, so the signature covers the whole bundle. It
lies beside the manifest as `manifest.sig`, of this one form::

    edgedx-signature 1
    public-key 3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c
    ed25519 92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e...

The public key in it says only which key to look for; trust comes from the keys that a device was
given. What is signed is the manifest itself, so any tool that knows Ed25519 can check it.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.bundle.bundle_paths import MANIFEST_NAME, SIGNATURE_NAME
from edge.bundle.faults import reason, shown
from edge.errors import InputError, InputNotFoundError, SignatureError, UsageError

__all__ = [
    "MAX_SIGNATURE_BYTES",
    "PUBLIC_KEY_BYTES",
    "Signature",
    "check_signature",
    "key_name",
    "parse_signature",
    "public_key_to_pem",
    "read_public_key",
    "signature_to_text",
]

PUBLIC_KEY_BYTES: Final = 32
MAX_SIGNATURE_BYTES: Final = 4096
"""What is read of `manifest.sig`; more than it ever has."""

_TEXT = re.compile(
    rb"edgedx-signature 1\npublic-key ([0-9a-f]{64})\ned25519 ([0-9a-f]{128})\n", re.ASCII
)
_MAX_KEY_FILE_BYTES = 65536
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s*([A-Za-z0-9+/=\s]*?)\s*-----END \1-----")
# RFC 8410, section 10.1: SubjectPublicKeyInfo of algorithm 1.3.101.112, then the raw key.
_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and the key that it says made it.

    Attributes:
        public_key: 32 raw bytes (RFC 8032, section 5.1.5).
        signature: 64 raw bytes (section 5.1.6).
    """

    public_key: bytes
    signature: bytes


def key_name(public_key: bytes) -> str:
    """The first 16 hex digits of a public key, for people to tell keys apart."""
    return public_key.hex()[:16]


def signature_to_text(signature: Signature) -> bytes:
    """Write `manifest.sig`."""
    return (
        "edgedx-signature 1\n"
        f"public-key {signature.public_key.hex()}\n"
        f"ed25519 {signature.signature.hex()}\n"
    ).encode("ascii")


def parse_signature(data: bytes) -> Signature:
    """Read `manifest.sig`; anything at all may be in it.

    Raises:
        SignatureError: it has not exactly the form that `signature_to_text` writes.
    """
    found = _TEXT.fullmatch(data)
    if found is None:
        start = shown(data[:40].decode("ascii", errors="replace"))
        raise SignatureError(
            f"{SIGNATURE_NAME} is no signature of this form (it begins with {start}); sign the "
            "bundle again with edge-quantize sign, or remove the file"
        )
    public_key, signature = (bytes.fromhex(each.decode("ascii")) for each in found.groups())
    return Signature(public_key, signature)


def check_signature(
    manifest: bytes, signature: Signature | None, trusted_keys: Sequence[bytes]
) -> bytes:
    """Check that one of the trusted keys signed a manifest.

    Args:
        manifest: the bytes of `manifest.json`.
        signature: that lies beside it; None where there is none.
        trusted_keys: raw public keys, at least one.

    Returns:
        The key that signed it.

    Raises:
        SignatureError: it is not signed, signed with another key, or was changed since.
        UsageError: the package that checks signatures is not installed.
    """
    wanted = ", ".join(map(key_name, trusted_keys))
    if signature is None:
        raise SignatureError(
            f"is not signed, and only bundles signed with key {wanted} are accepted; ask its "
            "maker for the signed one"
        )
    key = signature.public_key
    if key not in trusted_keys:
        raise SignatureError(
            f"is signed with key {key_name(key)}, which is not trusted here; only bundles signed "
            f"with key {wanted} are accepted"
        )
    if not _is_signed(manifest, signature):
        raise SignatureError(
            f"{MANIFEST_NAME} is not what key {key_name(key)} signed: it or {SIGNATURE_NAME} was "
            "changed; get the bundle from its maker again"
        )
    return key


def _is_signed(manifest: bytes, signature: Signature) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise UsageError(
            f"checking a bundle's signature needs cryptography ({error}); "
            "pip install 'edgedx[signature]'"
        ) from error
    try:
        Ed25519PublicKey.from_public_bytes(signature.public_key).verify(
            signature.signature, manifest
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key_to_pem(public_key: bytes) -> bytes:
    """Write a raw public key as a PEM file (RFC 7468, RFC 8410)."""
    text = base64.b64encode(_SPKI_PREFIX + public_key)
    return b"-----BEGIN PUBLIC KEY-----\n" + text + b"\n-----END PUBLIC KEY-----\n"


def read_public_key(path: str | os.PathLike[str]) -> bytes:
    """Read a public key from a PEM file, as `edge-quantize keygen` and openssl write it.

    Args:
        path: of the file.

    Returns:
        The raw key, 32 bytes.

    Raises:
        InputNotFoundError: there is no such file.
        InputError: it holds no Ed25519 public key, or several.
    """
    label = f"public key {shown(os.fspath(path), 300)}"
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MAX_KEY_FILE_BYTES)
    except FileNotFoundError:
        raise InputNotFoundError(f"{label}: no such file; give the maker's public.pem") from None
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise InputError(f"{label} cannot be read: {why}") from error
    blocks = _PEM.findall(data)
    if any(b"PRIVATE" in kind for kind, _ in blocks):
        raise InputError(
            f"{label} is a private key, which never leaves its maker; give the public one"
        )
    if [kind for kind, _ in blocks] != [b"PUBLIC KEY"]:
        raise InputError(f"{label} is no PEM file with one public key; give the maker's public.pem")
    return _raw_key(blocks[0][1], label)


def _raw_key(encoded: bytes, label: str) -> bytes:
    try:
        der = base64.b64decode(b"".join(encoded.split()), validate=True)
    except binascii.Error:
        der = b""
    if len(der) != len(_SPKI_PREFIX) + PUBLIC_KEY_BYTES or not der.startswith(_SPKI_PREFIX):
        raise InputError(f"{label} is no Ed25519 key; make one with edge-quantize keygen")
    return der[len(_SPKI_PREFIX) :]
