"""Activations that are exact compositions of others.

- Softplus(x) = relu(x) + log(1 + exp(-|x|)), which does not overflow (Dugas et al. 2001).
- Mish(x) = x tanh(softplus(x)) (Misra 2019). Softsign(x) = x / (1 + |x|).
- Elu with alpha: relu(x) + alpha elu(min(x, 0)) (Clevert et al. 2015). Selu is gamma times that
  (Klambauer et al. 2017). Celu(x) = alpha elu(x / alpha) (Barron 2017).
- Swish and QuickGelu: x sigmoid(alpha x) (Hendrycks and Gimpel 2016).
- ThresholdedRelu(x) = x where x > alpha, else 0. Shrink likewise on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.replacement import Replacement

__all__ = ["DECOMPOSE_ACTIVATIONS"]

_SELU_ALPHA, _SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875


def _softplus(made: Replacement, source: str) -> tuple[str, str]:
    """The two terms of Softplus."""
    decay = made.add("Exp", made.add("Neg", made.add("Abs", source)))
    return made.add("Relu", source), made.add("Log", made.add("Add", decay, made.constant(1.0)))


def _write_softplus(made: Replacement, node: Node) -> None:
    made.finish("Add", *_softplus(made, node.inputs[0]))


def _write_mish(made: Replacement, node: Node) -> None:
    softplus = made.add("Add", *_softplus(made, node.inputs[0]))
    made.finish("Mul", node.inputs[0], made.add("Tanh", softplus))


def _write_softsign(made: Replacement, node: Node) -> None:
    size = made.add("Add", made.add("Abs", node.inputs[0]), made.constant(1.0))
    made.finish("Div", node.inputs[0], size)


def _elu_terms(made: Replacement, source: str, alpha: float) -> tuple[str, str]:
    below = made.add("Min", source, made.constant(0.0))
    curve = made.add("Elu", below, attributes={"alpha": 1.0})
    return made.add("Relu", source), made.add("Mul", curve, made.constant(alpha))


def _write_elu(made: Replacement, node: Node) -> None:
    alpha = float(node.attributes.get("alpha", 1.0))
    made.finish("Add", *_elu_terms(made, node.inputs[0], alpha))


def _write_selu(made: Replacement, node: Node) -> None:
    alpha = float(node.attributes.get("alpha", _SELU_ALPHA))
    gamma = float(node.attributes.get("gamma", _SELU_GAMMA))
    both = made.add("Add", *_elu_terms(made, node.inputs[0], alpha))
    made.finish("Mul", both, made.constant(gamma))


def _write_celu(made: Replacement, node: Node) -> None:
    alpha = float(node.attributes.get("alpha", 1.0))
    narrowed = made.add("Mul", node.inputs[0], made.constant(1.0 / alpha))
    curve = made.add("Elu", narrowed, attributes={"alpha": 1.0})
    made.finish("Mul", curve, made.constant(alpha))


def _write_swish(made: Replacement, node: Node) -> None:
    source = node.inputs[0]
    default = 1.0 if node.op == "Swish" else 1.702
    alpha = float(node.attributes.get("alpha", default))
    inner = source if alpha == 1.0 else made.add("Mul", source, made.constant(alpha))
    made.finish("Mul", source, made.add("Sigmoid", inner))


def _write_thresholded_relu(made: Replacement, node: Node) -> None:
    alpha = made.constant(float(node.attributes.get("alpha", 1.0)))
    source = node.inputs[0]
    made.finish("Where", made.add("Greater", source, alpha), source, made.constant(0.0))


def _write_shrink(made: Replacement, node: Node) -> None:
    source = node.inputs[0]
    edge = float(node.attributes.get("lambd", 0.5))
    bias = float(node.attributes.get("bias", 0.0))
    above = made.add("Add", source, made.constant(-bias)) if bias else source
    below = made.add("Add", source, made.constant(bias)) if bias else source
    is_above = made.add("Greater", source, made.constant(edge))
    is_below = made.add("Less", source, made.constant(-edge))
    inner = made.add("Where", is_below, below, made.constant(0.0), dtype="float32")
    made.finish("Where", is_above, above, inner)


Writer = Callable[[Replacement, Node], None]

_WRITERS: Mapping[str, Writer] = {
    "Celu": _write_celu,
    "Elu": _write_elu,
    "Mish": _write_mish,
    "Selu": _write_selu,
    "Shrink": _write_shrink,
    "Softplus": _write_softplus,
    "Softsign": _write_softsign,
    "Swish": _write_swish,
    "ThresholdedRelu": _write_thresholded_relu,
    "com.microsoft.QuickGelu": _write_swish,
}


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op == "Elu" and float(node.attributes.get("alpha", 1.0)) == 1.0:
            continue
        writer = _WRITERS.get(node.op)
        if writer is not None:
            writer(Replacement(draft, node), node)
    return draft.finish()


DECOMPOSE_ACTIVATIONS = GraphPass(
    "decompose activations",
    _rewrite,
    {
        "Celu": "Mul Elu",
        "Elu": "Clip Relu Mul Add",
        "Mish": "Abs Neg Exp Relu Add Log Tanh Mul",
        "Selu": "Clip Elu Relu Mul Add",
        "Shrink": "Add Greater Less Where",
        "Softplus": "Abs Neg Exp Relu Add Log",
        "Softsign": "Abs Add Div",
        "Swish": "Sigmoid Mul",
        "ThresholdedRelu": "Greater Where",
        "com.microsoft.QuickGelu": "Sigmoid Mul",
    },
)
