"""The int8 ONNX file: integers all the way in onnxruntime, close to float, same bytes twice."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_onnx_models as tiny
from signal_to_noise import centred_snr_db

from quantize.calibration import calibrate
from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.onnx_export import export_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.quantizer import quantize_graph

INTEGER = {
    "NhwcMaxPool",
    "MaxPool",
    "Pad",
    "QGemm",
    "QLinearAdd",
    "QLinearAveragePool",
    "QLinearConcat",
    "QLinearConv",
    "QLinearGlobalAveragePool",
    "QLinearMul",
    "QLinearSigmoid",
    "QLinearSoftmax",
    "Reshape",
    "Transpose",
}
ENDS = {"QuantizeLinear", "DequantizeLinear"}


def written(graph: FloatGraph, *, shape: tuple = (1, 3, 16, 16)) -> bytes:
    return write_onnx_int8(quantize_graph(graph, calibrate(graph, tiny.pictures(32, shape))))


def optimised_operators(model: bytes, folder: Path) -> list[str]:
    """What onnxruntime really runs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(str(folder / "optimised.onnx")).graph.node]


def outputs(model: bytes, examples: list) -> np.ndarray:
    session = open_session(model)
    name = session.get_outputs()[0].name
    return np.concatenate([run_session(session, [name], each)[0] for each in examples])


@pytest.mark.parametrize(
    ("build", "least_db"),
    [
        (tiny.residual_cnn, 25),
        (tiny.depthwise_cnn, 18),
        (tiny.concat_cnn, 25),
        (tiny.gated_cnn, 20),
    ],
)
def test_a_network_is_integer_all_the_way_and_answers_close_to_float(
    build, least_db: float, tmp_path: Path
) -> None:
    graph = import_model(build())
    model = written(graph)
    onnx.checker.check_model(model, full_check=True)
    operators = optimised_operators(model, tmp_path)
    assert set(operators) <= INTEGER | ENDS
    assert [operators.count(each) for each in sorted(ENDS)] == [1, 1]
    test = tiny.pictures(32, seed=9)
    reference = outputs(export_onnx(graph).SerializeToString(), test)
    assert centred_snr_db(reference, outputs(model, test)) > least_db


def pool(op: str, **attributes: object):
    def build(model: tiny.ModelBuilder) -> str:
        model.conv("image", "a", (3, 4))
        model.node(op, ["a"], "b", kernel_shape=[2, 2], strides=[2, 2], **attributes)
        return model.conv("b", "out", (4, 4))

    return build


def grouped(model: tiny.ModelBuilder) -> str:
    model.conv("image", "a", (3, 8))
    return model.conv("a", "out", (8, 8), group=2)


def dilated(model: tiny.ModelBuilder) -> str:
    return model.conv("image", "out", (3, 4), dilations=[2, 2], pads=[2] * 4)


def padded(model: tiny.ModelBuilder) -> str:
    model.conv("image", "a", (3, 4))
    pads = model.constant("pads", [0, 1, 1, 2, 0, 0, 1, 0], np.int64)
    model.node("Pad", ["a", pads], "b")
    return model.conv("b", "out", (5, 4))


def softmax(model: tiny.ModelBuilder) -> str:
    model.node("GlobalAveragePool", ["image"], "pooled")
    model.node("Flatten", ["pooled"], "flat")
    model.gemm("flat", "values", (3, 4))
    return model.node("Softmax", ["values"], "out", axis=-1)


def unfused_relu(model: tiny.ModelBuilder) -> str:
    model.conv("image", "a", (3, 4))
    model.node("Relu", ["a"], "b")
    return model.node("Mul", ["a", "b"], "out")


def relu_joined_with_negatives(model: tiny.ModelBuilder) -> str:
    model.conv("image", "a", (3, 4))
    model.node("Relu", ["a"], "b")
    model.conv("image", "c", (3, 4))
    return model.node("Concat", ["b", "c"], "out", axis=1)


def constant_operands(model: tiny.ModelBuilder) -> str:
    model.node("Add", ["image", model.constant("one", 0.25)], "a")
    return model.node("Mul", ["a", model.weight("map", (1, 1, 16, 16))], "out")


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(pool("MaxPool"), id="max pool"),
        pytest.param(pool("MaxPool", pads=[1] * 4), id="max pool with pads"),
        pytest.param(pool("AveragePool"), id="average pool"),
        pytest.param(pool("AveragePool", pads=[1] * 4), id="average pool with pads"),
        pytest.param(
            pool("AveragePool", pads=[1] * 4, count_include_pad=1), id="average of pads too"
        ),
        pytest.param(grouped, id="grouped conv"),
        pytest.param(dilated, id="dilated conv"),
        pytest.param(padded, id="pad"),
        pytest.param(softmax, id="softmax"),
        pytest.param(unfused_relu, id="relu of a tensor read twice"),
        pytest.param(relu_joined_with_negatives, id="relu in a group with negatives"),
        pytest.param(constant_operands, id="add and mul of constants"),
    ],
)
def test_each_operator_answers_close_to_float_and_leaves_no_float_convolution(
    build, tmp_path: Path
) -> None:
    model = tiny.ModelBuilder()
    output = build(model)
    graph = import_model(model.model({"image": (1, 3, 16, 16)}, {output: None}))
    data = written(graph)
    operators = optimised_operators(data, tmp_path)
    assert not {"Conv", "FusedConv", "Gemm", "MatMul"} & set(operators)
    test = tiny.pictures(8, seed=9)
    reference = outputs(export_onnx(graph).SerializeToString(), test)
    # A probability has 256 levels whatever its spread, so it resolves less of a small one.
    least_db = 18 if build is softmax else 28
    assert centred_snr_db(reference, outputs(data, test)) > least_db


def test_a_relu_that_saturation_cannot_do_still_clamps() -> None:
    model = tiny.ModelBuilder()
    relu_joined_with_negatives(model)
    graph = import_model(model.model({"image": (1, 3, 16, 16)}, {"out": None}))
    found = outputs(written(graph), tiny.pictures(4, seed=9))
    assert float(found[:, :4].min()) == 0.0
    assert float(found[:, 4:].min()) < 0.0


def test_inputs_and_outputs_keep_their_names_shapes_and_type() -> None:
    session = open_session(written(import_model(tiny.residual_cnn())))
    ends = [*session.get_inputs(), *session.get_outputs()]
    assert [(each.name, each.shape, each.type) for each in ends] == [
        ("image", [1, 3, 16, 16], "tensor(float)"),
        ("logits", [1, 4], "tensor(float)"),
    ]


def test_the_file_says_who_made_it_and_loads_in_old_runtimes() -> None:
    model = onnx.load_from_string(written(import_model(tiny.residual_cnn())))
    assert model.producer_name == "edgedx"
    assert (model.ir_version, model.opset_import[0].version) == (8, 17)


def test_the_file_carries_the_metadata_given() -> None:
    graph = import_model(tiny.residual_cnn())
    quantized = quantize_graph(graph, calibrate(graph, tiny.pictures(4)))
    model = onnx.load_from_string(write_onnx_int8(quantized, metadata='{"é": 1}'.encode()))
    assert {each.key: each.value for each in model.metadata_props} == {"edgedx": '{"é": 1}'}


def test_the_same_model_gives_the_same_bytes() -> None:
    assert written(import_model(tiny.gated_cnn())) == written(import_model(tiny.gated_cnn()))


def test_weights_are_stored_as_int8_and_nothing_is_stored_twice() -> None:
    source = tiny.residual_cnn()
    model = onnx.load_from_string(written(import_model(source)))
    kinds = {each.name: each.data_type for each in model.graph.initializer}
    weights = [name for name in kinds if name.endswith("/int8")]
    assert {kinds[name] for name in weights} == {onnx.TensorProto.INT8, onnx.TensorProto.INT32}
    assert len(set(kinds)) == len(model.graph.initializer)
    floats = [
        each
        for each in model.graph.initializer
        if each.data_type == onnx.TensorProto.FLOAT and len(each.dims) > 1
    ]
    assert floats == []
