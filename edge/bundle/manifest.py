"""The typed manifest: the only truth about a bundle.

These types are the format. `edge.bundle.manifest_reader` turns untrusted bytes into a `Manifest`
and names all faults together; nothing else parses `manifest.json`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = [
    "FORMAT",
    "Artifact",
    "Evidence",
    "FileEntry",
    "GoldenExample",
    "GoldenOutput",
    "ImageInput",
    "Input",
    "Manifest",
    "Metric",
    "ModelMetadata",
    "NumberType",
    "Output",
    "Parity",
    "Precision",
    "Resize",
    "SeriesInput",
    "TableInput",
    "TensorInput",
    "VectorInput",
]

FORMAT = 1

Sha256 = str
NumberType = Literal["float32", "int64", "int32", "bool"]
Precision = Literal["int8", "mixed", "dynamic", "float32"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every part: immutable, named fields, unknown keys refused."""


class FileEntry(_Part, frozen=True, kw_only=True):
    """A file of the bundle: POSIX path relative to its root, SHA-256 in hex, size in bytes."""

    path: str
    sha256: Sha256
    size_bytes: int


class Resize(_Part, frozen=True, kw_only=True):
    """How a picture of any size becomes `width` x `height` pixels.

    `rule`: "stretch" ignores the aspect ratio; "letterbox" keeps it and pads with `pad_value`
    (in 0..255, centred); "crop" keeps it, scales the short side so that the centred
    `width` x `height` crop is `crop_fraction` of it; "exact" refuses any other size.
    `interpolation`: "linear_exact" and "nearest" are bit-identical on x86 and ARM.
    `antialias`: low-pass before shrinking, so that a film of several megapixels does not alias.
    """

    width: int
    height: int
    rule: Literal["stretch", "letterbox", "crop", "exact"] = "stretch"
    interpolation: Literal["linear_exact", "nearest"] = "linear_exact"
    antialias: bool = True
    crop_fraction: float = 1.0
    pad_value: int = 0


class ImageInput(_Part, frozen=True, kw_only=True, tag_field="kind", tag="image"):
    """A picture as the model takes it.

    A pixel p (0..255; deeper pictures are scaled to that range without rounding) becomes
    `(p * scale - mean[c]) / std[c]`. `shape` is NCHW or NHWC as `layout` says, batch 1.
    With `normalisation_in_graph` the model does that itself and is given p; with `dtype`
    "uint8" besides, p as one byte (halves to even), so that the board only decodes and resizes.
    """

    name: str
    shape: tuple[int, int, int, int]
    layout: Literal["NCHW", "NHWC"]
    colour: Literal["grey", "rgb", "bgr"]
    resize: Resize
    dtype: Literal["float32", "uint8"] = "float32"
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    normalisation_in_graph: bool = False


class SeriesInput(_Part, frozen=True, kw_only=True, tag_field="kind", tag="series"):
    """Measurements over time as the model takes them.

    The last two axes of `shape` are time and channel ("TC") or channel and time ("CT"); all
    before are 1. A value x of channel c becomes `(x - mean[c]) / std[c]`, held within `clip`
    where that is given. Before that gaps (NaN) are filled by `gap_rule`: "none" fills nothing;
    "forward_fill" takes the channel's last value, and `fill[c]` where there is none yet; "mean"
    takes `fill[c]`, or `mean[c]` where `fill` is not given. What is still a gap is refused.

    `mean`, `std` and `fill` have one value, or one a channel; `fill` may have none. `units` has
    one a channel or none: they say what is expected, nothing is converted. `sampling_rate_hz`
    and `step` say how far apart two values lie; `step` is text, such as "1 h" or "visit".

    `mask_of` makes it an input that nobody gives: 1 where the series of that name has a value and
    0 where it has a gap, before any rule (as Che et al. 2018, "Recurrent Neural Networks for
    Multivariate Time Series with Missing Values", feed it).
    """

    name: str
    shape: tuple[int, ...]
    axes: Literal["TC", "CT"]
    channels: tuple[str, ...]
    units: tuple[str, ...] = ()
    dtype: NumberType = "float32"
    sampling_rate_hz: float | None = None
    step: str = ""
    gap_rule: Literal["none", "forward_fill", "mean"] = "none"
    fill: tuple[float, ...] = ()
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    clip: tuple[float, float] | None = None
    mask_of: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What the values along the channel axis are called; empty where they have no names."""
        return self.channels


class TableInput(_Part, frozen=True, kw_only=True, tag_field="kind", tag="table"):
    """One row of named columns; they are the last axis of `shape`, all before are 1.

    A missing value (NaN) takes `fill` of its column where that is given, else it is refused.
    Then x becomes `(x - mean[c]) / std[c]`. `mean`, `std` and `fill` have one value, or one a
    column; `fill` may have none, and null for a column that must not be missing.
    A column in `vocabularies` holds words; each becomes its 0-based position.
    """

    name: str
    shape: tuple[int, ...]
    columns: tuple[str, ...]
    units: tuple[str, ...] = ()
    dtype: NumberType = "float32"
    fill: tuple[float | None, ...] = ()
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    vocabularies: dict[str, tuple[str, ...]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """What the values along the channel axis are called; empty where they have no names."""
        return self.columns


class VectorInput(_Part, frozen=True, kw_only=True, tag_field="kind", tag="vector"):
    """Numbers without names of their own: noise, an embedding, tokens; any `shape`, batch 1.

    A missing value (NaN) takes `fill` where that is given, else it is refused. Then x becomes
    `(x - mean) / std`. With a `vocabulary` values may be words; each becomes its 0-based
    position.
    """

    name: str
    shape: tuple[int, ...]
    unit: str = ""
    dtype: NumberType = "float32"
    fill: float | None = None
    mean: float = 0.0
    std: float = 1.0
    vocabulary: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the values along the channel axis are called; empty where they have no names."""
        return ()


TensorInput = SeriesInput | TableInput | VectorInput
Input = ImageInput | SeriesInput | TableInput | VectorInput


class Output(_Part, frozen=True, kw_only=True):
    """How an output is read.

    `activation` and `temperature` are applied by the runtime to what the model gives
    (scores = activation(values / temperature)). `thresholds`, one a label, decide multilabel
    outputs (score >= threshold); classification decides for the highest score.
    """

    name: str
    kind: Literal["classification", "multilabel", "regression"]
    labels: tuple[str, ...]
    activation: Literal["none", "softmax", "sigmoid"]
    temperature: float = 1.0
    thresholds: tuple[float, ...] | None = None
    unit: str = ""


class Artifact(_Part, frozen=True, kw_only=True):
    """One model file: what runs it, and how its inputs of four axes are laid out.

    Of several files for one engine the first runs, unless another precision is asked for.

    `precision`: "int8" computes in integers throughout, "mixed" leaves some operators in float,
    "dynamic" has int8 weights and float activations. `layout`: pictures as it says; a tensor of
    four axes is permuted (0, 2, 3, 1) from the manifest's shape for "NHWC".
    `tolerance_steps`: how many output steps an answer on another machine may lie from the
    golden one. `output_steps`: the size of a step for each output (the quantization scale of
    an int8 output; an absolute tolerance for a float one), keyed by the manifest's output name.
    """

    path: str
    engine: Literal["onnxruntime", "litert"]
    precision: Precision
    layout: Literal["NCHW", "NHWC"]
    tolerance_steps: int
    output_steps: dict[str, float]


class GoldenOutput(_Part, frozen=True, kw_only=True):
    """What one artifact gave in the lab for one output: dequantized values, row-major."""

    artifact: str
    name: str
    shape: tuple[int, ...]
    values: tuple[float, ...]


class GoldenExample(_Part, frozen=True, kw_only=True):
    """A real input and what came out.

    `input` is the path of an encoded picture in the bundle, or of a .npy, .npz or .csv file for
    a model that takes something else; `tensor_sha256` is the SHA-256 in hex of the tensors (C
    order, little-endian, in the manifest inputs' order, shape and dtype) that preprocessing must
    make of it on every machine.
    """

    input: str
    tensor_sha256: Sha256
    outputs: tuple[GoldenOutput, ...]
    label: str | None = None


class Metric(_Part, frozen=True, kw_only=True):
    """A measured figure with its 95 % interval where there is one.

    `artifact` is the artifact's path, or "source" for the float model it was made from.
    """

    artifact: str
    name: str
    value: float
    examples: int
    low: float | None = None
    high: float | None = None


class Parity(_Part, frozen=True, kw_only=True):
    """How far an artifact's outputs lie from the float model's on the calibration pictures.

    `snr_db` is centred (signal: output minus its mean over the examples), and so is `cosine`,
    which files of earlier versions lack; `agreement` is the share of examples with the same
    decision.
    """

    artifact: str
    snr_db: float
    max_abs_difference: float
    agreement: float
    examples: int
    cosine: float | None = None


class Evidence(_Part, frozen=True, kw_only=True):
    """What was measured, on what, with what.

    `calibration_method`: how ranges were chosen; `refitted`: whether thresholds and temperature
    were fitted anew on the artifact's outputs.
    """

    source_model_sha256: Sha256
    calibration_sha256: Sha256
    calibration_examples: int
    tools: dict[str, str]
    parity: tuple[Parity, ...] = ()
    metrics: tuple[Metric, ...] = ()
    calibration_method: str | None = None
    refitted: bool = False


class ModelMetadata(_Part, frozen=True, kw_only=True):
    """What both artifacts carry of the manifest, so that a file taken out of its bundle runs.

    `precision` is the artifact's; None in files of earlier versions.
    """

    format: Literal[1]
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    precision: Precision | None = None


class Manifest(_Part, frozen=True, kw_only=True):
    """`manifest.json`, format 1."""

    format: Literal[1]
    name: str
    version: str
    task: str
    intended_use: str
    limits: tuple[str, ...]
    licence: str
    attribution: tuple[str, ...]
    files: tuple[FileEntry, ...]
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    artifacts: tuple[Artifact, ...]
    golden: tuple[GoldenExample, ...] = ()
    evidence: Evidence | None = None
