"""A roofline: each operation takes the longer of computing and of moving bytes.

Source: Williams, Waterman and Patterson 2009, "Roofline: An Insightful Visual Performance Model
for Multicore Architectures". How much of a peak kernels reach is not known beforehand; it is one
number a kind of operation and precision, fitted to published figures (`benchmarks.forecast.check`).
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.forecast.processor_rates import peak_multiplications_per_cycle
from benchmarks.forecast.work import ModelWork, Operation

__all__ = ["FITTED", "Processor", "TimeModel", "latency_s", "operation_s"]


@dataclass(frozen=True, slots=True)
class Processor:
    """What computes.

    Attributes:
        core: kind of its cores, "Cortex-A72".
        cores: how many of that kind.
        clock_mhz: of each.
        instructions: features as `/proc/cpuinfo` names them.
        memory_bytes_per_s: peak bandwidth of the memory, shared by the cores.
    """

    core: str
    cores: int
    clock_mhz: float
    instructions: frozenset[str]
    memory_bytes_per_s: float


@dataclass(frozen=True, slots=True)
class TimeModel:
    """What is fitted.

    Attributes:
        float_share: of the peak that float convolutions and matrix products reach, 0..1.
        integer_share: the same on 8-bit integers without dot-product instructions.
        dot_product_share: the same with them.
        depthwise_share: of those, what depthwise convolutions reach.
        memory_share: of the memory's peak bandwidth that is reached.
        scaling: speed-up from n threads is n to this power.
        seconds_per_operation: what starting an operation takes at 1 GHz.
    """

    float_share: float
    integer_share: float
    dot_product_share: float
    depthwise_share: float
    memory_share: float
    scaling: float
    seconds_per_operation: float


FITTED = TimeModel(
    float_share=0.70,
    integer_share=0.73,
    dot_product_share=0.57,
    depthwise_share=0.94,
    memory_share=0.128,
    scaling=0.83,
    seconds_per_operation=10e-6,
)
"""As `python -m benchmarks.forecast.check` fits it."""


def latency_s(
    work: ModelWork, processor: Processor, *, threads: int, model: TimeModel = FITTED
) -> float:
    """Seconds of one inference, the model warm.

    Args:
        work: of the model.
        processor: of the board.
        threads: inside one inference; more than there are cores bring nothing.
        model: what of each peak is reached.
    """
    return sum(
        operation_s(each, processor, threads=threads, model=model) for each in work.operations
    )


def operation_s(
    operation: Operation, processor: Processor, *, threads: int, model: TimeModel
) -> float:
    """Seconds of one operation: see `latency_s`."""
    hertz = processor.clock_mhz * 1e6
    speed_up = min(threads, processor.cores) ** model.scaling
    moved = operation.activation_bytes + operation.weight_bytes
    computing = 0.0
    if operation.multiplications:
        peak = peak_multiplications_per_cycle(processor.core, processor.instructions, operation)
        reached = peak * hertz * _share(operation, processor, model) * speed_up
        computing = operation.multiplications / reached
    moving = moved / (processor.memory_bytes_per_s * model.memory_share)
    starting = model.seconds_per_operation * 1e9 / hertz
    return max(computing, moving) + starting


def _share(operation: Operation, processor: Processor, model: TimeModel) -> float:
    if not operation.is_integer:
        share = model.float_share
    elif "asimddp" in processor.instructions or any(
        "vnni" in each for each in processor.instructions
    ):
        share = model.dot_product_share
    else:
        share = model.integer_share
    return share * (model.depthwise_share if operation.kind == "depthwise" else 1.0)
