"""The comparison of the journal with SQLite runs, and its record can be read."""

import msgspec

from benchmarks.kiosk.journal_contestants import CONTESTANTS
from benchmarks.kiosk.journal_cost import JournalCost, compare_journals, format_table


def test_all_store_the_same_entries_in_turn_and_the_record_keeps_each_time(tmp_path):
    cost = compare_journals(tmp_path, groups=3, rounds=2, command="as called")
    assert set(cost.blocks) == {1, 8}
    for blocks in cost.blocks.values():
        assert set(blocks) == set(CONTESTANTS)
        assert all(len(each) == 2 for each in blocks.values())
        assert all(len(block.group_ns) == 3 for each in blocks.values() for block in each)
    assert all(size > 9 * 1000 for size in cost.file_bytes.values())
    assert not list(tmp_path.iterdir())
    assert msgspec.json.decode(msgspec.json.encode(cost), type=JournalCost) == cost
    table = format_table(cost)
    assert "| 8 | time |" in table
    assert "6 entries on each side" in table
    assert "Made by `as called`." in table
