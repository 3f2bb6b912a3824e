"""The errors that edgedx raises, one tree.

::

    EdgeError                      exit code  stable code
    ├── UsageError                 2          usage
    ├── InputError (ValueError)    3          input
    │   ├── InputNotFoundError     3          input_not_found
    │   ├── DecodeError            3          input_undecodable
    │   ├── InputTooLargeError     3          input_too_large
    │   └── UnsupportedInputError  3          input_unsupported
    ├── BundleError (ValueError)   4          bundle
    │   ├── ManifestError          4          manifest
    │   ├── DigestError            4          digest
    │   └── SignatureError         4          signature
    ├── EngineError                5          engine
    │   ├── EngineNotInstalledError 5         engine_not_installed
    │   ├── ModelMismatchError (also BundleError) 4 model_mismatch
    │   └── ModelUnreadableError (also BundleError) 4 model_unreadable
    ├── DeviceError                5          device
    │   └── DeviceTimeoutError     5          device_timeout
    ├── GateError                  1          gate
    └── OutputError                5          output

Every message is one line: what failed, the value seen, and the way out.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BundleError",
    "DecodeError",
    "DeviceError",
    "DeviceTimeoutError",
    "DigestError",
    "EdgeError",
    "EngineError",
    "EngineNotInstalledError",
    "GateError",
    "InputError",
    "InputNotFoundError",
    "InputTooLargeError",
    "ManifestError",
    "ModelMismatchError",
    "ModelUnreadableError",
    "OutputError",
    "SignatureError",
    "UnsupportedInputError",
    "UsageError",
]


class EdgeError(Exception):
    """Root of every error that edgedx raises on purpose.

    Attributes:
        code: stable machine-readable name, written to JSON Lines.
        exit_code: what a command that ends with this error returns.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 5


class UsageError(EdgeError):
    """The call cannot mean anything: options that contradict or a missing argument."""

    code = "usage"
    exit_code = 2


class InputError(EdgeError, ValueError):
    """An input file, stream or array cannot be used."""

    code = "input"
    exit_code = 3


class InputNotFoundError(InputError):
    """A named input does not exist or cannot be opened."""

    code = "input_not_found"


class DecodeError(InputError):
    """Bytes are empty, truncated or damaged."""

    code = "input_undecodable"


class InputTooLargeError(InputError):
    """An input is over the stated size limits; nothing of it was unpacked."""

    code = "input_too_large"


class UnsupportedInputError(InputError):
    """An input is well formed but of a kind that the model or the runtime does not take."""

    code = "input_unsupported"


class BundleError(EdgeError, ValueError):
    """A bundle is refused whole."""

    code = "bundle"
    exit_code = 4


class ManifestError(BundleError):
    """`manifest.json` is malformed; the message names every fault found."""

    code = "manifest"


class DigestError(BundleError):
    """A file in the bundle is not the one the manifest names."""

    code = "digest"


class SignatureError(BundleError):
    """A bundle is not signed by a maker who is trusted, or was changed since it was signed."""

    code = "signature"


class EngineError(EdgeError):
    """An inference engine failed."""

    code = "engine"
    exit_code = 5


class EngineNotInstalledError(EngineError):
    """No engine that can run the artifact is installed; the message names the extra."""

    code = "engine_not_installed"


class ModelMismatchError(EngineError, BundleError):
    """The model file does not have the tensors that its manifest promises."""

    code = "model_mismatch"
    exit_code = 4


class ModelUnreadableError(EngineError, BundleError):
    """An engine does not accept the model file: it is damaged, or uses what the engine lacks."""

    code = "model_unreadable"
    exit_code = 4


class DeviceError(EdgeError):
    """A camera, a stream or another part of the device failed."""

    code = "device"
    exit_code = 5


class DeviceTimeoutError(DeviceError):
    """A camera or stream did not answer before its deadline."""

    code = "device_timeout"


class GateError(EdgeError):
    """What was asked for could be made, but must not be shipped; the message says why."""

    code = "gate"
    exit_code = 1


class OutputError(EdgeError):
    """An output could not be written; no partial file is left."""

    code = "output"
    exit_code = 5
