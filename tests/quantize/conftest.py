"""What the toolchain's tests share."""

import sys
from pathlib import Path

from hypothesis import settings

# How long an example takes is the machine's affair.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

sys.path.insert(0, str(Path(__file__).parent))
