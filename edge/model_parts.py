"""What the pipeline needs to know of a model, wherever it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.engines.base import Engine
from edge.errors import ModelMismatchError
from edge.results import ModelIdentity
from edge.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from edge.bundle.manifest import Artifact, GoldenExample, ImageInput, Output

__all__ = ["ModelParts", "check_against_engine"]


@dataclass(frozen=True, slots=True)
class ModelParts:
    """A model ready to run.

    Attributes:
        identity: which model.
        input: how a picture becomes its input.
        outputs: how its outputs are read, in the manifest's order.
        artifact: the file that runs; golden answers are held under its path.
        engine: loaded with that file.
        golden: golden examples; empty for a bare model file.
        load_ns: nanoseconds from the call to a ready engine.
    """

    identity: ModelIdentity
    input: ImageInput
    outputs: tuple[Output, ...]
    artifact: Artifact
    engine: Engine
    golden: tuple[GoldenExample, ...] = ()
    load_ns: int = 0


def check_against_engine(
    spec: ImageInput,
    outputs: tuple[Output, ...],
    artifact: Artifact,
    engine: Engine,
) -> tuple[TensorSpec, tuple[TensorSpec, ...]]:
    """Hold a loaded model against its manifest.

    Returns:
        The engine's input, and its outputs in the manifest's order. Tensors are matched by
        name, or by position where a converter has renamed a single one.

    Raises:
        ModelMismatchError: the model takes or gives something else than the manifest says.
    """
    if len(engine.inputs) != 1:
        names = ", ".join(each.name for each in engine.inputs)
        raise ModelMismatchError(
            f"{artifact.path} has {len(engine.inputs)} inputs ({names}); "
            "this version runs models with one image input",
        )
    target = engine.inputs[0]
    expected = _input_shape(spec, artifact)
    fits = len(target.shape) == len(expected) and all(
        got in (None, want) for got, want in zip(target.shape, expected, strict=True)
    )
    if not fits:
        raise ModelMismatchError(
            f"{artifact.path} takes {_shape(target.shape)}; its manifest says "
            f"{_shape(expected)} ({artifact.layout}): rebuild the bundle",
        )
    return _fixed(target, expected), tuple(_find_output(each, outputs, engine) for each in outputs)


def _input_shape(spec: ImageInput, artifact: Artifact) -> tuple[int, ...]:
    if spec.layout == artifact.layout:
        return spec.shape
    batch, first, second, third = spec.shape
    if artifact.layout == "NHWC":
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
