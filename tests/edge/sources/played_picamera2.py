"""A module with the part of picamera2's interface that is used, for a test to put on the path.

Names, arguments, shapes and errors are those of picamera2 0.3.36: a format is named by the order
of bits in a little-endian word, sizes have even sides, an unknown number is an IndexError, a busy
camera a RuntimeError that wraps another, and a wait that is too long a TimeoutError.
"""

import time
from concurrent.futures import TimeoutError as FutureTimeoutError

import numpy as np

CHANNELS = {"RGB888": "BGR", "BGR888": "RGB", "XRGB8888": "BGRX", "XBGR8888": "RGBX"}
LEVELS = {"R": 200, "G": 100, "B": 50, "X": 255}

state = {
    "cameras": 1,
    "is_busy": False,
    "is_silent": False,
    "largest": (1920, 1080),
    "opened": [],
    "closed": 0,
    "released": 0,
    "flushed": 0,
    "broken_arrays": 0,
}


class Picamera2:
    def __init__(self, camera_num=0):
        list(range(state["cameras"]))[camera_num]
        if state["is_busy"]:
            cause = RuntimeError("Failed to acquire camera: Device or resource busy")
            raise RuntimeError("Camera __init__ sequence did not complete.") from cause
        self.configuration = None
        self.is_started = False
        state["opened"].append(camera_num)

    def create_video_configuration(self, main={}, controls={}, queue=True, buffer_count=6):  # noqa: B006
        main = {"format": "XBGR8888", "size": (1280, 720), "preserve_ar": True} | main
        return {"main": main, "controls": controls, "queue": queue, "buffer_count": buffer_count}

    def configure(self, camera_config):
        main = camera_config["main"]
        if any(side % 2 for side in main["size"]):
            raise RuntimeError("width and height should be even")
        size = tuple(min(pair) for pair in zip(main["size"], state["largest"], strict=True))
        self.configuration = camera_config | {"main": main | {"size": size}}

    def camera_configuration(self):
        return self.configuration

    def start(self):
        self.is_started = True

    def capture_request(self, wait=None):
        if state["is_silent"]:
            time.sleep(wait)
            raise FutureTimeoutError
        lowest_us, _ = self.configuration["controls"]["FrameDurationLimits"]
        time.sleep(lowest_us / 1e6)
        return CompletedRequest(self.configuration)

    def cancel_all_and_flush(self):
        state["flushed"] += 1

    def close(self):
        state["closed"] += 1


class CompletedRequest:
    def __init__(self, configuration):
        self.main = configuration["main"]
        self.stamp_ns = time.monotonic_ns() - 5_000_000

    def get_metadata(self):
        return {"SensorTimestamp": self.stamp_ns, "ExposureTime": 10_000}

    def make_array(self, name):
        assert name == "main"
        if state["broken_arrays"]:
            state["broken_arrays"] -= 1
            raise ValueError("cannot reshape array of size 7")
        width, height = self.main["size"]
        levels = [LEVELS[each] for each in CHANNELS[self.main["format"]]]
        return np.full((height, width, len(levels)), levels, np.uint8)

    def release(self):
        state["released"] += 1
