"""A card and a graph become a manifest's input and output; faults are named together."""

import json
from pathlib import Path

import pytest
import tiny_onnx_models as tiny

from edge.errors import InputNotFoundError, UnsupportedInputError, UsageError
from quantize.describe_model import describe_model
from quantize.image_examples import pixel_range
from quantize.importers.onnx_importer import import_model
from quantize.model_card import ModelCard, card_from_values, read_card

MINIMAL = ModelCard(scale=1.0)


def described(card: ModelCard = MINIMAL, build=tiny.residual_cnn):
    return describe_model(import_model(build()), card)


def test_what_the_graph_shows_is_not_asked_for() -> None:
    found = described()
    assert found.input.name == "image"
    assert found.input.shape == (1, 3, 16, 16)
    assert (found.input.resize.width, found.input.resize.height) == (16, 16)
    assert found.output.name == "logits"


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
    assert found.input.mean == (1.0, 2.0, 3.0)
    assert (found.input.resize.rule, found.input.resize.pad_value) == ("letterbox", 7)
    assert found.output.thresholds == (0.1, 0.2, 0.3, 0.4)


def test_a_model_that_ends_with_softmax_gets_no_second_one() -> None:
    def build():
        model = tiny.ModelBuilder()
        model.node("GlobalAveragePool", ["image"], "pooled")
        model.node("Flatten", ["pooled"], "flat")
        model.node("Softmax", ["flat"], "scores", axis=-1)
        return model.model({"image": (1, 3, 8, 8)}, {"scores": None})

    assert described(build=build).output.activation == "none"


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


def test_a_model_of_no_picture_is_refused_with_its_inputs() -> None:
    def build():
        model = tiny.ModelBuilder()
        model.gemm("image", "out", (5, 2))
        return model.model({"image": (1, 5)}, {"out": None})

    with pytest.raises(UnsupportedInputError, match=r"image \[1, 5\]; only one picture"):
        described(build=build)


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
    spec = described(ModelCard(mean=(127.0,), std=(128.0,))).input
    assert pixel_range(spec) == (-127 / 128, 1.0)
    spec = described(ModelCard(scale=1 / 255, mean=(0.5, 0.4, 0.3), std=(0.5, 0.2, 0.1))).input
    assert pixel_range(spec) == pytest.approx((-3.0, 7.0))
