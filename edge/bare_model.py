"""Bare .onnx and .tflite files: what they say of themselves, and what the user adds.

A bare file carries no manifest. The files that edge-quantize writes hold theirs in their
metadata; of any other the user must say how pixels become input values, because a guess would
print numbers that are not true.
"""

from __future__ import annotations

import hashlib
import math
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edge.engines.base import Engine, EngineOptions
from edge.engines.selection import create_engine, is_installed
from edge.errors import (
    BundleError,
    EngineNotInstalledError,
    UnsupportedInputError,
    UsageError,
)
from edge.model_parts import ModelParts, fits_shape, stored_shape
from edge.opencv import prepare_for
from edge.results import ModelIdentity
from edge.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from edge.bundle.manifest import Artifact, ImageInput, Input, Output, Precision
    from edge.model_loader import LoadOptions

__all__ = [
    "BARE_ENGINES",
    "MAX_MODEL_BYTES",
    "BareModelOptions",
    "open_bare_model",
    "parse_numbers",
    "parse_size",
]

# Protobuf and flatbuffers both end at 2 GiB.
MAX_MODEL_BYTES = 2**31 - 1
# More values than any list of findings has: such an output is a picture or a sequence.
_MOST_LABELS = 10_000

BARE_ENGINES: dict[str, Literal["onnxruntime", "litert"]] = {
    ".onnx": "onnxruntime",
    ".tflite": "litert",
}
_IMAGE_DIMENSIONS = 4
_CHANNELS = (1, 3)


@dataclass(frozen=True, slots=True)
class BareModelOptions:
    """What a bare model file does not say; None where it does or a default holds.

    Attributes:
        labels: one a value of the output.
        kind: how the output is read; classification by default.
        activation: what turns the output into scores; "none" by default.
        colour: grey for one channel, rgb for three by default.
        scale: factor on pixels in 0..255, applied before `mean`; 1 by default.
        mean: one number, or one a channel.
        std: one number, or one a channel.
        resize: "stretch" by default.
        size: (width, height) where the model leaves its size open.
    """

    labels: tuple[str, ...] | None = None
    kind: Literal["classification", "multilabel", "regression"] | None = None
    activation: Literal["none", "softmax", "sigmoid"] | None = None
    colour: Literal["grey", "rgb", "bgr"] | None = None
    scale: float | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    resize: Literal["stretch", "letterbox", "crop", "exact"] | None = None
    size: tuple[int, int] | None = None

    @property
    def says_values(self) -> bool:
        """Whether the user said how pixels become input values."""
        return any(each is not None for each in (self.scale, self.mean, self.std))


def parse_numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    """Read "0.485,0.456,0.406".

    Raises:
        UsageError: a part is no finite number.
    """
    if text is None:
        return None
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not numbers or not all(map(math.isfinite, numbers)):
        raise UsageError(
            f"{option} is {text[:40]!r}; give one number, or one a channel: 0.5,0.5,0.5",
        )
    return numbers


def parse_size(option: str, text: str | None) -> tuple[int, int] | None:
    """Read "224x224" as (width, height).

    Raises:
        UsageError: it is not two positive whole numbers.
    """
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    from edge.bundle.input_checks import MAX_SIDE_PIXELS

    digits = len(str(MAX_SIDE_PIXELS))
    sides = [
        int(side) if side.isascii() and side.isdecimal() and len(side) <= digits else 0
        for side in (width, height)
    ]
    if not all(1 <= side <= MAX_SIDE_PIXELS for side in sides):
        raise UsageError(
            f"{option} is {text[:40]!r}; give WIDTHxHEIGHT, for example 224x224, "
            f"at most {MAX_SIDE_PIXELS} on a side",
        )
    return sides[0], sides[1]


def open_bare_model(
    path: Path,
    options: LoadOptions,
    *,
    stand_in: Engine | None,
    start_ns: int,
) -> ModelParts:
    """Load a model file that has no bundle around it.

    Args:
        path: a .onnx or .tflite file.
        options: which engine, and what the file does not say.
        stand_in: an engine that answers instead of the file's own.
        start_ns: time.perf_counter_ns() when loading began.

    Raises:
        BundleError: the file cannot be read or points outside itself.
        UsageError: the file does not say how pixels become input values, nor does the user.
        UnsupportedInputError: its input is no picture.
    """
    engine_name = BARE_ENGINES[path.suffix.lower()]
    if options.engine not in ("auto", engine_name):
        raise UsageError(
            f"{path} runs on {engine_name}, not on {options.engine}; drop --engine or "
            "give the other file",
        )
    data = _read(path)
    if engine_name == "onnxruntime":
        from edge.bundle.onnx_references import check_self_contained

        check_self_contained(data, str(path))
    if stand_in is None and not is_installed(engine_name):
        raise EngineNotInstalledError(
            f"engine {engine_name} is not installed; see edge-run doctor",
        )
    engine = stand_in or create_engine(engine_name, data, EngineOptions(options.threads))
    inputs, outputs, artifact = _describe(path, data, engine, options.bare or BareModelOptions())
    prepare_for(inputs)
    if options.precision not in ("auto", artifact.precision):
        raise UsageError(f"{path} is {artifact.precision}; drop --precision {options.precision}")
    return ModelParts(
        identity=ModelIdentity(path.name, "", hashlib.sha256(data).hexdigest()),
        inputs=inputs,
        outputs=outputs,
        artifact=artifact,
        engine=engine,
        load_ns=time.perf_counter_ns() - start_ns,
    )


def _describe(
    path: Path,
    data: bytes,
    engine: Engine,
    options: BareModelOptions,
) -> tuple[tuple[Input, ...], tuple[Output, ...], Artifact]:
    from edge.bundle.manifest import Artifact
    from edge.model_metadata import has_int8_weights, read_model_metadata

    suffix = path.suffix.lower()
    stated = read_model_metadata(data, suffix)
    precision: Precision = "int8" if has_int8_weights(data, suffix) else "float32"
    inputs: tuple[Input, ...]
    if stated is None:
        target = _image_input(path, engine)
        layout = _layout(path, target, options)
        inputs, outputs = (_input(path, target, layout, options),), _outputs(engine, options)
        _check_described(inputs, outputs)
    elif options == BareModelOptions():
        inputs, outputs = stated.inputs, stated.outputs
        precision = stated.precision or precision
        layout = _stated_layout(path, stated.inputs, engine)
    else:
        raise UsageError(
            f"{path} says itself how it is fed and read (edge-quantize wrote it); "
            "options for bare files do not go with it",
        )
    artifact = Artifact(
        path=str(path),
        engine=BARE_ENGINES[suffix],
        precision=precision,
        layout=layout,
        tolerance_steps=0,
        output_steps={},
    )
    return inputs, outputs, artifact


def _stated_layout(
    path: Path, inputs: tuple[Input, ...], engine: Engine
) -> Literal["NCHW", "NHWC"]:
    """The layout that the file's shapes show; its kind's usual one where they fit both."""
    usual: Literal["NCHW", "NHWC"] = "NHWC" if path.suffix.lower() == ".tflite" else "NCHW"
    other: Literal["NCHW", "NHWC"] = "NCHW" if usual == "NHWC" else "NHWC"
    targets = {each.name: each.shape for each in engine.inputs}
    lone = engine.inputs[0].shape if len(inputs) == 1 else ()
    fits = all(
        fits_shape(targets.get(each.name, lone), stored_shape(each, usual)) for each in inputs
    )
    return usual if fits else other


def _check_described(inputs: tuple[Input, ...], outputs: tuple[Output, ...]) -> None:
    """Hold what the user said to the rules that a manifest is held to."""
    from edge.bundle.faults import FaultList
    from edge.bundle.manifest_checks import check_tensors

    faults = FaultList()
    check_tensors(inputs, outputs, faults)
    if faults:
        raise UsageError(f"the options for this bare file do not fit: {faults}")


def _read(path: Path) -> bytes:
    try:
        # Without waiting: a FIFO of that name must not hang the caller.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise BundleError(f"{path} is no regular file; give a model file")
            if found.st_size > MAX_MODEL_BYTES:
                raise BundleError(
                    f"{path} has {found.st_size} bytes; models end at {MAX_MODEL_BYTES}",
                )
            data = file.read(found.st_size)
    except OSError as error:
        raise BundleError(f"cannot read model {path}: {error.strerror}; check the path") from error
    except ValueError as error:
        raise BundleError(f"cannot read model {str(path)!r}: {error}; check the path") from error
    if not data:
        raise BundleError(f"model {path} is empty; export it again")
    return data


def _image_input(path: Path, engine: Engine) -> TensorSpec:
    target = engine.inputs[0]
    if len(engine.inputs) != 1 or len(target.shape) != _IMAGE_DIMENSIONS:
        found = "; ".join(f"{each.name} {list(each.shape)}" for each in engine.inputs)
        raise UnsupportedInputError(
            f"{path} takes {found}; a file that does not say how it is fed must take one "
            "picture, of four dimensions: make a bundle with edge-quantize for all others",
        )
    return target


def _layout(path: Path, target: TensorSpec, options: BareModelOptions) -> Literal["NCHW", "NHWC"]:
    if len(target.shape) != _IMAGE_DIMENSIONS:
        raise UnsupportedInputError(f"{path} takes {list(target.shape)}; it is no picture model")
    channels = {"grey": (1,), "rgb": (3,), "bgr": (3,), None: _CHANNELS}[options.colour]
    is_first, is_last = target.shape[1] in channels, target.shape[3] in channels
    if is_first and (not is_last or path.suffix.lower() == ".onnx"):
        return "NCHW"
    if is_last:
        return "NHWC"
    raise UnsupportedInputError(
        f"{path} takes {list(target.shape)}, which has no axis of 1 (grey) or 3 (colour) "
        "channels in first or last place; it is no picture model",
    )


def _input(
    path: Path,
    target: TensorSpec,
    layout: Literal["NCHW", "NHWC"],
    options: BareModelOptions,
) -> ImageInput:
    from edge.bundle.manifest import ImageInput, Resize

    if not options.says_values and not (target.dtype == "uint8" and target.scale is None):
        raise UsageError(
            f"{path} does not say what its input values mean; give --scale, --mean and --std "
            "(pixels 0..255 become (pixel * scale - mean) / std), for example --scale 0.0039216",
        )
    axes = (2, 3, 1) if layout == "NCHW" else (1, 2, 3)
    height, width, channels = (target.shape[axis] for axis in axes)
    if height is None or width is None:
        if options.size is None:
            raise UsageError(f"{path} leaves its picture size open; give --size 224x224")
        width, height = options.size
    if channels is None:
        channels = 1 if options.colour == "grey" else 3
    shape = (1, channels, height, width) if layout == "NCHW" else (1, height, width, channels)
    return ImageInput(
        name=target.name,
        shape=shape,
        layout=layout,
        colour=options.colour or ("grey" if channels == 1 else "rgb"),
        resize=Resize(width=width, height=height, rule=options.resize or "stretch"),
        dtype="float32",
        scale=1.0 if options.scale is None else options.scale,
        mean=_per_channel("--mean", options.mean, channels, 0.0),
        std=_per_channel("--std", options.std, channels, 1.0),
    )


def _per_channel(
    option: str,
    numbers: tuple[float, ...] | None,
    channels: int,
    default: float,
) -> tuple[float, ...]:
    if numbers is None:
        return (default,)
    if len(numbers) not in (1, channels):
        raise UsageError(f"{option} has {len(numbers)} numbers; the model has {channels} channels")
    if option == "--std" and min(numbers) <= 0:
        raise UsageError(f"--std is {min(numbers):g}; it must be above 0")
    return numbers


def _outputs(engine: Engine, options: BareModelOptions) -> tuple[Output, ...]:
    from edge.bundle.manifest import Output

    if options.labels is not None and len(engine.outputs) != 1:
        raise UsageError(f"--labels is given but the model has {len(engine.outputs)} outputs")
    return tuple(
        Output(
            name=spec.name,
            kind=options.kind or "classification",
            labels=options.labels or _numbered_labels(spec),
            activation=options.activation or "none",
        )
        for spec in engine.outputs
    )


def _numbered_labels(spec: TensorSpec) -> tuple[str, ...]:
    count = math.prod(size or 1 for size in spec.shape)
    if count > _MOST_LABELS:
        raise UnsupportedInputError(
            f"output {spec.name} has {count} values; this version reads classification, "
            f"multilabel and regression outputs of at most {_MOST_LABELS}",
        )
    return tuple(f"output {index}" for index in range(count))
