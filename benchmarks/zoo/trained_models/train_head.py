"""`python -m benchmarks.zoo.trained_models.train_head NAME FOLDER --data DATA`.

A quick trained picture model: EfficientNet-Lite0 (Tan and Le 2019) with its ImageNet weights as
it is, and a linear head fitted on the pictures' features (multinomial logistic regression, L-BFGS).
It is a real trained classifier, made in minutes on one processor; fine-tuning all layers would be a
better one.
"""

# ruff: noqa: TID253 - a program of its own, run where torch is installed

from __future__ import annotations

import copy
import csv
import json
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.zoo.chest_xray.efficientnet_lite0 import EfficientNetLite0, load_imagenet_weights
from benchmarks.zoo.chest_xray.source_weights import WeightsError, read_source_weights
from benchmarks.zoo.trained_models.picture_sets import PICTURE_SETS, LabelledPicture, PictureSet
from edge.bundle.manifest import ImageInput, Resize
from edge.decode import decode_image
from edge.errors import EdgeError
from edge.preprocess.record import RecordPreprocessor
from edge.record import Record

__all__ = ["main", "picture_input", "train_head"]

_SIZE = 224
_SEED = 20260103
_MOST_PER_CLASS = 400
_PENALTIES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
_STEPS = 100
_OPSET = 17


def picture_input(pictures: PictureSet) -> ImageInput:
    """How a picture becomes the model's input, as the card says it."""
    channels = 1 if pictures.is_grey else 3
    return ImageInput(
        name="image",
        shape=(1, channels, _SIZE, _SIZE),
        layout="NCHW",
        colour="grey" if pictures.is_grey else "rgb",
        resize=Resize(
            width=_SIZE,
            height=_SIZE,
            rule="stretch",
            interpolation="linear_exact",
            antialias=True,
            crop_fraction=1.0,
            pad_value=0,
        ),
        scale=1.0,
        mean=(127.0,) * channels,
        std=(128.0,) * channels,
    )


def train_head(name: str, data: Path, folder: Path) -> dict[str, object]:
    """Train and write `model.onnx`, `labels.csv` and `training.json`.

    Args:
        name: of `PICTURE_SETS`.
        data: folder of labelled data.
        folder: where the files go; made where it is missing.

    Returns:
        What `training.json` holds.

    Raises:
        EdgeError: pictures are missing.
        WeightsError: the ImageNet weights are missing.
    """
    chosen = PICTURE_SETS[name]
    folder.mkdir(parents=True, exist_ok=True)
    pictures = _thinned(chosen.read(data / chosen.folder))
    torch.manual_seed(_SEED)
    model = EfficientNetLite0(1 if chosen.is_grey else 3, len(chosen.labels))
    load_imagenet_weights(model, read_source_weights(None))
    model.eval()
    features = _features(model, chosen, pictures, folder / "features.npy")
    labels = np.array([chosen.labels.index(each.label) for each in pictures], np.int64)
    splits = np.array([each.split for each in pictures])
    penalty, accuracy = _select(features, labels, splits)
    _fit(features[splits != "test"], labels[splits != "test"], penalty, model.classifier)
    _export(model, folder / "model.onnx", 1 if chosen.is_grey else 3)
    _write_table(folder / "labels.csv", pictures)
    said: dict[str, object] = {
        "model": "EfficientNet-Lite0, ImageNet features as they are, linear head trained",
        "penalty": penalty,
        "validation_balanced_accuracy": accuracy,
        "pictures": {each: int((splits == each).sum()) for each in np.unique(splits).tolist()},
        "seed": _SEED,
        "torch": torch.__version__,
    }
    (folder / "training.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return said


def _thinned(pictures: Iterable[LabelledPicture]) -> list[LabelledPicture]:
    """At most 400 pictures a class to train and choose on, which a linear head is content with."""
    counts: Counter[tuple[str, str]] = Counter()
    kept = []
    for each in pictures:
        counts[each.label, each.split] += 1
        if each.split == "test" or counts[each.label, each.split] <= _MOST_PER_CLASS:
            kept.append(each)
    return kept


def _features(
    model: EfficientNetLite0, chosen: PictureSet, pictures: Sequence[LabelledPicture], cache: Path
) -> NDArray[np.float32]:
    """Float32 [N, 1280]: the mean over the last feature map, kept in a file."""
    import onnxruntime

    if cache.is_file():
        stored: NDArray[np.float32] = np.load(cache)
        if len(stored) == len(pictures):
            return stored
    backbone = copy.deepcopy(model)
    backbone.classifier = nn.Identity()
    path = cache.with_suffix(".onnx")
    _export(backbone, path, 1 if chosen.is_grey else 3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    prepare = RecordPreprocessor((picture_input(chosen),))
    found = np.concatenate(
        [session.run(None, {"image": _tensor(prepare, each.path)})[0] for each in pictures]
    )
    np.save(cache, found)
    return found


def _tensor(prepare: RecordPreprocessor, path: Path) -> NDArray[np.float32]:
    frame = decode_image(path.read_bytes(), source=str(path))
    tensors = prepare.canonical_tensors(Record({"image": frame}, source=str(path)))
    return tensors["image"].astype(np.float32)


def _select(
    features: NDArray[np.float32], labels: NDArray[np.int64], splits: NDArray[np.str_]
) -> tuple[float, float]:
    """The penalty with the best balanced accuracy on the validation split, and that accuracy."""
    is_train, is_held = splits == "train", splits == "validation"
    found: list[tuple[float, float]] = []
    for penalty in _PENALTIES:
        head = nn.Linear(features.shape[1], int(labels.max()) + 1)
        _fit(features[is_train], labels[is_train], penalty, head)
        with torch.inference_mode():
            answers = head(torch.from_numpy(features[is_held])).argmax(dim=1).numpy()
        right = answers == labels[is_held]
        recalls = [right[labels[is_held] == each].mean() for each in np.unique(labels[is_held])]
        found.append((float(np.mean(recalls)), penalty))
    accuracy, penalty = max(found)
    return penalty, accuracy


def _fit(
    features: NDArray[np.float32], labels: NDArray[np.int64], penalty: float, head: nn.Linear
) -> None:
    """Fit the head in place; the features share one scale, as they do for weight decay in training.

    A scale for each feature would give features that hardly vary huge weights, which no 8-bit
    weights of their neighbours survive.
    """
    mean, deviation = features.mean(axis=0), float(features.std(axis=0).mean())
    x = torch.from_numpy((features - mean) / np.float32(deviation))
    y = torch.from_numpy(labels)
    counts = torch.bincount(y, minlength=head.out_features).float()
    # Rare classes weigh more, by the root of how rare they are.
    loss_of = nn.CrossEntropyLoss(weight=(counts.mean() / counts.clamp(min=1)).sqrt())
    weight = torch.zeros(head.out_features, x.shape[1], requires_grad=True)
    bias = torch.zeros(head.out_features, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss: Tensor = loss_of(x @ weight.T + bias, y) + penalty * weight.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        head.weight.copy_(weight / deviation)
        head.bias.copy_(bias - head.weight @ torch.from_numpy(mean))


def _export(model: nn.Module, path: Path, channels: int) -> None:
    with warnings.catch_warnings():
        # The exporter warns of shapes that it records as constants: they are fixed here.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (torch.zeros(1, channels, _SIZE, _SIZE),),
            str(path),
            dynamo=False,
            opset_version=_OPSET,
            input_names=["image"],
            output_names=["logits"],
        )


def _write_table(path: Path, pictures: Sequence[LabelledPicture]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("file", "label", "group", "split"))
        for each in pictures:
            # What chose the penalty was trained on in the end.
            split = "test" if each.split == "test" else "train"
            writer.writerow((each.path.absolute(), each.label, each.group, split))


@click.command()
@click.argument("name", type=click.Choice(sorted(PICTURE_SETS)))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--threads", default=2, show_default=True)
def main(name: str, folder: Path, data: Path, threads: int) -> None:
    """Train the model NAME into FOLDER."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)
    try:
        click.echo(json.dumps(train_head(name, data, folder)))
    except (EdgeError, WeightsError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(3)


if __name__ == "__main__":
    main()
