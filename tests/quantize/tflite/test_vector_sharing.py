"""Equal small vectors are stored once in a file, and read the same everywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quantize.tflite.schema import load_schema
from quantize.tflite.vector_sharing import sharing_builder


def packed(shapes: list[list[int]], builder: object) -> bytes:
    schema = load_schema()
    tensors = [schema.TensorT(shape=shape, name=f"t{at}") for at, shape in enumerate(shapes)]
    graph = schema.SubGraphT(tensors=tensors, inputs=[0], outputs=[0], operators=[])
    builder.Finish(schema.ModelT(subgraphs=[graph]).Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=20), min_size=1, max_size=12))
def test_every_tensor_keeps_its_shape(shapes: list[list[int]]) -> None:
    content = packed(shapes, sharing_builder(64))
    [graph] = load_schema().ModelT.InitFromPackedBuf(content).subgraphs
    assert [list(each.shape) for each in graph.tensors] == shapes
    assert [each.name.decode() for each in graph.tensors] == [f"t{at}" for at in range(len(shapes))]


def test_a_shape_of_many_tensors_takes_the_room_of_one() -> None:
    import flatbuffers

    shapes = [[1, 64, 7, 7]] * 50
    plain, shared = (
        packed(shapes, each) for each in (flatbuffers.Builder(64), sharing_builder(64))
    )
    assert len(plain) - len(shared) >= 49 * 20
