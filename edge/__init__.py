"""edgedx runtime: an int8 model on a small board gives the answer it gave in the lab.

Three lines embed it::

    import edge
    model = edge.load("chest_xray.edge")
    print(model.run("film.png").top)

Research software, not a medical device.
"""

from edge.engines.base import Engine, EngineOptions
from edge.engines.replay_engine import ReplayEngine
from edge.errors import (
    BundleError,
    DecodeError,
    DeviceError,
    DeviceTimeoutError,
    DigestError,
    EdgeError,
    EngineError,
    EngineNotInstalledError,
    InputError,
    InputNotFoundError,
    InputTooLargeError,
    ManifestError,
    ModelMismatchError,
    ModelUnreadableError,
    OutputError,
    SignatureError,
    UnsupportedInputError,
    UsageError,
)
from edge.frame import Frame
from edge.model_loader import LoadOptions, load
from edge.pipeline import Model
from edge.record import Record
from edge.results import LatencyNs, ModelIdentity, OutputResult, Result, Score
from edge.streaming.open_stream import stream
from edge.tensor_spec import TensorSpec

__all__ = [
    "BundleError",
    "DecodeError",
    "DeviceError",
    "DeviceTimeoutError",
    "DigestError",
    "EdgeError",
    "Engine",
    "EngineError",
    "EngineNotInstalledError",
    "EngineOptions",
    "Frame",
    "InputError",
    "InputNotFoundError",
    "InputTooLargeError",
    "LatencyNs",
    "LoadOptions",
    "ManifestError",
    "Model",
    "ModelIdentity",
    "ModelMismatchError",
    "ModelUnreadableError",
    "OutputError",
    "OutputResult",
    "Record",
    "ReplayEngine",
    "Result",
    "Score",
    "SignatureError",
    "TensorSpec",
    "UnsupportedInputError",
    "UsageError",
    "__version__",
    "load",
    "stream",
]

__version__ = "0.1.0"
