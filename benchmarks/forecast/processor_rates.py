"""How many multiply-accumulate operations a core can start in a cycle, by its instructions.

Peaks, not what a kernel reaches: how much of a peak is reached is fitted to published figures in
`benchmarks.forecast.check`. Vectors are 128 bits wide on every Arm core here.

Sources. Cortex-A57 and A72 start one 4-wide FMLA a cycle, the Cortex-A76 two, and two SDOT of 16
products each: Arm's software optimization guides UAN 0015, UAN 0016A and PJDOC-466751330-7215,
tables of ASIMD instructions; the Cortex-A78AE has the A76's vector units (guide 102184). The
Cortex-A53 has no public guide: one 4-wide FMLA a cycle is what ncnn's notes on that core measure
(Tencent/ncnn, "arm-a53-a55-dual-issue"). Where SDOT is missing, SMULL, SMLAL and SADALP do 16
products in three instructions, as XNNPACK's `qs8-gemm ... neon-mlal` kernels do. x86-64: Intel's
optimization manual (248966), throughput of VFMADD, VPMADDUBSW with VPMADDWD and VPADDD, VPDPBUSD.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from benchmarks.forecast.work import Operation

__all__ = ["peak_multiplications_per_cycle"]

_FLOAT: Final = {
    "Cortex-A53": 4.0,
    "Cortex-A55": 4.0,
    "Cortex-A57": 4.0,
    "Cortex-A72": 4.0,
    "Carmel": 8.0,
    "Cortex-A76": 8.0,
    "Cortex-A78AE": 8.0,
}
_ARM_FLOAT: Final = 4.0
_WITHOUT_DOT_PRODUCT: Final = 16.0 / 3.0 / 4.0  # of the float rate
_WITH_DOT_PRODUCT: Final = 4.0
_X86_FLOAT: Final = {"avx512f": 32.0, "avx2": 16.0}
_X86_INTEGER: Final = {"avx512_vnni": 128.0, "avx_vnni": 64.0, "avx2": 64.0 / 3.0}
_SSE: Final = 4.0


def peak_multiplications_per_cycle(
    core: str, instructions: Collection[str], operation: Operation
) -> float:
    """Of one core.

    Args:
        core: "Cortex-A72", ...; one that is not known counts as the slowest of its kind.
        instructions: features as `/proc/cpuinfo` names them.
        operation: what is multiplied.
    """
    if "avx2" in instructions or "sse2" in instructions:
        table = _X86_INTEGER if operation.is_integer else _X86_FLOAT
        return max((rate for name, rate in table.items() if name in instructions), default=_SSE)
    rate = _FLOAT.get(core, _ARM_FLOAT)
    if not operation.is_integer:
        return rate
    return rate * (_WITH_DOT_PRODUCT if "asimddp" in instructions else _WITHOUT_DOT_PRODUCT)
