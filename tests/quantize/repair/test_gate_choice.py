"""Gates are opened where that frees a tensor, the small ones first."""

import pytest
from repair_networks import inverted_residuals

from quantize.quantized_graph import Precision
from quantize.repair.gate_choice import ALL_GATES, open_useful_gates


def opened(graph, changed) -> list[str]:
    """The tensors whose gate a new depthwise layer stands before."""
    before = {node.name for node in graph.nodes if node.op == "Conv"}
    return [
        node.inputs[0] for node in changed.nodes if node.op == "Conv" and node.name not in before
    ]


def gated(graph) -> list[str]:
    """The tensors that gates read, in order."""
    gates = [node for node in graph.nodes if node.op == "Sigmoid"]
    return [gate.inputs[0] for gate in gates]


def test_all_gates_that_free_a_tensor_are_opened_where_there_is_room_for_all() -> None:
    graph = inverted_residuals(gate="SiLU")
    assert opened(graph, open_useful_gates(graph)) == gated(graph)


def test_no_gate_is_opened_without_room() -> None:
    graph = inverted_residuals(gate="SiLU")
    assert opened(graph, open_useful_gates(graph, most_share=0.0)) == []


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_smallest_are_opened_first_and_no_more_values_than_their_share(share) -> None:
    graph = inverted_residuals(gate="SiLU")
    sizes = {name: graph.shapes[name][1] for name in gated(graph)}  # pictures of one size
    found = opened(graph, open_useful_gates(graph, most_share=share))
    assert sum(sizes[name] for name in found) <= share * sum(sizes.values())
    left = [size for name, size in sizes.items() if name not in found]
    assert max((sizes[name] for name in found), default=0) <= min(left)


def test_a_gate_in_float_is_left_as_it_is() -> None:
    graph = inverted_residuals(gate="SiLU")
    gate = next(node for node in graph.nodes if node.op == "Sigmoid")
    floats = {gate.name: Precision.FLOAT}
    changed = open_useful_gates(graph, most_share=ALL_GATES, precisions=floats)
    assert opened(graph, changed) == gated(graph)[1:]
