"""Examples as a model takes them: read, decoded and prepared one at a time, each time anew."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from edge.errors import InputError
from edge.frame import Frame
from edge.record import Record

if TYPE_CHECKING:
    from edge.bundle.manifest import Input

__all__ = ["Example", "ExampleValue", "ModelExamples"]

_LOGGER = logging.getLogger(__name__)

ExampleValue = Frame | Record


@dataclass(frozen=True, slots=True)
class Example:
    """One real input.

    Attributes:
        name: what reports call it.
        read: decode it anew; raises InputError where it cannot be read.
        file: the file that holds it and nothing else; None where there is none.
    """

    name: str
    read: Callable[[], ExampleValue]
    file: Path | None = None


class ModelExamples:
    """Examples with how they become a model's inputs.

    One that cannot be read, or that the model does not take, is left out and kept in `refused`.

    Attributes:
        refused: why, by name.
        examples: all of them.

    Args:
        examples: at least one.
        inputs: how each becomes the model's inputs, as the manifest says it.
        refused: where to keep what is left out; shared by views of the same examples.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        inputs: Sequence[Input],
        refused: dict[str, str] | None = None,
    ) -> None:
        from edge.preprocess.record import RecordPreprocessor

        self.examples = tuple(examples)
        self.refused: dict[str, str] = {} if refused is None else refused
        self._inputs = tuple(inputs)
        self._preprocessor = RecordPreprocessor(self._inputs)

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[dict[str, NDArray[Any]]]:
        """The tensors of each example that can be used, by input name.

        Raises:
            InputError: none can be used.
        """
        for _, _, tensors in self._walk():
            yield tensors

    def values(self) -> Iterator[tuple[Example, ExampleValue]]:
        """Each example that can be used, decoded.

        Raises:
            InputError: none can be used.
        """
        for example, value, _ in self._walk():
            yield example, value

    def prepared_as(self, inputs: Sequence[Input]) -> ModelExamples:
        """The same examples for the same model with its inputs in another form."""
        return ModelExamples(self.examples, inputs, self.refused)

    def only(self, examples: Sequence[Example]) -> ModelExamples:
        """Some of the examples, in the same form."""
        return ModelExamples(examples, self._inputs, self.refused)

    def usable(self) -> tuple[Example, ...]:
        """Those that were not refused so far."""
        return tuple(each for each in self.examples if each.name not in self.refused)

    def digest(self) -> str:
        """SHA-256 in hex over the tensors of each usable example, in order."""
        total = hashlib.sha256()
        for tensors in self:
            for name in sorted(tensors):
                total.update(hashlib.sha256(tensors[name].tobytes()).digest())
        return total.hexdigest()

    def _walk(self) -> Iterator[tuple[Example, ExampleValue, dict[str, NDArray[Any]]]]:
        is_any = False
        for example in self.examples:
            if example.name in self.refused:
                continue
            try:
                value = example.read()
                tensors = self._preprocessor.canonical_tensors(self.record(value))
            except InputError as error:
                _LOGGER.info("left out: %s", error)
                self.refused[example.name] = str(error)
                continue
            is_any = True
            yield example, value, tensors
        if not is_any:
            first = next(iter(self.refused.values()), "nothing is named")
            raise InputError(f"none of {len(self)} examples can be used; the first: {first}")

    def record(self, value: ExampleValue) -> Record:
        """Any example as a record: a lone picture gets its input's name."""
        if isinstance(value, Record):
            return value
        return Record({self._inputs[0].name: value}, source=value.source)
