"""The architectures are those of the papers: their weights are counted."""

import pytest

torch = pytest.importorskip("torch", reason="networks need PyTorch; the extra [zoo] brings it")

# ruff: noqa: E402 - these need torch
from benchmarks.zoo.architectures.densenet import DenseNet121
from benchmarks.zoo.architectures.efficientnet import EfficientNetB0
from benchmarks.zoo.architectures.mobilenet_v3 import MobileNetV3Large
from benchmarks.zoo.architectures.record_transformer import RecordShape, RecordTransformer
from benchmarks.zoo.architectures.recurrent import BidirectionalGru, StackedLstm
from benchmarks.zoo.architectures.resnet import ResNet50
from benchmarks.zoo.architectures.signal_cnn import SignalCnn
from benchmarks.zoo.architectures.vision_transformer import VisionTransformerTiny

pytestmark = pytest.mark.slow

PUBLISHED = [
    # Parameters for 1000 classes of RGB pictures, as the reference implementations have them.
    pytest.param(ResNet50, 25_557_032, id="resnet50"),
    pytest.param(DenseNet121, 7_978_856, id="densenet121"),
    pytest.param(MobileNetV3Large, 5_483_032, id="mobilenet_v3_large"),
    pytest.param(EfficientNetB0, 5_288_548, id="efficientnet_b0"),
    pytest.param(VisionTransformerTiny, 5_717_416, id="vit_tiny"),
]


@pytest.mark.parametrize(("network", "count"), PUBLISHED)
def test_the_number_of_parameters_is_the_published_one(network, count: int) -> None:
    assert sum(each.numel() for each in network().parameters()) == count


@pytest.mark.parametrize(("network", "_count"), PUBLISHED)
def test_a_picture_gives_one_logit_per_class(network, _count: int) -> None:
    model = network(channels=1, classes=3).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 1, 224, 224)).shape == (1, 3)


def test_recurrent_networks_answer_once_per_series() -> None:
    series = torch.zeros(2, 24, 41)
    assert StackedLstm(41, 64, 2, 1)(series).shape == (2, 1)
    assert BidirectionalGru(41, 48, 2, 3)(series).shape == (2, 3)


def test_a_signal_gives_one_logit_per_class() -> None:
    assert SignalCnn(leads=1, classes=5)(torch.zeros(2, 1, 260)).shape == (2, 5)


def test_masked_steps_of_a_record_change_nothing() -> None:
    torch.manual_seed(0)
    model = RecordTransformer(RecordShape(24, 37, 3, 4, 1)).eval()
    series, mask = torch.randn(1, 24, 37), torch.ones(1, 24)
    mask[:, 12:] = 0
    other = series.clone()
    other[:, 12:] = 100.0
    static, category = torch.zeros(1, 3), torch.zeros(1, dtype=torch.int64)
    with torch.no_grad():
        answers = [model(each, mask, static, category) for each in (series, other)]
    assert torch.equal(answers[0], answers[1])
