"""The state of the slots as it is stored: noticed, bounded, mended, never guessed."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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

from edge.errors import BundleError, DeviceError, EdgeError, SignatureError, UsageError
from edge.kiosk.slots.store import UpdateRequirements


class TestStateFile:
    def test_a_poller_sees_each_switch_and_nothing_else(self, on_trial: Path, new: Path) -> None:
        service = quick_store(on_trial)
        token = service.token()
        assert not service.changed_since(token)
        quick_store(on_trial).install(new, ANY)
        assert not service.changed_since(token)
        quick_store(on_trial).roll_back("asked for")
        assert service.changed_since(token)
        assert not service.changed_since(service.token())

    @pytest.mark.parametrize(
        "content",
        [b"", b"{}", b"\x00" * 700, b"[" * 100_000, b"null", b"\xff"],
        ids=["empty", "an object", "zeros", "deep", "null", "no UTF-8"],
    )
    def test_a_damaged_state_file_is_mended_from_its_copy(
        self, on_trial: Path, content: bytes
    ) -> None:
        (on_trial / "slots.json").write_bytes(content)
        store = quick_store(on_trial)
        assert versions(store.state()) == ("1.1.0", "1.0.0")
        assert versions(store.begin()) == ("1.1.0", "1.0.0")
        assert "repaired" in [each.kind for each in store.history()]
        (on_trial / "slots.copy.json").unlink()
        assert versions(store.state()) == ("1.1.0", "1.0.0")

    def test_any_changed_byte_is_noticed(self, on_trial: Path) -> None:
        """A wrong digit in a number is as bad as a missing brace."""
        path = on_trial / "slots.json"
        (on_trial / "slots.copy.json").unlink()
        sound = path.read_bytes()
        before = quick_store(on_trial).state()
        for place in range(0, len(sound), 5):
            changed = bytearray(sound)
            changed[place] ^= 2
            path.write_bytes(changed)
            try:
                assert quick_store(on_trial).state() == before
            except BundleError as error:
                assert "\n" not in str(error)  # noqa: PT017 - white space may change

    def test_where_both_copies_are_lost_only_a_bundle_helps(
        self, on_trial: Path, new: Path
    ) -> None:
        for name in ("slots.json", "slots.copy.json"):
            (on_trial / name).write_bytes(b"?")
        store = quick_store(on_trial)
        for use in (store.state, store.begin, lambda: store.roll_back("asked for")):
            with pytest.raises(BundleError, match="apply a bundle anew"):
                use()
        store.install(new, UpdateRequirements(may_be_unsigned=True))
        assert versions(store.begin()) == ("1.1.0", None)
        assert len(bundles(on_trial)) == 1

    def test_a_state_that_is_lost_lets_no_unsigned_bundle_in_and_no_bundle_go(
        self, folder: Path, tmp_path: Path, new: Path
    ) -> None:
        """Which keys were asked for is lost with it: an unsigned bundle needs to be allowed."""
        store = quick_store(folder)
        signed = sign(make_bundle(tmp_path / "signed.edge"))
        store.install(signed, UpdateRequirements(trusted_keys=(MAKER_KEY,)))
        before = bundles(folder)
        for name in ("slots.json", "slots.copy.json"):
            (folder / name).write_bytes(b"?")
        with pytest.raises(UsageError, match=r"--require-signature .* or --allow-unsigned"):
            store.install(new, ANY)
        with pytest.raises(SignatureError, match="is not signed"):
            store.install(new, UpdateRequirements(trusted_keys=(MAKER_KEY,)))
        assert bundles(folder) == before
        store.install(signed, UpdateRequirements(trusted_keys=(MAKER_KEY,)))
        with pytest.raises(SignatureError, match="is not signed"):
            store.install(new, ANY)

    def test_a_switch_that_is_made_is_not_called_a_failure_for_want_of_the_copy(
        self, on_trial: Path
    ) -> None:
        (on_trial / "slots.copy.json").unlink()
        (on_trial / "slots.copy.json").mkdir()
        store = quick_store(on_trial)
        assert versions(store.roll_back("asked for")) == ("1.0.0", None)
        assert versions(store.state()) == ("1.0.0", None)

    def test_the_history_is_bounded(self, on_trial: Path, tmp_path: Path) -> None:
        store = quick_store(on_trial)
        pair = [make_bundle(tmp_path / f"{each}.edge", f"2.0.{each}") for each in range(2)]
        for each in range(60):
            store.install(pair[each % 2], UpdateRequirements(may_be_older=True))
        assert len(store.history()) == 50
        assert (on_trial / "slots.json").stat().st_size < 40_000

    def test_what_an_update_ended_by_force_left_is_cleared_away(
        self, on_trial: Path, tmp_path: Path
    ) -> None:
        (on_trial / "incoming.edge").write_bytes(b"half")
        (on_trial / ("a-" + "0" * 16 + ".edge")).write_bytes(b"whole, but never switched to")
        (on_trial / "notes.txt").write_bytes(b"not ours")
        quick_store(on_trial).install(make_bundle(tmp_path / "third.edge", "1.2.0"), ANY)
        assert len(bundles(on_trial)) == 2
        assert (on_trial / "notes.txt").exists()

    def test_what_is_no_folder_is_not_called_a_damaged_state(self, old: Path, new: Path) -> None:
        for use in (quick_store(old).state, lambda: quick_store(old).install(new, ANY)):
            with pytest.raises(EdgeError, match=r"is no folder|not a directory"):
                use()

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_state_that_this_user_may_not_read_is_not_called_damaged(
        self, on_trial: Path
    ) -> None:
        (on_trial / "slots.json").chmod(0)
        with pytest.raises(DeviceError, match="permission denied"):
            quick_store(on_trial).state()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("install"), st.integers(1, 3)),
        st.just(("begin", 0)),
        st.just(("new process", 0)),
        st.tuples(st.just("run"), st.integers(0, 400)),
        st.just(("failure", 0)),
        st.just(("golden", 0)),
        st.just(("stop", 0)),
        st.just(("roll back", 0)),
        st.just(("damage", 0)),
    ),
    max_size=14,
)


class Life:
    """What may happen to a folder of slots, in any order."""

    def __init__(self, folder: Path) -> None:
        self.slots = folder / "slots"
        self.bundles = [make_bundle(folder / f"{each}.edge", f"1.{each}.0") for each in range(4)]
        self.store = quick_store(self.slots)
        self.store.install(self.bundles[0], ANY)
        self.is_damaged = False

    def step(self, name: str, value: int) -> None:
        allowed = UpdateRequirements(may_be_older=True, may_be_again=True)
        {
            "install": lambda: self.store.install(self.bundles[value], allowed),
            "begin": self.store.begin,
            "new process": self.new_process,
            "run": lambda: self.store.note_running(value),
            "failure": lambda: self.store.note_failure("a reason"),
            "golden": lambda: self.store.note_failure("a reason", is_golden=True),
            "stop": self.store.note_stopped,
            "roll back": lambda: self.store.roll_back("a reason"),
            "damage": self.damage,
        }[name]()

    def new_process(self) -> None:
        self.store = quick_store(self.slots)

    def damage(self) -> None:
        damage(state_of(self.store).active.path)
        self.is_damaged = True


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(steps=STEPS)
def test_whatever_happens_the_active_bundle_is_whole_or_that_is_said(
    steps: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    life = Life(tmp_path_factory.mktemp("life"))
    for name, value in steps:
        try:
            life.step(name, value)
        except BundleError:
            assert life.is_damaged or state_of(life.store).previous is None
    state = state_of(life.store)
    assert not (state.is_trial and state.previous is None)
    assert state.previous is None or state.previous.name != state.active.name
    assert bundles(life.slots) == {
        each.path.name for each in (state.active, state.previous) if each is not None
    }
    if not life.is_damaged:
        passes(quick_store(life.slots).begin().active.path, ANY)
