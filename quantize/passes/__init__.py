"""The passes that turn an imported graph into the form that is quantized, in order."""

from __future__ import annotations

from quantize.graph import FloatGraph
from quantize.passes.base import GraphPass, check_graph, run_pass
from quantize.passes.canonical_arithmetic import CANONICAL_ARITHMETIC
from quantize.passes.canonical_gemm import CANONICAL_GEMM
from quantize.passes.canonical_global_pool import CANONICAL_GLOBAL_POOL
from quantize.passes.canonical_reshape import CANONICAL_RESHAPE
from quantize.passes.decompose_hard_activations import DECOMPOSE_HARD_ACTIVATIONS
from quantize.passes.explicit_bias import EXPLICIT_BIAS
from quantize.passes.explicit_padding import EXPLICIT_PADDING
from quantize.passes.fold_batch_normalization import FOLD_BATCH_NORMALIZATION
from quantize.passes.fold_channel_arithmetic import FOLD_CHANNEL_ARITHMETIC
from quantize.passes.matmul_to_gemm import MATMUL_TO_GEMM
from quantize.passes.merge_pad import MERGE_PAD
from quantize.passes.remove_dead_nodes import REMOVE_DEAD_NODES
from quantize.passes.remove_identity import REMOVE_IDENTITY
from quantize.passes.unshare_parameters import UNSHARE_PARAMETERS

__all__ = ["PASSES", "GraphPass", "canonicalise", "check_graph", "run_pass"]

PASSES: tuple[GraphPass, ...] = (
    REMOVE_DEAD_NODES,
    REMOVE_IDENTITY,
    CANONICAL_ARITHMETIC,
    EXPLICIT_PADDING,
    MERGE_PAD,
    CANONICAL_GLOBAL_POOL,
    MATMUL_TO_GEMM,
    CANONICAL_GEMM,
    DECOMPOSE_HARD_ACTIVATIONS,
    FOLD_BATCH_NORMALIZATION,
    FOLD_CHANNEL_ARITHMETIC,
    CANONICAL_RESHAPE,
    REMOVE_DEAD_NODES,
    EXPLICIT_BIAS,
    UNSHARE_PARAMETERS,
)


def canonicalise(graph: FloatGraph) -> FloatGraph:
    """Run every pass, each between two checks.

    Raises:
        InputError: a pass met or made an invalid graph.
    """
    for graph_pass in PASSES:
        graph = run_pass(graph_pass, graph)
    return graph
