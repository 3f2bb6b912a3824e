"""ONNX files at the edge: types, open axes, precision, versions, control flow, damage."""

import logging
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_onnx_models as tiny
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from edge.errors import EdgeError, InputError, UnsupportedInputError, UsageError
from quantize.importers.equivalence import check_same_answers
from quantize.importers.onnx_file import load_onnx_file
from quantize.importers.onnx_importer import import_model, import_onnx, load_static_onnx
from quantize.importers.static_shapes import fix_input_shapes
from quantize.onnx_export import export_onnx
from quantize.onnx_session import open_session, run_session

FLOAT = TensorProto.FLOAT


def value(name: str, kind: int, shape: list):
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(nodes: list, inputs: list, outputs: list, constants: tuple = (), **options: object):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(constants))
    options = {"opset_imports": [helper.make_opsetid("", 17)], "ir_version": 8, **options}
    return helper.make_model(graph, **options)


def codes_and_values(kind: int = TensorProto.INT64) -> onnx.ModelProto:
    """Whole numbers looked up in a table, plus a float series of the same open length."""
    table = numpy_helper.from_array(np.eye(5, 4, dtype=np.float32), "table")
    return model_of(
        [
            helper.make_node("Gather", ["table", "codes"], ["rows"]),
            helper.make_node("Add", ["rows", "values"], ["out"]),
        ],
        [value("codes", kind, ["N", "steps"]), value("values", FLOAT, ["N", "steps", 4])],
        [value("out", FLOAT, ["N", "steps", 4])],
        (table,),
    )


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32], ids=["int64", "int32"])
def test_whole_numbers_are_an_input_of_their_own_type(kind: int, tmp_path: Path) -> None:
    path = tiny.save(codes_and_values(kind), tmp_path / "model.onnx")
    graph = import_onnx(path, input_shapes={"codes": (1, 6)})
    assert graph.dtype("codes") == ("int64" if kind == TensorProto.INT64 else "int32")
    assert graph.dtype("values") == graph.dtype("out") == "float32"


def test_an_axis_that_inputs_share_is_given_once(tmp_path: Path) -> None:
    path = tiny.save(codes_and_values(), tmp_path / "model.onnx")
    graph = import_onnx(path, input_shapes={"codes": (1, 6)})
    assert graph.shapes["values"] == (1, 6, 4)


def test_each_input_can_be_given_its_shape(tmp_path: Path) -> None:
    path = tiny.save(codes_and_values(), tmp_path / "model.onnx")
    graph = import_onnx(path, input_shapes={"codes": (1, 6), "values": (1, 6, 4)})
    assert graph.shapes["out"] == (1, 6, 4)


def test_shapes_that_contradict_each_other_are_wrong_use(tmp_path: Path) -> None:
    path = tiny.save(codes_and_values(), tmp_path / "model.onnx")
    with pytest.raises(UsageError, match="axis 'steps' of input 'values' is given as 7, but as 6"):
        import_onnx(path, input_shapes={"codes": (1, 6), "values": (1, 7, 4)})


@pytest.mark.parametrize("kind", ["UINT8", "STRING", "COMPLEX64"])
def test_an_input_of_another_type_is_refused_by_name(kind: str) -> None:
    number = TensorProto.DataType.Value(kind)
    model = model_of(
        [helper.make_node("Identity", ["a"], ["b"])],
        [value("a", number, [1, 3])],
        [value("b", number, [1, 3])],
    )
    with pytest.raises(UnsupportedInputError, match=f"'a' is {kind}; FLOAT, INT64, INT32, BOOL"):
        fix_input_shapes(model)


@pytest.mark.parametrize(
    ("kind", "numpy_type", "name"),
    [
        pytest.param(TensorProto.FLOAT16, np.float16, "float16", id="half"),
        pytest.param(TensorProto.DOUBLE, np.float64, "double", id="double"),
    ],
)
def test_another_precision_becomes_single_and_is_logged(
    kind: int, numpy_type: type, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    weight = np.random.default_rng(0).normal(0, 1, (3, 2)).astype(numpy_type)
    model = model_of(
        [
            helper.make_node("MatMul", ["a", "w"], ["product"]),
            helper.make_node("Cast", ["product"], ["out"], to=kind),
        ],
        [value("a", kind, ["N", 3])],
        [value("out", kind, ["N", 2])],
        (numpy_helper.from_array(weight, "w"),),
    )
    with caplog.at_level(logging.INFO):
        loaded = load_static_onnx(tiny.save(model, tmp_path / "model.onnx"))
    assert f"{name} taken as float32" in caplog.text
    graph = import_model(loaded)
    check_same_answers(loaded, graph, [{"a": np.float32([[1, 2, 3]])}, {"a": np.ones((1, 3), "f")}])
    stored = numpy_helper.to_array(loaded.graph.initializer[0])
    assert np.array_equal(stored, weight.astype(np.float32))


def test_a_double_beyond_single_is_refused_by_name(tmp_path: Path) -> None:
    model = model_of(
        [helper.make_node("Mul", ["a", "w"], ["out"])],
        [value("a", TensorProto.DOUBLE, [1, 1])],
        [value("out", TensorProto.DOUBLE, [1, 1])],
        (numpy_helper.from_array(np.float64([1e300]), "w"),),
    )
    with pytest.raises(InputError, match=r"'w' holds 1e\+300, beyond float32"):
        load_onnx_file(tiny.save(model, tmp_path / "model.onnx"))


def test_a_condition_is_refused_by_name_before_anything_runs(tmp_path: Path) -> None:
    def branch(name: str):
        node = helper.make_node("Constant", [], [name], value_float=1.0)
        return helper.make_graph([node], name, [], [value(name, FLOAT, [])])

    node = helper.make_node(
        "If", ["flag"], ["out"], "choose", then_branch=branch("yes"), else_branch=branch("no")
    )
    model = model_of([node], [value("flag", TensorProto.BOOL, [])], [value("out", FLOAT, [])])
    with pytest.raises(UnsupportedInputError, match=r"unsupported: If 'choose': .*without"):
        load_onnx_file(tiny.save(model, tmp_path / "model.onnx"))


def test_a_loop_that_never_ends_is_refused_and_not_run(tmp_path: Path) -> None:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"])],
        "body",
        [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, [])],
        [value("on", TensorProto.BOOL, [])],
    )
    true = numpy_helper.from_array(np.ones((), bool), "true")
    body.node.append(helper.make_node("Relu", ["h"], ["next"]))
    body.input.append(value("h", FLOAT, [1, 3]))
    body.output.append(value("next", FLOAT, [1, 3]))
    loop = helper.make_node("Loop", ["", "true", "a"], ["out"], "forever", body=body)
    model = model_of([loop], [value("a", FLOAT, [1, 3])], [value("out", FLOAT, [1, 3])], (true,))
    with pytest.raises(UnsupportedInputError, match="Loop 'forever'"):
        load_onnx_file(tiny.save(model, tmp_path / "model.onnx"))


def test_what_no_output_needs_need_not_be_supported(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["a"], ["out"]),
        helper.make_node("Magic", ["out"], ["label"], domain="com.example"),
    ]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    sizes = [1, 3]
    model = model_of(
        nodes, [value("a", FLOAT, sizes)], [value("out", FLOAT, sizes)], opset_imports=opsets
    )
    assert [node.op for node in import_onnx(tiny.save(model, tmp_path / "a.onnx")).nodes] == [
        "Relu"
    ]


def linear_classifier(after: str) -> onnx.ModelProto:
    """Scaled measures, three classes, as scikit-learn's exporter writes them; the scores only."""
    random = np.random.default_rng(0)
    nodes = [
        helper.make_node(
            "Scaler",
            ["a"],
            ["scaled"],
            "scaler",
            domain="ai.onnx.ml",
            offset=[1.0, 2.0, 3.0, 4.0],
            scale=[0.5, 1.0, 2.0, 0.25],
        ),
        helper.make_node(
            "LinearClassifier",
            ["scaled"],
            ["label", "scores"],
            "linear",
            domain="ai.onnx.ml",
            coefficients=random.normal(0, 1, 12).tolist(),
            intercepts=[0.1, 0.2, -0.3],
            classlabels_ints=[0, 1, 2],
            multi_class=0,
            post_transform=after,
        ),
    ]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    ends = [value("a", FLOAT, ["N", 4])], [value("scores", FLOAT, ["N", 3])]
    return model_of(nodes, *ends, opset_imports=opsets)


@pytest.mark.parametrize("after", ["NONE", "SOFTMAX", "LOGISTIC"])
def test_a_linear_model_of_scikit_learn_answers_as_onnxruntime_does(
    after: str, tmp_path: Path
) -> None:
    model = linear_classifier(after)
    given = np.random.default_rng(1).normal(2, 2, (1, 4)).astype(np.float32)
    graph = import_onnx(tiny.save(model, tmp_path / "model.onnx"))
    assert {node.op for node in graph.nodes} <= {"Gemm", "Softmax", "Sigmoid", "Sub", "Mul", "Add"}
    expected = run_session(open_session(model.SerializeToString()), ["scores"], {"a": given})[0]
    exported = open_session(export_onnx(graph).SerializeToString())
    actual = run_session(exported, ["scores"], {"a": given})[0]
    assert actual == pytest.approx(expected, abs=1e-5)


def test_scores_that_are_normalised_to_one_answer_as_onnxruntime_does(tmp_path: Path) -> None:
    model = linear_classifier("LOGISTIC")
    extra = helper.make_node("Normalizer", ["scores"], ["shares"], domain="ai.onnx.ml", norm="L1")
    model.graph.node.append(extra)
    model.graph.output[0].name = "shares"
    given = np.random.default_rng(1).normal(2, 2, (1, 4)).astype(np.float32)
    graph = import_onnx(tiny.save(model, tmp_path / "model.onnx"))
    expected = run_session(open_session(model.SerializeToString()), ["shares"], {"a": given})[0]
    exported = open_session(export_onnx(graph).SerializeToString())
    actual = run_session(exported, ["shares"], {"a": given})[0]
    assert actual == pytest.approx(expected, abs=1e-5)


def test_a_label_of_a_linear_model_is_refused_by_name(tmp_path: Path) -> None:
    model = linear_classifier("NONE")
    model.graph.output.append(value("label", TensorProto.INT64, ["N"]))
    with pytest.raises(UnsupportedInputError, match=r"ai\.onnx\.ml\.LinearClassifier"):
        import_onnx(tiny.save(model, tmp_path / "model.onnx"))


def test_a_format_newer_than_ours_is_refused_with_the_way_out(tmp_path: Path) -> None:
    model = tiny.residual_cnn()
    model.ir_version = 99
    with pytest.raises(UnsupportedInputError, match=r"version 99; up to .* pip install --upgrade"):
        load_onnx_file(tiny.save(model, tmp_path / "model.onnx"))


def test_the_newest_format_and_operators_are_read(tmp_path: Path) -> None:
    newest = onnx.defs.onnx_opset_version()
    model = model_of(
        [helper.make_node("Relu", ["a"], ["out"])],
        [value("a", FLOAT, ["N", 3])],
        [value("out", FLOAT, ["N", 3])],
        opset_imports=[helper.make_opsetid("", min(newest, 23))],
        ir_version=onnx.IR_VERSION,
    )
    assert import_onnx(tiny.save(model, tmp_path / "model.onnx")).shapes["out"] == (1, 3)


@pytest.mark.parametrize(
    ("drop", "reason"),
    [
        pytest.param("node", "holds no operators", id="nodes"),
        pytest.param("output", "has no output", id="outputs"),
    ],
)
def test_an_empty_graph_is_refused(drop: str, reason: str, tmp_path: Path) -> None:
    model = tiny.residual_cnn()
    del getattr(model.graph, drop)[:]
    with pytest.raises(InputError, match=reason):
        load_onnx_file(tiny.save(model, tmp_path / "model.onnx"))


def test_channels_last_as_tensorflow_exports_them_is_read(tmp_path: Path) -> None:
    """A transpose in front, the convolution, a transpose behind, then a dense layer."""
    build = tiny.ModelBuilder()
    build.node("Transpose", ["image"], "first", perm=[0, 3, 1, 2])
    build.conv("first", "conv", (3, 4))
    build.node("Relu", ["conv"], "relu")
    build.node("Transpose", ["relu"], "last", perm=[0, 2, 3, 1])
    build.node("Reshape", ["last", build.constant("flat", [-1, 256], np.int64)], "features")
    build.gemm("features", "scores", (256, 3))
    model = build.model({"image": ("N", 8, 8, 3)}, {"scores": None})
    loaded = load_static_onnx(tiny.save(model, tmp_path / "model.onnx"))
    random = np.random.default_rng(0)
    pictures = [{"image": random.random((1, 8, 8, 3), np.float32)} for _ in range(2)]
    check_same_answers(loaded, import_model(loaded), pictures)


@settings(
    max_examples=40,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4)
)
def test_changed_bytes_give_a_graph_or_one_line(changes: list, tmp_path: Path) -> None:
    whole = bytearray(tiny.residual_cnn().SerializeToString())
    for place, byte in changes:
        whole[int(place * len(whole))] = byte
    path = tmp_path / "changed.onnx"
    path.write_bytes(bytes(whole))
    try:
        import_onnx(path)
    except EdgeError as error:
        assert "\n" not in str(error)  # noqa: PT017 - both outcomes are right
