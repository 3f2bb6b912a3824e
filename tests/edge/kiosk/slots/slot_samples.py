"""Bundles to install, and a store whose examination takes no time."""

from __future__ import annotations

from pathlib import Path

import msgspec
from bundle_samples import FILES, manifest
from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: TID253 - [test] has it
    Ed25519PrivateKey,
)

from edge.bundle.reader import open_bundle
from edge.bundle.signature import Signature
from edge.bundle.writer import copy_bundle, write_bundle
from edge.kiosk.slots.store import SlotState, SlotStore, UpdateRequirements
from edge.model_loader import DEFAULT_BUNDLE

MAKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MAKER_KEY = MAKER.public_key().public_bytes_raw()
ANY = UpdateRequirements()


def passes(path: Path, requirements: UpdateRequirements) -> None:
    """An examination that finds nothing, for tests of what comes after it."""
    open_bundle(path, trusted_keys=requirements.trusted_keys).close()


def quick_store(folder: Path, *, trial_s: float = 600.0, most_failures: int = 2) -> SlotStore:
    """A store that takes what `make_bundle` makes, which no engine could run."""
    return SlotStore(folder, trial_s=trial_s, most_failures=most_failures, examine=passes)


def make_bundle(path: Path, version: str = "1.0.0", *, name: str = "sample") -> Path:
    """A small bundle that opens."""
    write_bundle(msgspec.structs.replace(manifest(), version=version, name=name), FILES, path)
    return path


def sign(path: Path) -> Path:
    """Sign a `.edge` file where it lies."""
    with open_bundle(path) as bundle:
        signature = Signature(MAKER_KEY, MAKER.sign(bundle.read_manifest()))
        copy_bundle(bundle, path, signature=signature)
    return path


def default_variant(path: Path, version: str, *, is_right: bool = True) -> Path:
    """The bundle that comes with edgedx under another version; its golden answers may be wrong."""
    with open_bundle(DEFAULT_BUNDLE) as bundle:
        whole = bundle.manifest
        golden = whole.golden
        if not is_right:
            golden = tuple(
                msgspec.structs.replace(
                    example,
                    outputs=tuple(
                        msgspec.structs.replace(
                            each, values=tuple(value + 40 for value in each.values)
                        )
                        for each in example.outputs
                    ),
                )
                for example in golden
            )
        files = {each.path: bundle.read(each.path) for each in whole.files}
        changed = msgspec.structs.replace(whole, version=version, golden=golden)
        write_bundle(changed, files, path)
    return path


def state_of(store: SlotStore) -> SlotState:
    """The state, of a store that has one."""
    state = store.state()
    assert state is not None
    return state


def versions(state: SlotState | None) -> tuple[str, str | None]:
    """Versions of the active and the previous bundle."""
    assert state is not None
    previous = state.previous
    return state.active.model_version, previous.model_version if previous else None


def bundles(folder: Path) -> set[str]:
    """Names of all bundles in a folder."""
    return {each.name for each in folder.glob("*.edge")}


def damage(path: Path) -> None:
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
