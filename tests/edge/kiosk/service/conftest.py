"""Makes the helpers beside these tests, and those of bundles and slots, importable."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
EDGE = HERE.parents[1]
for folder in (HERE, EDGE, EDGE / "bundle", EDGE / "kiosk" / "slots"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
