"""No ONNX model that names another file passes, wherever in it the name stands."""

import numpy as np
import onnx
import pytest
from bundle_samples import assert_is_one_line, onnx_model
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from edge.bundle.onnx_references import check_self_contained
from edge.errors import BundleError


def external(location: str = "weights.bin") -> TensorProto:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return tensor


def sparse() -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(
        values=external(), indices=numpy_helper.from_array(np.zeros(1, np.int64), "i"), dims=[1]
    )


def graph(*nodes: onnx.NodeProto, **fields: list) -> onnx.GraphProto:
    made = helper.make_graph(list(nodes), "inner", [], [])
    for name, values in fields.items():
        getattr(made, name).extend(values)
    return made


def node(**attributes: object) -> onnx.NodeProto:
    return helper.make_node("Any", [], [], **attributes)


def model(whole: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(whole)


def with_function(inner: onnx.NodeProto) -> onnx.ModelProto:
    function = helper.make_function("f", "F", [], [], [inner], [helper.make_opsetid("", 17)])
    return helper.make_model(graph(), functions=[function])


def with_default_attribute() -> onnx.ModelProto:
    whole = with_function(node())
    whole.functions[0].attribute_proto.append(helper.make_attribute("t", external()))
    return whole


def with_training() -> onnx.ModelProto:
    whole = model(graph())
    whole.training_info.add().algorithm.CopyFrom(graph(initializer=[external()]))
    return whole


def with_initialization() -> onnx.ModelProto:
    whole = model(graph())
    whole.training_info.add().initialization.CopyFrom(graph(initializer=[external()]))
    return whole


HIDING_PLACES = {
    "initializer": model(graph(initializer=[external()])),
    "second initializer": model(
        graph(initializer=[numpy_helper.from_array(np.ones(9), "a"), external()])
    ),
    "sparse initializer": model(graph(sparse_initializer=[sparse()])),
    "tensor attribute": model(graph(node(value=external()))),
    "attribute of tensors": model(graph(node(values=[external(), external()]))),
    "sparse attribute": model(graph(node(value=sparse()))),
    "attribute of sparse tensors": model(graph(node(values=[sparse()]))),
    "subgraph": model(graph(node(body=graph(initializer=[external()])))),
    "second of subgraphs": model(graph(node(bodies=[graph(), graph(node(value=external()))]))),
    "subgraph of a subgraph": model(
        graph(node(body=graph(node(body=graph(node(body=graph(initializer=[external()])))))))
    ),
    "function": with_function(node(value=external())),
    "function's default": with_default_attribute(),
    "training": with_training(),
    "initialization": with_initialization(),
}


def refusal(data: bytes) -> str:
    with pytest.raises(BundleError) as caught:
        check_self_contained(data, "m.onnx")
    assert_is_one_line(caught.value)
    return str(caught.value)


def test_a_model_that_holds_its_data_passes() -> None:
    check_self_contained(onnx_model(), "m.onnx")


def test_a_model_that_only_speaks_of_locations_passes() -> None:
    whole = onnx.load_from_string(onnx_model())
    whole.doc_string = "the location of EPContext"
    whole.graph.initializer[0].name = "location"
    whole.graph.node[0].input[1] = "location"
    body = graph(node(value=numpy_helper.from_array(np.ones(2), "location")))
    whole.graph.node.append(node(body=body, location="here"))

    check_self_contained(whole.SerializeToString(), "m.onnx")


@pytest.mark.parametrize("place", sorted(HIDING_PLACES))
def test_external_data_is_found_wherever_it_hides(place: str) -> None:
    text = refusal(HIDING_PLACES[place].SerializeToString())

    assert text.startswith("model 'm.onnx' keeps tensors in another file")


@pytest.mark.parametrize(
    "location", ["../outside", "/etc/passwd", "*/_ORT_MEM_ADDR_/*", "", "weights.bin"]
)
def test_no_location_is_good(location: str) -> None:
    refusal(model(graph(initializer=[external(location)])).SerializeToString())


def test_external_entries_without_the_flag_are_refused() -> None:
    tensor = external()
    tensor.ClearField("data_location")

    refusal(model(graph(initializer=[tensor])).SerializeToString())


def test_a_second_graph_in_the_same_bytes_is_looked_at() -> None:
    """Protobuf merges repeated messages: a reader would take tensors from both."""
    first = onnx_model()
    second = model(graph(initializer=[external()])).SerializeToString()

    refusal(first + second)
    refusal(second + first)


@pytest.mark.parametrize("wrap", [lambda it: it, lambda it: node(body=graph(it))])
def test_a_node_that_names_a_compiled_model_is_refused(wrap) -> None:
    context = helper.make_node(
        "EPContext", [], [], domain="com.microsoft", embed_mode=0, ep_cache_context="../x.bin"
    )

    assert "EPContext" in refusal(model(graph(wrap(context))).SerializeToString())


def test_the_ort_format_is_refused_by_name() -> None:
    assert "ORT format" in refusal(b"\x38\x00\x00\x00ORTM" + bytes(100))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x08\x08", id="no graph"),
        pytest.param(b"\x1c\x00\x00\x00TFL3" + bytes(50), id="TFLite"),
        pytest.param(b"PK\x03\x04" + bytes(50), id="zip"),
        pytest.param(onnx_model()[:-1], id="cut short"),
        pytest.param(b"\x3a\xff\xff\xff\xff\x07", id="length past the end"),
        pytest.param(b"\x3a" + b"\xff" * 11, id="endless length"),
        pytest.param(b"\xff" * 20, id="endless key"),
        pytest.param(b"\x3b\x3c", id="group"),
        pytest.param(b"\x3a\x00\x02\x00", id="field 0"),
        pytest.param(b"\x3a\x00\xba\x80\x80\x80\x10\x00", id="key of 33 bits"),
    ],
)
def test_what_is_no_onnx_model_is_refused(data: bytes) -> None:
    assert "is not an ONNX model" in refusal(data)


def test_damage_inside_a_suspect_model_is_refused() -> None:
    whole = model(graph(initializer=[external()]))
    whole.graph.doc_string = "x"
    data = whole.SerializeToString()
    place = data.index(b"location")

    refusal(data[: place - 4] + b"\xff\xff" + data[place - 2 :])


@given(st.binary(max_size=60), st.integers(0, 300), st.integers(0, 20))
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_mutated_models_pass_or_are_refused_in_one_line(patch: bytes, start: int, cut: int) -> None:
    data = HIDING_PLACES["subgraph"].SerializeToString()
    data = data[:start] + patch + data[start + cut :]
    try:
        check_self_contained(data, "m.onnx")
    except BundleError as error:
        assert_is_one_line(error)


@given(st.sampled_from(sorted(HIDING_PLACES)), st.data())
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
def test_what_passes_names_no_file_by_onnx_s_own_reading(place: str, data: st.DataObject) -> None:
    """Whatever bytes are changed: if protobuf still reads external data, it was refused."""
    whole = bytearray(HIDING_PLACES[place].SerializeToString())
    for _ in range(data.draw(st.integers(0, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        check_self_contained(bytes(whole), "m.onnx")
    except BundleError:
        return
    from google.protobuf.message import DecodeError

    read = onnx.ModelProto()
    try:
        read.ParseFromString(bytes(whole))
    except DecodeError:
        return
    assert 'key: "location"' not in str(read)
