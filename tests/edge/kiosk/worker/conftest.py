"""Makes the helpers of the service's tests, and those of bundles, importable."""

import sys
from pathlib import Path

EDGE = Path(__file__).parents[2]
KIOSK = EDGE / "kiosk"
for folder in (EDGE, EDGE / "bundle", KIOSK / "service", KIOSK / "slots"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
