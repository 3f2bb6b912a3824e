"""Layers of different precision in one int8 ONNX file, run by onnxruntime."""

import numpy as np
import onnx
import pytest
import tiny_onnx_models as tiny
from signal_to_noise import centred_snr_db

from quantize.calibration import calibrate
from quantize.importers.onnx_importer import import_model
from quantize.onnx_export import export_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.quantized_graph import Precision, float_form
from quantize.quantizer import quantize_graph


def outputs(model: bytes, examples: list) -> np.ndarray:
    session = open_session(model)
    name = session.get_outputs()[0].name
    return np.concatenate([run_session(session, [name], each)[0] for each in examples])


def written(graph, precisions) -> bytes:
    ranges = calibrate(graph, tiny.pictures(32), precisions=precisions)
    return write_onnx_int8(quantize_graph(graph, ranges, precisions))


@pytest.mark.parametrize("build", [tiny.residual_cnn, tiny.gated_cnn, tiny.concat_cnn])
def test_a_graph_with_nothing_quantized_answers_as_the_float_model(build) -> None:
    graph = import_model(build())
    test = tiny.pictures(8, seed=9)
    wanted = outputs(export_onnx(graph).SerializeToString(), test)
    found = outputs(write_onnx_int8(float_form(graph)), test)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("build", [tiny.residual_cnn, tiny.gated_cnn, tiny.depthwise_cnn])
@pytest.mark.parametrize("seed", range(4))
def test_any_choice_of_float_nodes_gives_a_valid_file_close_to_float(build, seed: int) -> None:
    graph = import_model(build())
    random = np.random.default_rng(seed)
    precisions = {node.name: Precision.FLOAT for node in graph.nodes if random.uniform() < 0.5}
    model = written(graph, precisions)
    onnx.checker.check_model(model, full_check=True)
    test = tiny.pictures(32, seed=9)
    wanted = outputs(export_onnx(graph).SerializeToString(), test)
    assert centred_snr_db(wanted, outputs(model, test)) > 17


def test_leaving_all_but_the_first_layer_in_float_brings_the_answer_closer() -> None:
    graph = import_model(tiny.depthwise_cnn())
    test = tiny.pictures(32, seed=9)
    wanted = outputs(export_onnx(graph).SerializeToString(), test)
    most = {node.name: Precision.FLOAT for node in graph.nodes if node is not graph.nodes[0]}
    snr = [centred_snr_db(wanted, outputs(written(graph, each), test)) for each in ({}, most)]
    assert snr[1] > snr[0] + 3


def test_a_dynamic_layer_has_int8_weights_and_float_activations() -> None:
    graph = import_model(tiny.residual_cnn())
    gemm = next(node for node in graph.nodes if node.op == "Gemm")
    precisions = {node.name: Precision.FLOAT for node in graph.nodes}
    model = written(graph, {**precisions, gemm.name: Precision.DYNAMIC})
    proto = onnx.load_from_string(model)
    kinds = {each.name: each.data_type for each in proto.graph.initializer}
    assert kinds[f"{gemm.inputs[1]}/int8"] == onnx.TensorProto.INT8
    assert gemm.inputs[1] not in kinds
    test = tiny.pictures(32, seed=9)
    wanted = outputs(export_onnx(graph).SerializeToString(), test)
    assert centred_snr_db(wanted, outputs(model, test)) > 30


@pytest.mark.parametrize("build", [tiny.residual_cnn, tiny.depthwise_cnn])
def test_signed_activations_give_the_answers_of_unsigned_ones(build) -> None:
    graph = import_model(build())
    quantized = quantize_graph(graph, calibrate(graph, tiny.pictures(32)))
    test = tiny.pictures(16, seed=9)
    unsigned, signed = (
        outputs(write_onnx_int8(quantized, is_signed=each), test) for each in (False, True)
    )
    step = quantized.activations[graph.outputs[0]].scale
    np.testing.assert_allclose(signed, unsigned, atol=1.01 * step)
