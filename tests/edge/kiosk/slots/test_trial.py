"""A new bundle proves itself, or the one before comes back by itself."""

from pathlib import Path

import pytest
from slot_samples import ANY, bundles, damage, make_bundle, quick_store, state_of, versions

from edge.errors import BundleError


class TestTrying:
    def test_a_service_that_runs_starts_each_bundle_that_it_takes_up_anew(
        self, folder: Path, old: Path, new: Path, tmp_path: Path
    ) -> None:
        """What the bundle before ran well is not the new one's, and a crash from now on is."""
        service = quick_store(folder)
        service.install(old, ANY)
        service.begin()
        quick_store(folder).install(new, ANY)
        assert service.begin().starts_in_trial == 1
        assert service.note_running(9).trial_left_ms == 600_000
        quick_store(folder).install(make_bundle(tmp_path / "third.edge", "1.2.0"), ANY)
        assert service.begin().starts_in_trial == 1
        assert service.note_running(9).trial_left_ms == 600_000
        assert service.note_running(1).trial_left_ms == 590_000

    def test_a_trial_shorter_than_a_step_of_the_disk_ends_in_its_time(
        self, folder: Path, old: Path, new: Path
    ) -> None:
        store = quick_store(folder, trial_s=3)
        store.install(old, ANY)
        store.install(new, ANY)
        store.begin()
        assert store.note_running(2.9).is_trial
        assert not store.note_running(0.1).is_trial

    def test_enough_time_that_ran_well_confirms_it(self, on_trial: Path) -> None:
        store = quick_store(on_trial)
        store.begin()
        for _ in range(59):
            assert store.note_running(10).is_trial
        assert store.note_running(9).trial_left_ms == 10_000, "stored in steps, to spare the disk"
        state = store.note_running(1)
        assert not state.is_trial
        assert versions(state) == ("1.1.0", "1.0.0")
        assert store.history()[-1].kind == "confirmed"

    def test_time_is_summed_over_starts(self, on_trial: Path) -> None:
        first = quick_store(on_trial)
        first.begin()
        first.note_running(400)
        first.note_stopped()
        second = quick_store(on_trial)
        assert second.begin().trial_left_ms == 200_000
        assert not second.note_running(200).is_trial

    def test_the_trial_of_one_s_own_length_holds_whatever_the_service_was_told(
        self, folder: Path, old: Path, new: Path
    ) -> None:
        store = quick_store(folder, trial_s=60)
        store.install(old, ANY)
        store.install(new, ANY)
        assert quick_store(folder, trial_s=5000).begin().trial_left_ms == 60_000

    @pytest.mark.parametrize("running_s", [float("nan"), float("inf"), -1e9, 0.0])
    def test_a_clock_that_jumps_confirms_nothing(self, on_trial: Path, running_s: float) -> None:
        store = quick_store(on_trial)
        store.begin()
        assert store.note_running(running_s).trial_left_ms == 600_000

    def test_a_third_failure_brings_the_old_one_back(self, on_trial: Path) -> None:
        store = quick_store(on_trial)
        store.begin()
        for count in (1, 2):
            state = store.note_failure("the worker crashed")
            assert (state.is_trial, state.failures_in_trial) == (True, count)
        state = store.note_failure("the worker was stuck")
        assert versions(state) == ("1.0.0", None)
        assert not state.is_trial
        last = store.history()[-1]
        assert (last.kind, last.model, last.reason) == (
            "rolled_back",
            "sample 1.1.0",
            "the worker was stuck",
        )
        assert bundles(on_trial) == {state.active.path.name}

    def test_a_wrong_golden_answer_brings_the_old_one_back_at_once(self, on_trial: Path) -> None:
        store = quick_store(on_trial)
        store.begin()
        assert versions(store.note_failure("wrong", is_golden=True)) == ("1.0.0", None)

    def test_a_fourth_start_after_crashes_brings_the_old_one_back(self, on_trial: Path) -> None:
        for count in (1, 2, 3):
            state = quick_store(on_trial).begin()
            assert (versions(state)[0], state.starts_in_trial) == ("1.1.0", count)
        state = quick_store(on_trial).begin()
        assert versions(state) == ("1.0.0", None)
        assert quick_store(on_trial).history()[-1].reason == "crashed or failed 3 times on trial"

    def test_crashes_and_failures_are_counted_together(self, on_trial: Path) -> None:
        quick_store(on_trial).begin()
        store = quick_store(on_trial)
        assert store.begin().failures_in_trial == 1
        assert store.note_failure("stuck").failures_in_trial == 2
        assert not store.note_failure("stuck").is_trial

    def test_starts_that_ended_in_good_order_are_no_crashes(self, on_trial: Path) -> None:
        for _ in range(10):
            store = quick_store(on_trial)
            assert store.begin().failures_in_trial == 0
            store.note_stopped()

    def test_a_service_that_begins_again_without_having_ended_has_not_crashed(
        self, on_trial: Path
    ) -> None:
        store = quick_store(on_trial)
        for _ in range(10):
            assert store.begin().starts_in_trial == 1

    def test_outside_a_trial_failures_change_nothing(self, folder: Path, old: Path) -> None:
        store = quick_store(folder)
        store.install(old, ANY)
        store.begin()
        token = store.token()
        for _ in range(9):
            store.note_failure("stuck", is_golden=True)
            store.note_running(1e6)
        store.note_stopped()
        assert not store.changed_since(token)

    def test_failures_of_the_bundle_before_are_not_laid_at_the_new_one_s_door(
        self, folder: Path, old: Path, new: Path, tmp_path: Path
    ) -> None:
        service, updater = quick_store(folder), quick_store(folder)
        updater.install(old, ANY)
        service.begin()
        updater.install(new, ANY)
        assert service.note_failure("the old one's worker", is_golden=True).is_trial
        assert service.note_running(1e6).is_trial
        service.begin()
        updater.install(make_bundle(tmp_path / "third.edge", "1.2.0"), ANY)
        assert service.note_failure("the second's worker", is_golden=True).is_trial
        assert versions(service.state()) == ("1.2.0", "1.0.0")

    def test_a_damaged_way_back_keeps_the_new_one_and_says_so(self, on_trial: Path) -> None:
        store = quick_store(on_trial)
        damage(store.begin().previous.path)
        state = store.note_failure("wrong", is_golden=True)
        assert versions(state) == ("1.1.0", None)
        assert store.history()[-1].kind == "stayed"


class TestGoingBack:
    def test_by_hand_from_a_confirmed_bundle(self, on_trial: Path) -> None:
        store = quick_store(on_trial)
        store.begin()
        store.note_running(600)
        assert versions(store.roll_back("asked for")) == ("1.0.0", None)

    def test_where_there_is_nothing_to_go_back_to(self, folder: Path, old: Path) -> None:
        store = quick_store(folder)
        store.install(old, ANY)
        with pytest.raises(BundleError, match="no bundle to go back to"):
            store.roll_back("asked for")

    def test_to_a_damaged_bundle_is_refused(self, on_trial: Path) -> None:
        store = quick_store(on_trial)
        damage(state_of(store).previous.path)
        with pytest.raises(BundleError, match=r"cannot go back to sample 1\.0\.0"):
            store.roll_back("asked for")
        assert versions(store.state()) == ("1.1.0", "1.0.0")

    @pytest.mark.parametrize("harm", [damage, Path.unlink], ids=["damaged", "gone"])
    @pytest.mark.parametrize("is_confirmed", [False, True])
    def test_a_start_with_a_damaged_file(self, on_trial: Path, is_confirmed: bool, harm) -> None:
        store = quick_store(on_trial)
        if is_confirmed:
            store.begin()
            store.note_running(600)
        harm(state_of(store).active.path)
        state = quick_store(on_trial).begin()
        assert versions(state) == ("1.0.0", None)
        assert "damaged" in store.history()[-1].reason

    def test_a_start_with_both_files_damaged_says_so(self, on_trial: Path) -> None:
        store = quick_store(on_trial)
        damage(state_of(store).active.path)
        damage(state_of(store).previous.path)
        with pytest.raises(BundleError, match="is damaged, and so is the previous one") as caught:
            store.begin()
        assert "apply a bundle anew" in str(caught.value)

    def test_a_start_of_nothing_says_what_to_do(self, folder: Path) -> None:
        with pytest.raises(BundleError, match="no bundle is installed"):
            quick_store(folder).begin()
