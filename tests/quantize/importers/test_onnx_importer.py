"""An ONNX file becomes a graph that answers the same, or is refused by name in one line."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_onnx_models as tiny
from onnx import helper

from edge.errors import (
    EdgeError,
    InputError,
    InputNotFoundError,
    InputTooLargeError,
    UnsupportedInputError,
    UsageError,
)
from quantize.importers.equivalence import check_same_answers
from quantize.importers.onnx_file import load_onnx_file
from quantize.importers.onnx_importer import import_model, import_onnx, load_static_onnx
from quantize.importers.remedies import remedy_of
from quantize.operators import OPERATORS

MODELS = [tiny.residual_cnn, tiny.depthwise_cnn, tiny.concat_cnn, tiny.gated_cnn]


def one_node(op: str, *, shape: tuple = (1, 2, 8, 8), opset: int = 17, **attributes: object):
    build = tiny.ModelBuilder(opset=opset)
    build.node(op, ["image"], "out", **attributes)
    return build.model({"image": shape}, {"out": None})


@pytest.mark.parametrize("build", MODELS)
def test_an_imported_model_answers_as_its_source(build, tmp_path: Path) -> None:
    model = load_static_onnx(tiny.save(build(), tmp_path / "model.onnx"))
    graph = import_model(model)
    check_same_answers(model, graph, tiny.pictures(4))
    assert {node.op for node in graph.nodes} <= set(OPERATORS)


def test_a_graph_that_answers_otherwise_is_refused(tmp_path: Path) -> None:
    model = load_static_onnx(tiny.save(tiny.residual_cnn(), tmp_path / "a.onnx"))
    other = import_onnx(tiny.save(tiny.residual_cnn(seed=5), tmp_path / "b.onnx"))
    with pytest.raises(InputError, match="differs from the source model"):
        check_same_answers(model, other, tiny.pictures(2))


@pytest.mark.parametrize("opset", [11, 12, 13, 15, 17, 18, 20, 21, 23])
def test_opsets_old_and_new_are_read(opset: int, tmp_path: Path) -> None:
    build = tiny.ModelBuilder(opset=opset)
    build.conv("image", "a", (3, 4))
    build.batch_norm("a", "norm", 4)
    build.node("Relu", ["norm"], "b")
    pads = build.constant("pads", [0, 0, 1, 1, 0, 0, 1, 1], np.int64)
    build.node("Pad", ["b", pads], "padded")
    build.conv("padded", "c", (4, 4), pads=[0] * 4)
    if opset < 18:
        build.node("ReduceMean", ["c"], "mean", axes=[2, 3], keepdims=1)
    else:
        build.node("ReduceMean", ["c", build.constant("axes", [-1, 2], np.int64)], "mean")
    if opset < 13:
        build.node("Squeeze", ["mean"], "flat", axes=[2, 3])
    else:
        build.node("Squeeze", ["mean", build.constant("gone", [2, 3], np.int64)], "flat")
    build.gemm("flat", "values", (4, 3))
    build.node("Softmax", ["values"], "scores")
    model = build.model({"image": (1, 3, 16, 16)}, {"scores": (1, 3)})
    loaded = load_static_onnx(tiny.save(model, tmp_path / "model.onnx"))
    graph = import_model(loaded)
    check_same_answers(loaded, graph, tiny.pictures(2))
    found = [node.op for node in graph.nodes]
    expected = ["Conv", "Relu", "Conv", "GlobalAveragePool", "Reshape", "Gemm", "Softmax"]
    assert found == expected


@pytest.mark.parametrize("opset", [9, 10])
def test_an_opset_before_11_is_refused_with_the_way_out(opset: int, tmp_path: Path) -> None:
    path = tiny.save(one_node("Relu", opset=opset), tmp_path / "old.onnx")
    with pytest.raises(UnsupportedInputError, match=rf"opset {opset}; 11 to .* export"):
        import_onnx(path)


def test_every_unsupported_operator_is_named_with_an_example_and_a_way_out(tmp_path: Path) -> None:
    build = tiny.ModelBuilder()
    build.node("Sinh", ["image"], "first_sinh")
    build.node("Sinh", ["first_sinh"], "second_sinh")
    build.node("Acosh", ["second_sinh"], "last")
    model = build.model({"image": (1, 3, 4, 4)}, {"last": None})
    with pytest.raises(UnsupportedInputError) as caught:
        import_onnx(tiny.save(model, tmp_path / "model.onnx"))
    message = str(caught.value)
    assert message == (
        "unsupported: Acosh x1 (e.g. node 'last'): write it with supported operators, or cut the "
        "model before it; Sinh x2 (e.g. node 'first_sinh'): write it with supported operators, or "
        "cut the model before it; docs/operators.md lists the operators that are supported"
    )


def test_an_operator_of_another_domain_is_refused_by_name(tmp_path: Path) -> None:
    node = helper.make_node("Magic", ["image"], ["out"], domain="com.example", name="trick")
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("image", kind, [1, 3])],
        [helper.make_tensor_value_info("out", kind, [1, 3])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    with pytest.raises(UnsupportedInputError, match=r"com\.example\.Magic x1 .*'trick'\): write"):
        import_onnx(tiny.save(model, tmp_path / "model.onnx"))


@pytest.mark.parametrize(
    ("op", "attributes", "reason"),
    [
        pytest.param(
            "MaxPool",
            {"kernel_shape": [2, 2], "dilations": [2, 2]},
            r"dilations \(2, 2\)",
            id="dilated pool",
        ),
        pytest.param("Clip", {}, None, id="clip without bounds is fine"),
    ],
)
def test_a_form_that_is_not_supported_is_refused_with_its_reason(
    op: str, attributes: dict, reason: str | None, tmp_path: Path
) -> None:
    path = tiny.save(one_node(op, **attributes), tmp_path / "model.onnx")
    if reason is None:
        assert import_onnx(path).nodes[0].op == op
        return
    with pytest.raises(UnsupportedInputError, match=reason):
        import_onnx(path)


def test_a_clip_whose_bounds_leave_out_zero_is_a_maximum_and_a_minimum(tmp_path: Path) -> None:
    build = tiny.ModelBuilder()
    bounds = [build.constant("low", 0.5), build.constant("high", 3.0)]
    build.node("Clip", ["image", *bounds], "out")
    model = build.model({"image": (1, 3, 4, 4)}, {"out": None})
    graph = import_onnx(tiny.save(model, tmp_path / "model.onnx"))
    assert [node.op for node in graph.nodes] == ["Max", "Min"]


def test_a_function_that_a_model_brings_is_written_out(tmp_path: Path) -> None:
    build = tiny.ModelBuilder()
    build.conv("image", "a", (3, 4))
    build.nodes.append(helper.make_node("twice", ["a"], ["out"], domain="own", name="call"))
    model = build.model({"image": (1, 3, 8, 8)}, {"out": (1, 4, 8, 8)})
    body = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Add", ["r", "x"], ["y"])]
    opsets = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "twice", ["x"], ["y"], body, opsets))
    model.opset_import.append(helper.make_opsetid("own", 1))
    graph = import_onnx(tiny.save(model, tmp_path / "model.onnx"))
    assert [node.op for node in graph.nodes] == ["Conv", "Relu", "Add"]


def test_an_open_batch_becomes_one(tmp_path: Path) -> None:
    graph = import_onnx(tiny.save(tiny.residual_cnn(), tmp_path / "model.onnx"))
    assert graph.shapes["image"] == (1, 3, 16, 16)
    assert graph.shapes["logits"] == (1, 4)


def _open_size() -> onnx.ModelProto:
    build = tiny.ModelBuilder()
    build.conv("image", "a", (3, 4))
    build.node("GlobalAveragePool", ["a"], "pooled")
    return build.model({"image": ("N", 3, "height", "width")}, {"pooled": None})


def test_another_open_axis_is_refused_by_name(tmp_path: Path) -> None:
    path = tiny.save(_open_size(), tmp_path / "model.onnx")
    with pytest.raises(UnsupportedInputError, match=r"axis 2 'height' of input 'image' is open"):
        import_onnx(path)


def test_another_open_axis_can_be_given(tmp_path: Path) -> None:
    path = tiny.save(_open_size(), tmp_path / "model.onnx")
    graph = import_onnx(path, input_shapes={"image": (1, 3, 12, 20)})
    assert graph.shapes["a"] == (1, 4, 12, 20)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        pytest.param({"picture": (1, 3, 8, 8)}, "no model input is named 'picture'", id="name"),
        pytest.param({"image": (1, 3, 8)}, "has 4 axes", id="rank"),
        pytest.param({"image": (1, 1, 8, 8)}, "axis 1 of input 'image' is 3", id="contradiction"),
    ],
)
def test_a_shape_that_does_not_fit_the_model_is_wrong_use(
    shapes: dict, message: str, tmp_path: Path
) -> None:
    path = tiny.save(_open_size(), tmp_path / "model.onnx")
    with pytest.raises(UsageError, match=message):
        import_onnx(path, input_shapes=shapes)


def test_a_model_for_a_fixed_batch_of_many_is_refused(tmp_path: Path) -> None:
    path = tiny.save(one_node("Relu", shape=(8, 3, 4, 4)), tmp_path / "model.onnx")
    with pytest.raises(UnsupportedInputError, match="batch of 8"):
        import_onnx(path)


def test_a_shape_computed_in_the_graph_is_folded(tmp_path: Path) -> None:
    build = tiny.ModelBuilder()
    build.conv("image", "a", (3, 4))
    build.node("Shape", ["a"], "sizes")
    index = build.constant("first", [0], np.int64)
    build.node("Gather", ["sizes", index], "batch", axis=0)
    rest = build.constant("rest", [-1], np.int64)
    build.node("Concat", ["batch", rest], "target", axis=0)
    build.node("Reshape", ["a", "target"], "flat")
    build.gemm("flat", "values", (4 * 8 * 8, 3))
    model = build.model({"image": ("N", 3, 8, 8)}, {"values": None})
    graph = import_onnx(tiny.save(model, tmp_path / "model.onnx"))
    assert [node.op for node in graph.nodes] == ["Conv", "Reshape", "Gemm"]
    assert graph.shapes["flat"] == (1, 256)


@pytest.mark.parametrize(("value", "said"), [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize("is_normalised", [False, True], ids=["alone", "before batch norm"])
def test_weights_that_are_not_numbers_are_refused_by_name_and_layer(
    value: float, said: str, is_normalised: bool, tmp_path: Path
) -> None:
    build = tiny.ModelBuilder()
    build.conv("image", "a", (3, 4))
    output = build.batch_norm("a", "norm", 4) if is_normalised else "a"
    values = onnx.numpy_helper.to_array(build.constants[0]).copy()
    values[0, 0, 0, 0] = value
    build.constants[0].CopyFrom(onnx.numpy_helper.from_array(values, "a_w"))
    model = build.model({"image": (1, 3, 8, 8)}, {output: None})
    with pytest.raises(InputError, match=rf"'a_w' of layer 'a' \(Conv\) holds {said}") as caught:
        import_onnx(tiny.save(model, tmp_path / "model.onnx"))
    assert not isinstance(caught.value, UnsupportedInputError)


def test_a_mask_may_hold_infinity(tmp_path: Path) -> None:
    build = tiny.ModelBuilder()
    build.constant("never", -np.inf)
    build.constant("mask", np.tril(np.ones((1, 4, 4))), np.bool_)
    build.node("Where", ["mask", "scores", "never"], "masked")
    build.node("Softmax", ["masked"], "shares", axis=-1)
    model = build.model({"scores": (1, 4, 4)}, {"shares": None})
    assert import_onnx(tiny.save(model, tmp_path / "model.onnx")).outputs == ("shares",)


@pytest.mark.parametrize(
    ("op", "domain", "opset", "remedy"),
    [
        pytest.param("NonMaxSuppression", "", 17, "do it in postprocessing", id="detections"),
        pytest.param(
            "RandomNormalLike", "", 17, "export the model in evaluation mode", id="random"
        ),
        pytest.param("STFT", "", 17, "compute it before the model", id="spectrum"),
        pytest.param("GatherElements", "", 17, "Gather (index_select)", id="torch.gather"),
        pytest.param("SequenceAt", "", 17, "without Python lists of tensors", id="lists"),
        pytest.param("QLinearConv", "", 17, "give the float model", id="quantized"),
        pytest.param("FusedConv", "com.microsoft", 17, "as it was exported", id="fused"),
        pytest.param("Swish", "", 24, "export with opset 17", id="newer than opset 17"),
    ],
)
def test_an_operator_that_is_not_supported_has_a_way_out(
    op: str, domain: str, opset: int, remedy: str
) -> None:
    full = f"{domain}.{op}" if domain else op
    assert remedy in remedy_of(full, opset)
    assert "\n" not in remedy_of(full, opset)


def test_a_batch_normalization_that_cannot_be_is_refused_by_layer(tmp_path: Path) -> None:
    build = tiny.ModelBuilder()
    build.conv("image", "layer", (3, 4))
    build.batch_norm("layer", "norm", 4)
    variance = next(each for each in build.constants if each.name == "norm_variance")
    variance.CopyFrom(onnx.numpy_helper.from_array(np.full(4, -1, np.float32), variance.name))
    model = build.model({"image": (1, 3, 8, 8)}, {"norm": None})
    with pytest.raises(UnsupportedInputError, match=r"Conv x1 .*'layer'\): weight .* NaN"):
        import_onnx(tiny.save(model, tmp_path / "model.onnx"))


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match=r"nowhere\.onnx: no such model file"):
        import_onnx(tmp_path / "nowhere.onnx")


@pytest.mark.parametrize(
    "content", [b"", b"not a model", bytes(range(256)) * 8], ids=["empty", "text", "noise"]
)
def test_bytes_that_are_no_model_are_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        import_onnx(path)
    assert "\n" not in str(caught.value)


def test_a_model_cut_anywhere_is_refused_by_an_error_of_ours(tmp_path: Path) -> None:
    whole = tiny.residual_cnn().SerializeToString()
    path = tmp_path / "cut.onnx"
    for length in range(1, len(whole), len(whole) // 25):
        path.write_bytes(whole[:length])
        with pytest.raises(EdgeError):
            import_onnx(path)


def _with_external_data(folder: Path, location: str) -> Path:
    model = tiny.residual_cnn()
    for tensor in model.graph.initializer:
        if tensor.name == "stem_w":
            (folder / "weights.bin").write_bytes(tensor.raw_data)
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=location)
    return tiny.save(model, folder / "model.onnx")


def test_external_data_beside_the_model_is_read(tmp_path: Path) -> None:
    loaded = load_onnx_file(_with_external_data(tmp_path, "weights.bin"))
    inside = {tensor.name: tensor for tensor in loaded.graph.initializer}
    expected = {tensor.name: tensor for tensor in tiny.residual_cnn().graph.initializer}
    assert inside["stem_w"].raw_data == expected["stem_w"].raw_data


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/hostname", "a/../../weights.bin"])
def test_external_data_elsewhere_is_never_read(location: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(10_000))
    with pytest.raises(InputError, match="only files inside the model's folder"):
        load_onnx_file(_with_external_data(folder, location))


def test_external_data_through_a_link_out_of_the_folder_is_never_read(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(10_000))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(InputError, match="only files inside the model's folder"):
        load_onnx_file(_with_external_data(folder, "link.bin"))


def test_external_data_that_is_missing_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'lost\.bin' is missing"):
        load_onnx_file(_with_external_data(tmp_path, "lost.bin"))


def test_a_model_over_two_gibibytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate(2 * 1024**3 + 1)
    with pytest.raises(InputTooLargeError, match="2147483649 bytes"):
        import_onnx(path)
