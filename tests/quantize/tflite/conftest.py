"""Makes `tflite_cases` importable: pytest's importlib mode leaves test folders off the path.

And the ONNX operators' cases of the folder beside this one.
"""

import sys
from pathlib import Path

_FOLDER = Path(__file__).parent
sys.path.insert(0, str(_FOLDER))
sys.path.append(str(_FOLDER.parent / "operators"))
