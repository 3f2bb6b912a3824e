"""What a bundle must fulfil to become active, and what is left as it was where it does not."""

import os
import shutil
import stat
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from slot_samples import (
    ANY,
    MAKER_KEY,
    bundles,
    damage,
    make_bundle,
    passes,
    quick_store,
    sign,
    state_of,
    versions,
)

from edge.errors import (
    BundleError,
    DeviceError,
    DigestError,
    EdgeError,
    GateError,
    OutputError,
    SignatureError,
    UsageError,
)
from edge.kiosk.slots.slot_files import file_sha256
from edge.kiosk.slots.store import SlotStore, UpdateRequirements


class TestInstalling:
    def test_an_empty_folder_has_no_state(self, folder: Path) -> None:
        store = quick_store(folder)
        assert store.state() is None
        assert store.history() == ()
        assert not folder.exists()

    def test_the_first_bundle_is_active_without_a_trial(self, folder: Path, old: Path) -> None:
        store = quick_store(folder)
        slot = store.install(old, ANY)
        state = state_of(store)
        assert (slot.name, state.active, state.previous, state.is_trial) == ("a", slot, None, False)
        assert slot.path.read_bytes() == old.read_bytes()
        assert (slot.model_name, slot.model_version) == ("sample", "1.0.0")

    def test_the_second_is_on_trial_with_the_first_to_go_back_to(self, on_trial: Path) -> None:
        state = state_of(quick_store(on_trial))
        assert versions(state) == ("1.1.0", "1.0.0")
        assert state.is_trial
        assert state.trial_left_ms == 600_000
        assert (state.active.name, state.starts_in_trial) == ("b", 0)

    def test_the_third_takes_the_slot_of_the_first(self, on_trial: Path, tmp_path: Path) -> None:
        store = quick_store(on_trial)
        store.begin()
        store.note_running(600)
        store.install(make_bundle(tmp_path / "third.edge", "1.2.0"), ANY)
        state = state_of(store)
        assert versions(state) == ("1.2.0", "1.1.0")
        assert state.active.name == "a"
        assert bundles(on_trial) == {state.active.path.name, state.previous.path.name}

    def test_what_follows_a_trial_takes_its_slot_and_the_way_back_stays(
        self, on_trial: Path, tmp_path: Path
    ) -> None:
        """The bundle that is known to be good is not given up for two that are not."""
        store = quick_store(on_trial)
        store.install(make_bundle(tmp_path / "third.edge", "1.2.0"), ANY)
        state = state_of(store)
        assert versions(state) == ("1.2.0", "1.0.0")
        assert state.active.name == "b"
        assert len(bundles(on_trial)) == 2

    def test_a_folder_is_packed_into_one_file(self, folder: Path, tmp_path: Path) -> None:
        slot = quick_store(folder).install(make_bundle(tmp_path / "bundle"), ANY)
        assert slot.path.is_file()
        passes(slot.path, ANY)

    def test_the_active_bundle_given_again_changes_nothing(self, folder: Path, old: Path) -> None:
        store = quick_store(folder)
        slot = store.install(old, ANY)
        token = store.token()
        assert store.install(old, ANY) == slot
        assert not store.changed_since(token)

    def test_the_active_bundle_given_again_heals_a_damaged_file(
        self, folder: Path, old: Path
    ) -> None:
        store = quick_store(folder)
        damage(store.install(old, ANY).path)
        store.install(old, ANY)
        assert versions(store.begin()) == ("1.0.0", None)

    def test_another_bundle_replaces_a_damaged_one_that_is_no_way_back(
        self, folder: Path, old: Path, new: Path
    ) -> None:
        store = quick_store(folder)
        damage(store.install(old, ANY).path)
        store.install(new, ANY)
        state = store.begin()
        assert versions(state) == ("1.1.0", None)
        assert not state.is_trial

    def test_the_service_may_read_what_an_administrator_installs(
        self, folder: Path, old: Path
    ) -> None:
        before = os.umask(0o077)
        try:
            slot = quick_store(folder).install(old, ANY)
        finally:
            os.umask(before)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755
        for path in (slot.path, folder / "slots.json"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o644

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
    def test_root_makes_the_folder_for_the_owner_of_the_one_above(
        self, folder: Path, old: Path
    ) -> None:
        os.chown(folder.parent, 12345, 23456)
        quick_store(folder).install(old, ANY)
        status = folder.stat()
        assert (status.st_uid, status.st_gid) == (12345, 23456)

    def test_two_at_once_are_one_too_many(self, folder: Path, old: Path, new: Path) -> None:
        entered, may_go_on = threading.Event(), threading.Event()

        def waits(path: Path, requirements: UpdateRequirements) -> None:
            del path, requirements
            entered.set()
            assert may_go_on.wait(60)

        slow = threading.Thread(target=SlotStore(folder, examine=waits).install, args=(old, ANY))
        slow.start()
        try:
            assert entered.wait(60)
            with pytest.raises(DeviceError, match=r"another update .* is running"):
                quick_store(folder).install(new, ANY)
            assert quick_store(folder).state() is None
        finally:
            may_go_on.set()
            slow.join()
        assert versions(quick_store(folder).state()) == ("1.0.0", None)


def refusal(store: SlotStore, bundle: Path, requirements: UpdateRequirements = ANY) -> EdgeError:
    """An installation that is refused in one line, and changes nothing."""
    before = (store.token(), store.state(), bundles(store.folder))
    with pytest.raises(EdgeError) as caught:
        store.install(bundle, requirements)
    assert "\n" not in str(caught.value)
    assert (store.token(), store.state(), bundles(store.folder)) == before
    return caught.value


class TestRefusing:
    @pytest.fixture
    def store(self, folder: Path, old: Path) -> SlotStore:
        store = quick_store(folder)
        store.install(old, ANY)
        return store

    def test_a_file_with_another_digest(self, store: SlotStore, new: Path) -> None:
        error = refusal(store, new, UpdateRequirements(sha256="0" * 64))
        assert isinstance(error, DigestError)
        assert f"has SHA-256 {file_sha256(new)}, not 000" in str(error)

    def test_the_right_digest_is_taken_in_capitals_too(self, store: SlotStore, new: Path) -> None:
        store.install(new, UpdateRequirements(sha256=file_sha256(new).upper()))
        assert versions(store.state()) == ("1.1.0", "1.0.0")

    def test_a_folder_for_which_a_digest_is_given(self, store: SlotStore, tmp_path: Path) -> None:
        error = refusal(
            store, make_bundle(tmp_path / "bundle"), UpdateRequirements(sha256="0" * 64)
        )
        assert isinstance(error, UsageError)

    def test_a_damaged_file(self, store: SlotStore, new: Path) -> None:
        damage(new)
        error = refusal(store, new)
        assert isinstance(error, BundleError)
        assert str(new) in str(error)
        assert "incoming" not in str(error)

    @pytest.mark.parametrize("name", ["missing.edge", "a\0b", "/dev/null", "/dev/zero", "/proc"])
    def test_what_is_no_bundle(self, store: SlotStore, name: str, tmp_path: Path) -> None:
        assert isinstance(refusal(store, tmp_path / name), BundleError)

    def test_a_fifo_that_nobody_writes_to(self, store: SlotStore, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo.edge")
        assert isinstance(refusal(store, tmp_path / "fifo.edge"), BundleError)

    def test_a_bundle_that_fails_its_examination(self, folder: Path, old: Path, new: Path) -> None:
        def fails(path: Path, requirements: UpdateRequirements) -> None:
            del path, requirements
            raise GateError("not the lab's answer")

        quick_store(folder).install(old, ANY)
        assert "not the lab's" in str(refusal(SlotStore(folder, examine=fails), new))

    def test_an_unsigned_bundle_where_a_signature_is_required(
        self, store: SlotStore, new: Path
    ) -> None:
        error = refusal(store, new, UpdateRequirements(trusted_keys=(MAKER_KEY,)))
        assert isinstance(error, SignatureError)
        assert str(new) in str(error)

    def test_an_unsigned_bundle_after_one_for_which_a_signature_was_required(
        self, store: SlotStore, new: Path, tmp_path: Path
    ) -> None:
        """Nobody need think of the option each time."""
        slot = store.install(sign(new), UpdateRequirements(trusted_keys=(MAKER_KEY,)))
        assert slot.signed_by == MAKER_KEY.hex()
        third = make_bundle(tmp_path / "third.edge", "1.2.0")
        assert isinstance(refusal(store, third), SignatureError)
        assert store.install(sign(third), ANY).signed_by == MAKER_KEY.hex()
        fourth = make_bundle(tmp_path / "fourth.edge", "1.3.0")
        assert store.install(fourth, UpdateRequirements(may_be_unsigned=True)).signed_by == ""
        store.install(make_bundle(tmp_path / "fifth.edge", "1.4.0"), ANY)

    def test_the_active_bundle_unsigned_where_a_signature_is_required_now(
        self, store: SlotStore, old: Path
    ) -> None:
        require = UpdateRequirements(trusted_keys=(MAKER_KEY,))
        assert isinstance(refusal(store, old, require), SignatureError)
        assert store.install(sign(old), require).signed_by == MAKER_KEY.hex()
        state = state_of(store)
        assert not state.is_trial, "its content is what answers already"
        assert bundles(store.folder) == {state.active.path.name}

    def test_another_model(self, store: SlotStore, tmp_path: Path) -> None:
        other = make_bundle(tmp_path / "other.edge", "1.1.0", name="other")
        assert "--allow-other-model" in str(refusal(store, other))
        store.install(other, UpdateRequirements(may_be_other_model=True))
        assert state_of(store).active.model_name == "other"

    def test_an_older_version(self, store: SlotStore, tmp_path: Path) -> None:
        older = make_bundle(tmp_path / "older.edge", "0.9.12")
        assert "version 0.9.12 is older than 1.0.0" in str(refusal(store, older))
        store.install(older, UpdateRequirements(may_be_older=True))
        assert versions(store.state()) == ("0.9.12", "1.0.0")

    @pytest.mark.parametrize("version", ["1.0", "1.0.0.0", "v1.0.0", "1.0.1", "1.0.0-rc1", "night"])
    def test_only_versions_that_are_numbers_are_compared(
        self, store: SlotStore, version: str, tmp_path: Path
    ) -> None:
        store.install(make_bundle(tmp_path / "other.edge", version), ANY)
        assert state_of(store).active.model_version == version

    def test_a_bundle_that_was_rolled_back(self, store: SlotStore, new: Path) -> None:
        store.install(new, ANY)
        store.roll_back("it was slow")
        assert "rolled back on this machine before (it was slow)" in str(refusal(store, new))
        store.install(new, UpdateRequirements(may_be_again=True))
        store.begin()
        store.note_running(600)
        store.roll_back("by mistake")
        store.install(new, UpdateRequirements(may_be_again=True))

    def test_a_bundle_that_was_confirmed_since_it_was_rolled_back_is_no_suspect(
        self, store: SlotStore, new: Path, tmp_path: Path
    ) -> None:
        store.install(new, ANY)
        store.roll_back("the cable was loose")
        store.install(new, UpdateRequirements(may_be_again=True))
        store.begin()
        store.note_running(600)
        store.install(make_bundle(tmp_path / "third.edge", "1.2.0"), ANY)
        store.install(new, UpdateRequirements(may_be_older=True))
        assert state_of(store).active.model_version == "1.1.0"

    def test_a_bundle_for_which_there_is_no_room(
        self, store: SlotStore, new: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = shutil.disk_usage(store.folder)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2**25 - 1))
        error = refusal(store, new)
        assert isinstance(error, OutputError)
        assert "32 MiB must stay free" in str(error)


@pytest.mark.parametrize(
    "name", ["incoming.edge", "update.lock", "state.lock", ".slots.json.partial"]
)
def test_a_link_in_the_folder_leads_nobody_out_of_it(
    name: str, on_trial: Path, tmp_path: Path
) -> None:
    """Root installs into a folder that the kiosk's user owns."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret")
    outside.chmod(0o600)
    (on_trial / name).unlink(missing_ok=True)
    (on_trial / name).symlink_to(outside)
    third = make_bundle(tmp_path / "third.edge", "1.2.0")
    with suppress(OutputError):
        quick_store(on_trial).install(third, ANY)
    assert outside.read_bytes() == b"secret"
    assert stat.S_IMODE(outside.stat().st_mode) == 0o600
