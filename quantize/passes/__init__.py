"""The passes that turn an imported graph into the form that is quantized, in order."""

from __future__ import annotations

from quantize.graph import FloatGraph
from quantize.passes.base import GraphPass, check_graph, run_pass
from quantize.passes.canonical_arithmetic import CANONICAL_ARITHMETIC
from quantize.passes.canonical_depth_to_space import CANONICAL_DEPTH_TO_SPACE
from quantize.passes.canonical_gemm import CANONICAL_GEMM
from quantize.passes.canonical_global_pool import CANONICAL_GLOBAL_POOL
from quantize.passes.canonical_matmul import CANONICAL_MATMUL
from quantize.passes.canonical_normalization import CANONICAL_NORMALIZATION
from quantize.passes.canonical_recurrent import CANONICAL_RECURRENT
from quantize.passes.canonical_reductions import CANONICAL_REDUCTIONS
from quantize.passes.canonical_reshape import CANONICAL_RESHAPE
from quantize.passes.canonical_resize import CANONICAL_RESIZE
from quantize.passes.canonical_slices import CANONICAL_SLICES
from quantize.passes.canonical_softmax import CANONICAL_SOFTMAX
from quantize.passes.decompose_activations import DECOMPOSE_ACTIVATIONS
from quantize.passes.decompose_attention import DECOMPOSE_ATTENTION
from quantize.passes.decompose_einsum import DECOMPOSE_EINSUM
from quantize.passes.decompose_hard_activations import DECOMPOSE_HARD_ACTIVATIONS
from quantize.passes.decompose_local_response import DECOMPOSE_LOCAL_RESPONSE
from quantize.passes.decompose_logic import DECOMPOSE_LOGIC
from quantize.passes.decompose_reductions import DECOMPOSE_REDUCTIONS
from quantize.passes.decompose_resize import DECOMPOSE_RESIZE
from quantize.passes.explicit_bias import EXPLICIT_BIAS
from quantize.passes.explicit_padding import EXPLICIT_PADDING
from quantize.passes.flatten_before_gemm import FLATTEN_BEFORE_GEMM
from quantize.passes.fold_batch_normalization import FOLD_BATCH_NORMALIZATION
from quantize.passes.fold_channel_arithmetic import FOLD_CHANNEL_ARITHMETIC
from quantize.passes.fold_constants import FOLD_CONSTANTS
from quantize.passes.fold_into_next_convolution import FOLD_INTO_NEXT_CONVOLUTION
from quantize.passes.fold_into_next_gemm import FOLD_INTO_NEXT_GEMM
from quantize.passes.fuse_gelu import FUSE_GELU
from quantize.passes.fuse_layer_normalization import FUSE_LAYER_NORMALIZATION
from quantize.passes.matmul_to_gemm import MATMUL_TO_GEMM
from quantize.passes.merge_pad import MERGE_PAD
from quantize.passes.pictures_from_series import PICTURES_FROM_SERIES
from quantize.passes.remove_dead_nodes import REMOVE_DEAD_NODES
from quantize.passes.remove_identity import REMOVE_IDENTITY
from quantize.passes.residual_rows import RESIDUAL_ROWS
from quantize.passes.sink_moves import SINK_MOVES
from quantize.passes.split_gemm import SPLIT_GEMM
from quantize.passes.squeeze_transposes import SQUEEZE_TRANSPOSES
from quantize.passes.transposed_convolution import TRANSPOSED_CONVOLUTION
from quantize.passes.unshare_parameters import UNSHARE_PARAMETERS

__all__ = ["PASSES", "GraphPass", "canonicalise", "check_graph", "run_pass"]

PASSES: tuple[GraphPass, ...] = (
    REMOVE_DEAD_NODES,
    REMOVE_IDENTITY,
    DECOMPOSE_ATTENTION,
    DECOMPOSE_EINSUM,
    DECOMPOSE_REDUCTIONS,
    DECOMPOSE_LOGIC,
    DECOMPOSE_ACTIVATIONS,
    DECOMPOSE_HARD_ACTIVATIONS,
    CANONICAL_ARITHMETIC,
    DECOMPOSE_LOCAL_RESPONSE,
    CANONICAL_SLICES,
    CANONICAL_RESIZE,
    DECOMPOSE_RESIZE,
    REMOVE_IDENTITY,
    CANONICAL_SOFTMAX,
    CANONICAL_RECURRENT,
    CANONICAL_NORMALIZATION,
    CANONICAL_REDUCTIONS,
    CANONICAL_MATMUL,
    FOLD_CONSTANTS,
    REMOVE_DEAD_NODES,
    REMOVE_IDENTITY,
    FUSE_GELU,
    FUSE_LAYER_NORMALIZATION,
    REMOVE_DEAD_NODES,
    PICTURES_FROM_SERIES,
    CANONICAL_RESHAPE,
    EXPLICIT_PADDING,
    REMOVE_IDENTITY,
    SINK_MOVES,
    TRANSPOSED_CONVOLUTION,
    REMOVE_IDENTITY,
    MERGE_PAD,
    CANONICAL_GLOBAL_POOL,
    MATMUL_TO_GEMM,
    CANONICAL_GEMM,
    FOLD_BATCH_NORMALIZATION,
    FOLD_CHANNEL_ARITHMETIC,
    FOLD_INTO_NEXT_CONVOLUTION,
    CANONICAL_DEPTH_TO_SPACE,
    SINK_MOVES,
    FLATTEN_BEFORE_GEMM,
    SPLIT_GEMM,
    SINK_MOVES,
    RESIDUAL_ROWS,
    SQUEEZE_TRANSPOSES,
    FOLD_CHANNEL_ARITHMETIC,
    FOLD_INTO_NEXT_GEMM,
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
