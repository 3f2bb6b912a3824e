"""The seam between the pipeline and an inference engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from edge.tensor_spec import TensorSpec

__all__ = ["Engine", "EngineOptions"]


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How an engine should run.

    Attributes:
        threads: threads inside one inference; None for every core, at most 4.
    """

    threads: int | None = None


class Engine(Protocol):
    """A loaded model: four members and no knowledge of its neighbours.

    `run` may be called from several threads; an adapter whose library cannot do that
    serialises the calls itself.
    """

    @property
    def name(self) -> str:
        """Short name: "onnxruntime", "litert", "replay"."""
        ...

    @property
    def version(self) -> str:
        """Version of the library behind it."""
        ...

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What `run` takes, in the model's order."""
        ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What `run` returns, in the model's order."""
        ...

    def run(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Infer once.

        Args:
            tensors: one array for each input, of exactly its shape and dtype; quantized inputs
                are given already quantized.

        Returns:
            One array for each output, of the output's dtype (quantized outputs are not
            dequantized). The caller owns them: they are never overwritten.

        Raises:
            EngineError: the library failed.
        """
        ...

    def close(self) -> None:
        """Release the model. Calling it twice is harmless."""
        ...
