"""Where a kernel acts on heat."""

from pathlib import Path

from board_trees import change

from devices.trip_points import TripPoint, read_trip_points

ZONE = "sys/class/thermal/thermal_zone0"


def test_trip_points_are_read_with_their_kinds(tmp_path: Path) -> None:
    files: dict[str, str | None] = {
        f"{ZONE}/type": "cpu-thermal\n",
        f"{ZONE}/trip_point_0_temp": "110000\n",
        f"{ZONE}/trip_point_0_type": "critical\n",
        f"{ZONE}/trip_point_1_temp": "50000\n",
        f"{ZONE}/trip_point_1_type": "active\n",
    }
    change(tmp_path, files)
    assert read_trip_points(tmp_path) == (
        TripPoint("0 cpu-thermal", "critical", 110.0),
        TripPoint("0 cpu-thermal", "active", 50.0),
    )


def test_what_is_switched_off_or_unreadable_is_left_out(tmp_path: Path) -> None:
    files: dict[str, str | None] = {
        f"{ZONE}/trip_point_0_temp": "0\n",
        f"{ZONE}/trip_point_0_type": "passive\n",
        f"{ZONE}/trip_point_1_temp": "soon\n",
        f"{ZONE}/trip_point_1_type": "critical\n",
        f"{ZONE}/trip_point_2_temp": "95000\n",
    }
    change(tmp_path, files)
    assert read_trip_points(tmp_path) == ()
    assert read_trip_points(tmp_path / "nowhere") == ()
