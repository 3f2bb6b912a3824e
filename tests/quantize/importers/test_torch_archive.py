"""What reaches `torch.export.load` can run nothing: every way in that it leaves open is shut."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import EdgeError, InputError, InputNotFoundError, UnsupportedInputError
from quantize.importers.torch_archive import copy_safe_archive, is_torch_export
from quantize.importers.torch_export import load_torch_export

TREE = '[1, {"type": "builtins.tuple", "context": "null", "children_spec": []}]'


def program() -> dict:
    """A program in the form that `torch.export.save` of PyTorch 2.13 writes, much shortened."""
    node = {
        "name": "relu",
        "target": "torch.ops.aten.relu.default",
        "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "x"}}, "kind": 1}],
        "outputs": [{"as_tensor": {"name": "relu"}}],
        "metadata": {"stack_trace": "File 'somewhere.py', line 5, in forward"},
    }
    size = {"as_expr": {"expr_str": "Symbol('s77', positive=True, integer=True)"}}
    graph = {
        "inputs": [{"as_tensor": {"name": "x"}}],
        "nodes": [node],
        "tensor_values": {"x": {"sizes": [size, {"as_int": 3}]}},
    }
    call = {"fqn": "", "signature": {"in_spec": TREE, "out_spec": TREE}}
    return {
        "graph_module": {"graph": graph, "module_call_graph": [call]},
        "guards_code": ["__import__('os').system('true')"],
        "torch_version": "2.13.0+cpu",
    }


def members(change: Callable[[dict], None] | None = None) -> dict[str, bytes]:
    model = program()
    if change is not None:
        change(model)
    entry = {"path_name": "weight_0", "use_pickle": False, "tensor_meta": {"dtype": 7}}
    return {
        "m/data/weights/weight_0": bytes(16),
        "m/data/weights/model_weights_config.json": json.dumps({"config": {"c.w": entry}}).encode(),
        "m/data/constants/model_constants_config.json": b'{"config": {}}',
        "m/data/sample_inputs/model.pt": pickle.dumps("sample"),
        "m/models/model.json": json.dumps(model).encode(),
        "m/archive_format": b"pt2",
        "m/byteorder": b"little",
    }


def save(files: dict[str, bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def copied(path: Path) -> dict[str, bytes]:
    target = io.BytesIO()
    copy_safe_archive(path, target)
    with zipfile.ZipFile(target) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_copy_holds_the_program_and_nothing_that_runs(tmp_path: Path) -> None:
    found = copied(save(members(), tmp_path / "model.pt2"))
    model = json.loads(found["model/models/model.json"])
    node = model["graph_module"]["graph"]["nodes"][0]
    assert node["target"] == "torch.ops.aten.relu.default"
    assert node["metadata"] == {}
    assert model["guards_code"] == []
    assert found["model/data/sample_inputs/model.pt"] == b""
    assert found["model/data/weights/weight_0"] == bytes(16)


def first_node(model: dict) -> dict:
    return model["graph_module"]["graph"]["nodes"][0]


def signature(model: dict) -> dict:
    return model["graph_module"]["module_call_graph"][0]["signature"]


CODE = "__import__('os').system('true')"
HOSTILE: dict[str, Callable[[dict], None]] = {
    "an attribute of torch": lambda model: first_node(model).update(target="torch.hub.load"),
    "an attribute of an operator": lambda model: first_node(model).update(
        target="torch.ops.aten.relu.default.__globals__"
    ),
    "another library": lambda model: first_node(model).update(target="torch.ops.mine.run.default"),
    "an extension": lambda model: first_node(model).update(target="#mine:run"),
    "a call in a shape": lambda model: model["graph_module"]["graph"]["tensor_values"].update(
        x={"sizes": [{"as_expr": {"expr_str": CODE}}]}
    ),
    "a name that is code": lambda model: model["graph_module"]["graph"]["inputs"][0].update(
        as_tensor={"name": f"x, y={CODE}"}
    ),
    "a key that is code": lambda model: model["graph_module"]["graph"]["tensor_values"].update(
        {CODE: {}}
    ),
    "a class among the arguments": lambda model: signature(model).update(
        in_spec=TREE.replace("builtins.tuple", "mine.Arguments")
    ),
    "a context that is code": lambda model: signature(model).update(
        in_spec=TREE.replace("null", "mine.load()")
    ),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_string_that_would_become_code_is_refused(change, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedInputError) as caught:
        copied(save(members(change), tmp_path / "model.pt2"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("table", ["weights", "constants"])
def test_a_pickled_tensor_is_refused_with_the_way_out(table: str, tmp_path: Path) -> None:
    files = members()
    entry = {"path_name": "weight_0", "use_pickle": True}
    files[f"m/data/{table}/model_{table}_config.json"] = json.dumps(
        {"config": {"w": entry}}
    ).encode()
    with pytest.raises(UnsupportedInputError, match=r"'w' is pickled .*torch\.onnx\.export"):
        copied(save(files, tmp_path / "model.pt2"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("data/aotinductor/model/a.so", "a compiled program", id="compiled"),
        pytest.param("data/constants/custom_obj_0", "'data/constants/custom_obj_0'", id="object"),
        pytest.param("data/weights/../../evil", "is not what torch.export.save", id="path"),
    ],
)
def test_another_file_inside_is_refused(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedInputError, match=reason):
        copied(save({**members(), f"m/{name}": b"x"}, tmp_path / "model.pt2"))


def test_an_archive_of_an_old_torch_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = save({"serialized_exported_program.json": b"{}", "version": b"7.0"}, tmp_path / "a.pt2")
    with pytest.raises(UnsupportedInputError, match=r"save it again with PyTorch 2\.9"):
        copied(path)


@pytest.mark.parametrize("missing", ["models/model.json", "data/weights/model_weights_config.json"])
def test_an_incomplete_archive_is_refused(missing: str, tmp_path: Path) -> None:
    files = members()
    del files[f"m/{missing}"]
    with pytest.raises(InputError, match=f"no {missing} inside"):
        copied(save(files, tmp_path / "model.pt2"))


def test_an_export_is_told_from_a_pickle() -> None:
    assert is_torch_export(list(members()))
    assert not is_torch_export(["model/data.pkl", "model/data/0"])


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="no such model file"):
        load_torch_export(tmp_path / "nowhere.pt2")


@settings(
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    kept=st.floats(0, 1),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=4),
)
def test_a_damaged_archive_is_copied_or_refused_in_one_line(
    kept: float, changes: list, tmp_path: Path
) -> None:
    path = save(members(), tmp_path / "whole.pt2")
    data = bytearray(path.read_bytes())
    for place, byte in changes:
        data[int(place * len(data))] = byte
    path.write_bytes(bytes(data[: int(kept * len(data))]))
    try:
        copied(path)
    except EdgeError as error:
        assert "\n" not in str(error)  # noqa: PT017 - both outcomes are right
