"""Cameras are seen without being opened."""

from pathlib import Path

import pytest
from board_trees import BoardName, change, lay_out_board

from devices.cameras import list_video_devices


@pytest.mark.parametrize(
    ("board", "roles"),
    [
        ("pi4", {"/dev/video0": "sensor", "/dev/video1": "codec"}),
        ("pi5", {"/dev/video0": "sensor"}),
        ("orin_nano", {"/dev/video0": "sensor"}),
    ],
)
def test_sensors_and_codecs_of_a_board_are_no_cameras(
    tmp_path: Path, board: BoardName, roles: dict[str, str]
) -> None:
    devices = list_video_devices(lay_out_board(tmp_path, board))
    assert {each.path: each.role for each in devices} == roles
    assert all(each.is_accessible for each in devices)


def test_a_usb_camera_is_listed_once_although_it_has_two_nodes(tmp_path: Path) -> None:
    folder = "sys/class/video4linux"
    files: dict[str, str | None] = {
        f"{folder}/video0/name": "HD Webcam: HD Webcam\n",
        f"{folder}/video0/index": "0\n",
        f"{folder}/video1/name": "HD Webcam: HD Webcam\n",
        f"{folder}/video1/index": "1\n",
        f"{folder}/video10/name": "Other\n",
        f"{folder}/v4l-subdev0/name": "imx219\n",
        "dev/video0": "",
    }
    change(tmp_path, files)
    found = [(each.path, each.role, each.is_accessible) for each in list_video_devices(tmp_path)]
    assert found == [("/dev/video0", "camera", True), ("/dev/video10", "camera", False)]


def test_no_camera_is_no_error(tmp_path: Path) -> None:
    assert list_video_devices(tmp_path / "nowhere") == ()
