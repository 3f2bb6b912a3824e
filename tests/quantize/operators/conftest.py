"""Let the tests of this folder import helpers, and those of the TFLite tests, by name."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tflite")]
