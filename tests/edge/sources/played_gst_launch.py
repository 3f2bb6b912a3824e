"""Plays gst-launch-1.0 for a Jetson's camera: does what PLAYED_GST says, to the fd of `fdsink`."""

import itertools
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

play = json.loads(os.environ["PLAYED_GST"])
words = sys.argv[1:]
pipeline = " ".join(words)
width, height = (int(re.search(rf"{name}=(\d+)", pipeline)[1]) for name in ("width", "height"))
pixel_format = re.search(r"video/x-raw,format=(\w+)", pipeline)[1]
frames = int(re.search(r"fdsink fd=(\d+)", pipeline)[1])
frame_bytes = width * height * 4 if pixel_format == "BGRx" else width * height * 3 // 2

with Path(play["log"]).open("a", encoding="utf-8") as log:
    log.write(json.dumps({"words": words, "pid": os.getpid()}) + "\n")
# As NVIDIA's elements do: to standard output.
os.write(1, b"GST_ARGUS: Creating output stream\n")
if play.get("ignores_interrupt"):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
for number in itertools.count():
    if number == play.get("frames"):
        break
    os.write(frames, bytes([number % 200 + 20]) * frame_bytes)
    time.sleep(play.get("interval_s", 0.005))
os.write(frames, bytes([77]) * play.get("part", 0))
if play.get("hangs"):
    time.sleep(1000)
for line in play.get("says", []):
    os.write(2, f"{line}\n".encode())
sys.exit(play.get("code", 0))
