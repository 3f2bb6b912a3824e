"""`edge-kiosk update` with the bundle that comes with edgedx, its variants, and real processes."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: TID253 - [test] has it
    Ed25519PrivateKey,
)
from slot_samples import MAKER_KEY, bundles, damage, default_variant, sign, state_of, versions

from edge.bundle.signature import public_key_to_pem
from edge.kiosk.cli import main
from edge.kiosk.slots.slot_files import file_sha256
from edge.kiosk.slots.store import SlotStore

UPDATE = [sys.executable, "-c", "from edge.kiosk.cli import main; main()", "update"]


@dataclass
class Bundles:
    """Files that nobody changes."""

    first: Path
    second: Path
    signed: Path
    wrong: Path
    key: Path
    other_key: Path


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    folder = tmp_path_factory.mktemp("bundles")
    keys = [folder / "maker.public.pem", folder / "other.public.pem"]
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    for path, key in zip(keys, (MAKER_KEY, other), strict=True):
        path.write_bytes(public_key_to_pem(key))
    return Bundles(
        default_variant(folder / "first.edge", "1.1.0"),
        default_variant(folder / "second.edge", "1.2.0"),
        sign(default_variant(folder / "signed.edge", "1.3.0")),
        default_variant(folder / "wrong.edge", "1.4.0", is_right=False),
        *keys,
    )


@pytest.fixture(scope="module")
def installed(given: Bundles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of slots with the first bundle; not to be changed."""
    folder = tmp_path_factory.mktemp("installed") / "slots"
    subprocess.run(
        [*UPDATE, "apply", str(given.first), "--state", str(folder)],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def slots(installed: Path, folder: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(installed, folder))


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["update", *map(str, words)])
    return ended.value.code or 0


def apply(folder: Path, *words: object) -> int:
    return run("apply", *words, "--state", folder)


@pytest.mark.slow
def test_an_update_from_the_first_word_to_the_last(
    given: Bundles, slots: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert apply(slots, given.second, "--sha256", file_sha256(given.second)) == 0
    said = capsys.readouterr().out
    assert "active        chest-xray-pneumonia 1.2.0" in said
    assert "trial         10.0 min of running well" in said
    assert "way back      chest-xray-pneumonia 1.1.0" in said
    assert run("status", "--state", slots) == 0
    said = capsys.readouterr().out
    assert "trial         10.0 min left; started 0 times, failed 0 times" in said
    assert "installed: chest-xray-pneumonia 1.2.0" in said
    assert run("rollback", "--state", slots, "--reason", "too slow here") == 0
    assert "active        chest-xray-pneumonia 1.1.0" in capsys.readouterr().out
    assert run("status", "--json", "--state", slots) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["state"]["active"]["model_version"] == "1.1.0"
    assert found["history"][-1]["reason"] == "too slow here"
    assert apply(slots, given.second) == 1
    assert "rolled back on this machine before (too slow here)" in capsys.readouterr().err
    assert apply(slots, given.second, "--again", "--trial-minutes", "0.5") == 0
    assert state_of(SlotStore(slots)).trial_left_ms == 30_000


def test_the_active_bundle_applied_again_is_no_failure(
    given: Bundles, slots: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert apply(slots, given.first) == 0
    assert "is active already; nothing was changed" in capsys.readouterr().out


def test_without_an_option_the_slots_lie_in_the_state_folder(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setenv("EDGEDX_STATE_DIR", str(tmp_path))
    assert run("status") == 0
    assert f"nothing is installed in {tmp_path / 'slots'}" in capsys.readouterr().out
    shutil.copytree(installed, tmp_path / "slots")
    assert run("status") == 0
    assert "chest-xray-pneumonia 1.1.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["wrong"], 1, "output steps from the lab's answer"),
        (["second", "--sha256", "0" * 64], 4, "has SHA-256"),
        (["second", "--sha256", "abc"], 2, "is not 64 hex digits"),
        (["second", "--require-signature", "key"], 4, "is not signed"),
        (["signed", "--require-signature", "other_key"], 4, "which is not trusted here"),
        (["signed", "--require-signature", "signed"], 3, "no PEM file with one public key"),
        (["signed", "--require-signature", "key", "--allow-unsigned"], 2, "contradict"),
        (["missing"], 4, "no such file"),
        (["key"], 4, "neither a bundle's folder nor its .edge file"),
        (["second", "--precision", "float32"], 1, "can run here"),
    ],
    ids=[
        *("wrong answers", "another digest", "no digest", "unsigned", "another maker"),
        *("no key", "contradiction", "no file", "no bundle", "nothing to test"),
    ],
)
def test_what_is_refused_changes_nothing_and_says_why_in_one_line(
    words: list[str], code: int, reason: str, given: Bundles, slots: Path, capsys
) -> None:
    before = (SlotStore(slots).token(), bundles(slots))
    assert apply(slots, *(getattr(given, word, word) for word in words)) == code
    said = capsys.readouterr()
    assert reason in said.err
    assert said.err.startswith("edge-kiosk: ")
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert (SlotStore(slots).token(), bundles(slots)) == before


def test_a_file_altered_on_its_way_is_refused(
    given: Bundles, slots: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    altered = Path(shutil.copy(given.signed, tmp_path / "altered.edge"))
    damage(altered)
    assert apply(slots, altered, "--require-signature", given.key) == 4
    assert str(altered) in capsys.readouterr().err


@pytest.mark.slow
def test_a_signature_once_asked_for_is_asked_for_ever_after(
    given: Bundles, slots: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert apply(slots, given.signed, "--require-signature", given.key) == 0
    assert run("status", "--state", slots) == 0
    assert f"signed        with key {MAKER_KEY.hex()[:16]}" in capsys.readouterr().out
    assert apply(slots, given.second, "--allow-older") == 4
    assert "is not signed" in capsys.readouterr().err
    assert apply(slots, given.second, "--allow-older", "--allow-unsigned") == 0


@pytest.mark.slow
def test_a_service_that_runs_takes_a_switch_up_and_back_without_a_restart(
    given: Bundles, slots: Path
) -> None:
    """The updater is another process; the service only looks at one file now and then."""
    service = SlotStore(slots)
    token = service.token()
    assert versions(service.begin()) == ("1.1.0", None)
    updater = subprocess.Popen(
        [*UPDATE, "apply", str(given.second), "--state", str(slots)], stdout=subprocess.DEVNULL
    )
    wait_for_change(service, token)
    assert updater.wait(300) == 0
    token = service.token()
    assert versions(service.begin()) == ("1.2.0", "1.1.0")
    assert state_of(service).starts_in_trial == 1
    assert versions(service.note_failure("golden/00.png: wrong", is_golden=True))[0] == "1.1.0"
    subprocess.run([*UPDATE, "status", "--state", str(slots)], check=True, capture_output=True)
    assert service.changed_since(token)


def wait_for_change(store: SlotStore, token: tuple[int, int, int]) -> None:
    deadline_s = time.monotonic() + 300
    while not store.changed_since(token):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
