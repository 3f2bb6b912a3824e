"""What the pipeline needs to know of a model, wherever it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edge.engines.base import Engine
from edge.errors import ModelMismatchError
from edge.results import ModelIdentity
from edge.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from edge.bundle.manifest import Artifact, GoldenExample, Input, Output

__all__ = ["ModelParts", "check_against_engine", "fits_shape", "stored_shape"]

_LAYOUT_RANK = 4


@dataclass(frozen=True, slots=True)
class ModelParts:
    """A model ready to run.

    Attributes:
        identity: which model.
        inputs: how a picture or a record becomes its inputs, in the manifest's order.
        outputs: how its outputs are read, in the manifest's order.
        artifact: the file that runs; golden answers are held under its path.
        engine: loaded with that file.
        golden: golden examples; empty for a bare model file.
        load_ns: nanoseconds from the call to a ready engine.
    """

    identity: ModelIdentity
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    artifact: Artifact
    engine: Engine
    golden: tuple[GoldenExample, ...] = ()
    load_ns: int = 0

    @property
    def takes_one_picture(self) -> bool:
        """Whether the model has one input and this is a picture."""
        from edge.bundle.manifest import ImageInput

        return len(self.inputs) == 1 and isinstance(self.inputs[0], ImageInput)

    @property
    def takes_rows(self) -> bool:
        """Whether the model has one input and this is a table, so that each row is a record."""
        from edge.bundle.manifest import TableInput

        return len(self.inputs) == 1 and isinstance(self.inputs[0], TableInput)


def check_against_engine(
    parts: ModelParts,
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Hold a loaded model against its manifest.

    Returns:
        The engine's inputs and its outputs, both in the manifest's order. Tensors are matched by
        name, or by position where a converter has renamed a single one.

    Raises:
        ModelMismatchError: the model takes or gives something else than the manifest says.
    """
    inputs = parts.engine.inputs
    if len(inputs) != len(parts.inputs):
        names = ", ".join(each.name for each in inputs)
        raise ModelMismatchError(
            f"{parts.artifact.path} has {len(inputs)} inputs ({names}) and its manifest "
            f"{len(parts.inputs)}; rebuild the bundle",
        )
    targets = tuple(_find_input(each, parts) for each in parts.inputs)
    outputs = tuple(_find_output(each, parts.outputs, parts.engine) for each in parts.outputs)
    return targets, outputs


def _find_input(spec: Input, parts: ModelParts) -> TensorSpec:
    targets = parts.engine.inputs
    by_name = {each.name: each for each in targets}
    target = targets[0] if len(targets) == 1 else by_name.get(spec.name)
    artifact = parts.artifact
    if target is None:
        raise ModelMismatchError(
            f"{artifact.path} has no input {spec.name}; it has: {', '.join(by_name)}; "
            "rebuild the bundle",
        )
    expected = stored_shape(spec, artifact.layout)
    if not fits_shape(target.shape, expected):
        raise ModelMismatchError(
            f"{artifact.path} takes {_shape(target.shape)}; its manifest says "
            f"{_shape(expected)} ({artifact.layout}): rebuild the bundle",
        )
    return _fixed(target, expected)


def fits_shape(shape: tuple[int | None, ...], expected: tuple[int, ...]) -> bool:
    """Whether a tensor has a shape, or leaves open where it differs."""
    return len(shape) == len(expected) and all(
        got in (None, want) for got, want in zip(shape, expected, strict=True)
    )


def stored_shape(spec: Input, layout: Literal["NCHW", "NHWC"]) -> tuple[int, ...]:
    """The shape that an input has in a file of a layout."""
    # A picture says how it is laid out itself; other tensors of four axes lie as in ONNX.
    own = getattr(spec, "layout", "NCHW")
    if own == layout or len(spec.shape) != _LAYOUT_RANK:
        return spec.shape
    batch, first, second, third = spec.shape
    if layout == "NHWC":
        return (batch, second, third, first)
    return (batch, third, first, second)


def _fixed(target: TensorSpec, shape: tuple[int, ...]) -> TensorSpec:
    return TensorSpec(target.name, shape, target.dtype, target.scale, target.zero_point)


def _find_output(output: Output, outputs: tuple[Output, ...], engine: Engine) -> TensorSpec:
    for spec in engine.outputs:
        if spec.name == output.name:
            break
    else:
        if len(outputs) != 1 or len(engine.outputs) != 1:
            names = ", ".join(each.name for each in engine.outputs)
            raise ModelMismatchError(
                f"the model has no output {output.name}; it has: {names}; rebuild the bundle",
            )
        spec = engine.outputs[0]
    count = 1
    for size in spec.shape:
        count *= size or 1
    if count != len(output.labels):
        raise ModelMismatchError(
            f"output {output.name} has shape {_shape(spec.shape)}, which is {count} values, "
            f"but {len(output.labels)} labels; rebuild the bundle",
        )
    return spec


def _shape(shape: tuple[int | None, ...]) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"
