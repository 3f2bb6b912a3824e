"""A card and a graph become a manifest's input and output; faults are named together."""

import json
from pathlib import Path

import pytest
import tiny_onnx_models as tiny

from edge.bundle.manifest import TableInput, VectorInput
from edge.errors import InputNotFoundError, UsageError
from quantize.describe_model import describe_model
from quantize.importers.onnx_importer import import_model
from quantize.model_card import ModelCard, card_from_values, read_card
from quantize.pixel_input import pixel_range

MINIMAL = ModelCard(scale=1.0)


def described(card: ModelCard = MINIMAL, build=tiny.residual_cnn):
    return describe_model(import_model(build()), card)


def test_what_the_graph_shows_is_not_asked_for() -> None:
    found = described()
    assert found.picture.name == "image"
    assert found.picture.shape == (1, 3, 16, 16)
    assert (found.picture.resize.width, found.picture.resize.height) == (16, 16)
    assert found.outputs[0].name == "logits"


def test_what_was_assumed_is_said() -> None:
    assumed = " ".join(described().assumed)
    for option in ("--colour rgb", "--resize stretch", "--labels", "--kind", "--activation"):
        assert option in assumed


def test_a_full_card_leaves_nothing_to_assume() -> None:
    card = ModelCard(
        labels=("a", "b", "c", "d"),
        kind="multilabel",
        activation="sigmoid",
        thresholds=(0.1, 0.2, 0.3, 0.4),
        colour="bgr",
        mean=(1.0, 2.0, 3.0),
        std=(4.0, 5.0, 6.0),
        resize="letterbox",
        pad_value=7,
    )
    found = described(card)
    assert found.assumed == ()
    assert found.picture.mean == (1.0, 2.0, 3.0)
    assert (found.picture.resize.rule, found.picture.resize.pad_value) == ("letterbox", 7)
    assert found.outputs[0].thresholds == (0.1, 0.2, 0.3, 0.4)


def test_a_model_that_ends_with_softmax_gets_no_second_one() -> None:
    def build():
        model = tiny.ModelBuilder()
        model.node("GlobalAveragePool", ["image"], "pooled")
        model.node("Flatten", ["pooled"], "flat")
        model.node("Softmax", ["flat"], "scores", axis=-1)
        return model.model({"image": (1, 3, 8, 8)}, {"scores": None})

    assert described(build=build).outputs[0].activation == "none"


@pytest.mark.parametrize(
    ("card", "message"),
    [
        pytest.param(ModelCard(), "give --scale, --mean and --std", id="values unsaid"),
        pytest.param(
            ModelCard(scale=1.0, labels=("a", "b")), "2 labels for 4 outputs", id="labels"
        ),
        pytest.param(ModelCard(scale=1.0, colour="grey"), "3 channels", id="colour"),
        pytest.param(ModelCard(mean=(1.0, 2.0)), "mean has 2 numbers", id="mean"),
        pytest.param(ModelCard(std=(0.0,)), "std is 0", id="std"),
    ],
)
def test_a_card_that_does_not_fit_is_wrong_use(card: ModelCard, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        described(card)


def numbers_model():
    model = tiny.ModelBuilder()
    model.gemm("vitals", "out", (5, 2))
    return model.model({"vitals": (1, 5)}, {"out": None})


def test_an_input_that_is_no_picture_is_numbers_taken_as_they_are() -> None:
    found = described(ModelCard(), build=numbers_model)
    assert found.inputs == (VectorInput(name="vitals", shape=(1, 5)),)
    assert found.picture is None
    assert any("'vitals' [1, 5] is numbers" in each for each in found.assumed)


def test_a_card_says_what_an_input_holds() -> None:
    columns = ["pulse", "age", "a", "b", "c"]
    card = card_from_values(
        {"inputs": {"vitals": {"kind": "table", "columns": columns, "mean": [1.0], "std": [2.0]}}},
        where="card.json",
    )
    (found,) = described(card, build=numbers_model).inputs
    assert isinstance(found, TableInput)
    assert (found.columns, found.mean) == (tuple(columns), (1.0,))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"pulse": {"kind": "vector"}}, "inputs names 'pulse'; the model's inputs are vitals"),
        ({"vitals": {"kind": "vector", "shape": [1, 5]}}, "says shape, which the model says"),
        ({"vitals": {"kind": "sound"}}, "inputs.vitals"),
        ({"vitals": {"kind": "table"}}, "inputs.vitals.*columns"),
    ],
    ids=["no such input", "shape", "no such kind", "columns missing"],
)
def test_a_card_of_inputs_that_does_not_fit_is_wrong_use(inputs: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        described(card_from_values({"inputs": inputs}, where="card.json"), build=numbers_model)


def test_one_number_is_a_regression_and_one_sigmoid_a_risk() -> None:
    def build(*, ends_with_sigmoid: bool):
        model = tiny.ModelBuilder()
        model.gemm("vitals", "number", (5, 1))
        if ends_with_sigmoid:
            model.node("Sigmoid", ["number"], "risk")
        name = "risk" if ends_with_sigmoid else "number"
        return model.model({"vitals": (1, 5)}, {name: None})

    kinds = [
        described(ModelCard(), build=lambda flag=flag: build(ends_with_sigmoid=flag))
        .outputs[0]
        .kind
        for flag in (False, True)
    ]
    assert kinds == ["regression", "multilabel"]


def test_a_card_file_is_read_and_options_go_over_it(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_text(json.dumps({"name": "from card", "labels": ["a", "b"], "scale": 2}))
    card = ModelCard(name="from option").over(read_card(path))
    assert (card.name, card.labels, card.scale) == ("from option", ("a", "b"), 2)


def test_all_faults_of_a_card_are_named_together() -> None:
    with pytest.raises(UsageError) as caught:
        card_from_values(
            {"colour": "red", "labels": "a,b", "mean": ["x"], "lables": [], "antialias": 1},
            where="card.json",
        )
    message = str(caught.value)
    for part in ("unknown key 'lables'", "colour must be one of", "labels must be a list of texts"):
        assert part in message
    assert "mean must be a list of numbers" in message
    assert "antialias must be true or false" in message


@pytest.mark.parametrize("text", ["", "[1]", "{", "{" * 5000], ids=["empty", "list", "cut", "deep"])
def test_a_card_that_is_no_json_object_is_wrong_use(text: str, tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_text(text)
    with pytest.raises(UsageError):
        read_card(path)


def test_a_card_that_is_missing_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="no such card file"):
        read_card(tmp_path / "nowhere.json")


def test_the_input_range_is_all_that_pixels_can_be() -> None:
    spec = described(ModelCard(mean=(127.0,), std=(128.0,))).picture
    assert pixel_range(spec) == (-127 / 128, 1.0)
    spec = described(ModelCard(scale=1 / 255, mean=(0.5, 0.4, 0.3), std=(0.5, 0.2, 0.1))).picture
    assert pixel_range(spec) == pytest.approx((-3.0, 7.0))
