"""Every entry that was acknowledged is there after a loss of power at any step.

SIGKILL cannot show that: the kernel still writes what a killed process had written. So the disk
keeps books on what was synced, and a journal is opened on everything that may be left.
"""

import shutil
from pathlib import Path

import pytest
from journal_samples import SMALL, answer, check_whole, filled, segments
from power_cut_disk import PowerCutDisk, lay_out

from edge.kiosk.journal.bounds import JournalLimits
from edge.kiosk.journal.journal import Journal, Receipt
from edge.kiosk.journal.verify import verify_journal


class PowerCuts:
    """Collects what may be left after each step, with the receipts that were given by then."""

    def __init__(self, root: Path, every: int = 0, *, is_stored: bool = True) -> None:
        self.acknowledged: list[Receipt] = []
        self.cases: list[tuple[dict[str, bytes | None], list[Receipt]]] = []
        self._every = every
        self.disk = PowerCutDisk(root, self._note, is_stored=is_stored)

    def _note(self) -> None:
        if not hasattr(self, "disk"):
            return
        for files in self.disk.survivors(self._every):
            case = (files, list(self.acknowledged))
            if case not in self.cases[-40:]:
                self.cases.append(case)


def run_with_power_cuts(
    root: Path, count: int, limits: JournalLimits, every: int = 0, *, is_stored: bool = True
):
    root.mkdir(exist_ok=True)
    cuts = PowerCuts(root, every, is_stored=is_stored)
    with Journal(root, limits, disk=cuts.disk) as journal:
        for index in range(count):
            # Several at once, so that lines of one sync are torn apart too.
            futures = [journal.submit(answer(10 * index + each)) for each in range(index % 3 + 1)]
            receipts = [each.result(60) for each in futures]
            cuts.acknowledged += receipts
    return cuts.cases


def is_kept(folder: Path, receipts: list[Receipt]) -> None:
    """Open what is left, and go on writing."""
    with Journal(folder, SMALL) as journal:
        check_whole(folder, receipts)
        receipts = [*receipts, journal.append(answer(999))]
    check_whole(folder, receipts)


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_whenever_the_power_goes(tmp_path):
    cases = run_with_power_cuts(tmp_path / "j", 12, SMALL)
    assert len(segments(tmp_path / "j")) > 2
    assert len(cases) > 60
    for number, (files, receipts) in enumerate(cases):
        lay_out(tmp_path / str(number), files)
        is_kept(tmp_path / str(number), receipts)
        shutil.rmtree(tmp_path / str(number))


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_wherever_the_last_write_is_cut(tmp_path):
    filled(tmp_path / "j", 1)
    cases = run_with_power_cuts(tmp_path / "j", 2, SMALL, every=61)
    assert len(cases) > 20
    for number, (files, receipts) in enumerate(cases):
        lay_out(tmp_path / str(number), files)
        is_kept(tmp_path / str(number), receipts)
        shutil.rmtree(tmp_path / str(number))


@pytest.mark.slow
def test_the_power_may_go_while_the_oldest_segments_are_removed(tmp_path):
    limits = JournalLimits(max_bytes=20_000, segment_bytes=4096, min_free_bytes=0)
    filled(tmp_path / "j", 25, limits)
    cases = run_with_power_cuts(tmp_path / "j", 8, limits)
    for number, (files, receipts) in enumerate(cases):
        folder = tmp_path / str(number)
        lay_out(folder, files)
        Journal(folder, limits).close()
        found = verify_journal(folder, receipts)
        assert all("removed by the bounds" in each.what for each in found.breaks), found.breaks
        assert found.first_sequence > 1
        shutil.rmtree(folder)


@pytest.mark.parametrize("damage", ["torn", "middle"])
def test_the_power_may_go_again_while_a_journal_is_being_recovered(tmp_path, damage):
    receipts = filled(tmp_path / "j", 20)
    newest = segments(tmp_path / "j")[-1]
    if damage == "torn":
        newest.write_bytes(newest.read_bytes() + b'{"sha256":"12')
    else:
        newest.write_bytes(newest.read_bytes().replace(b"onnxruntime", b"onnxRuntime", 1))
        receipts = []
    cases = run_with_power_cuts(tmp_path / "j", 1, SMALL)
    assert len(cases) > 5
    for number, (files, given) in enumerate(cases):
        folder = tmp_path / str(number)
        lay_out(folder, files)
        with Journal(folder, SMALL) as journal:
            last = journal.append(answer(1))
        found = verify_journal(folder, [*receipts, *given, last])
        expected = ["damaged-000001"] if damage == "middle" else []
        assert sorted({each.file.partition("/")[0] for each in found.breaks}) == expected
        shutil.rmtree(folder)


def test_what_a_killed_process_left_unsynced_is_stored_before_anything_hangs_on_it(tmp_path):
    # One entry: what a process leaves that is killed just before its first sync.
    filled(tmp_path / "j", 1)
    cases = run_with_power_cuts(tmp_path / "j", 3, SMALL, is_stored=False)
    assert any(receipts for _, receipts in cases)
    for number, (files, receipts) in enumerate(cases):
        lay_out(tmp_path / str(number), files)
        is_kept(tmp_path / str(number), receipts)
