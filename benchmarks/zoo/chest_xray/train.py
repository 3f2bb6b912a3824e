"""Train the chest-film classifier from ImageNet weights, on a processor, in about an hour.

Every epoch leaves a checkpoint; a run that was stopped goes on from the last one. The test films
are not read here.
"""

# ruff: noqa: TID253 - the optimiser and the network need torch from the start

from __future__ import annotations

import json
import math
import pickle
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cv2
import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.zoo.chest_xray import metrics
from benchmarks.zoo.chest_xray.augmentation import augment, resize
from benchmarks.zoo.chest_xray.dataset import (
    LABELS,
    DatasetError,
    load_pixels,
    normalise,
    read_films,
    split_by_patient,
)
from benchmarks.zoo.chest_xray.efficientnet_lite0 import EfficientNetLite0, load_imagenet_weights
from benchmarks.zoo.chest_xray.grey_adaptation import adapt_early_layers
from benchmarks.zoo.chest_xray.source_weights import WeightsError, read_source_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = [
    "ADAPTATION_FILMS",
    "FilmSet",
    "Settings",
    "Trainer",
    "batches",
    "class_weights",
    "load_sets",
    "main",
    "make_optimiser",
    "parse_schedule",
    "predict",
    "to_input",
    "train",
    "validate",
]


ADAPTATION_FILMS = 64


@dataclass(frozen=True)
class Settings:
    """What a run depends on, beside the data.

    Attributes:
        schedule: Side in pixels and number of epochs of every phase, in order.
        seed: Seed of the split, the initial classifier and all randomness.
        batch: Films per step.
        rate: Peak learning rate of AdamW; linear warm-up, then cosine to zero.
        decay: Weight decay of convolution and classifier weights.
        warm_up: Steps of the warm-up.
        smoothing: Label smoothing, 0 to 1.
        average: Decay per step of the running average of the weights, 0 to 1.
        held_out: Share of the patients kept for validation, 0 to 1.
    """

    schedule: tuple[tuple[int, int], ...]
    seed: int
    batch: int = 32
    rate: float = 6e-4
    decay: float = 0.05
    warm_up: int = 150
    smoothing: float = 0.05
    average: float = 0.995
    held_out: float = 0.1

    @property
    def sizes(self) -> list[int]:
        """Side in pixels of every epoch."""
        return [size for size, epochs in self.schedule for _ in range(epochs)]


@dataclass(frozen=True)
class FilmSet:
    """Decoded films, uint8 [N, 224, 224], with labels, int64 [N]."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


def parse_schedule(text: str) -> tuple[tuple[int, int], ...]:
    """Read phases such as ``128:4,224:3`` (side in pixels, a multiple of 32, and epochs).

    Raises:
        click.BadParameter: The text is not of this form.
    """
    try:
        phases = tuple(tuple(int(n) for n in part.split(":")) for part in text.split(","))
        valid = all(size % 32 == 0 and size > 0 and epochs > 0 for size, epochs in phases)
    except ValueError:
        valid = False
    if not valid:
        msg = f"expected SIZE:EPOCHS,... with sizes that are multiples of 32, got {text!r}"
        raise click.BadParameter(msg)
    return tuple((phase[0], phase[1]) for phase in phases)


def to_input(pixels: NDArray[np.uint8]) -> Tensor:
    """Return the network's input, float32 [N, 1, H, W], channels last, of uint8 [N, H, W]."""
    return torch.from_numpy(normalise(pixels)).contiguous(memory_format=torch.channels_last)


def predict(model: nn.Module, pixels: NDArray[np.uint8], size: int) -> NDArray[np.float64]:
    """Return logits, float64 [N, 3], of films, uint8 [N, 224, 224], reduced to a side in pixels."""
    model.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(pixels), 32):
            batch = np.stack([resize(film, size) for film in pixels[start : start + 32]])
            parts.append(model(to_input(batch)).numpy())
    return np.concatenate(parts).astype(np.float64)


def batches(
    films: FilmSet, size: int, batch: int, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield augmented inputs, float32 [B, 1, size, size], and labels, int64 [B], of one epoch."""
    order = rng.permutation(len(films.labels))
    for start in range(0, len(order) - batch + 1, batch):
        chosen = order[start : start + batch]
        pixels = np.stack([augment(films.pixels[i], size, rng) for i in chosen])
        yield to_input(pixels), torch.from_numpy(films.labels[chosen])


def make_optimiser(model: nn.Module, settings: Settings) -> torch.optim.AdamW:
    """Return AdamW with decay on matrices and kernels only, not on biases and normalisation."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    kernels = [parameter for parameter in trained if parameter.ndim > 1]
    others = [parameter for parameter in trained if parameter.ndim <= 1]
    groups = [{"params": kernels}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.rate, weight_decay=settings.decay)


def class_weights(labels: NDArray[np.int64]) -> Tensor:
    """Return weights, float32 [3], inverse to the root of the class counts, 1 on average."""
    weights = 1.0 / np.sqrt(np.bincount(labels, minlength=len(LABELS)))
    return torch.tensor(weights * len(labels) / weights[labels].sum(), dtype=torch.float32)


class Trainer:
    """A run: the network, its averaged copy, the optimiser and the number of epochs done."""

    def __init__(self, settings: Settings, source: dict[str, Tensor], films: FilmSet) -> None:
        """Start from ImageNet weights and a random classifier."""
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.films = films
        self.model = EfficientNetLite0(channels=1, classes=len(LABELS))
        load_imagenet_weights(self.model, source)
        sample = films.pixels[:: max(1, len(films.pixels) // ADAPTATION_FILMS)]
        adapt_early_layers(self.model, to_input(sample))
        self.model.to(memory_format=torch.channels_last)
        self.averaged = EfficientNetLite0(channels=1, classes=len(LABELS))
        self.averaged.load_state_dict(self.model.state_dict())
        self.averaged.to(memory_format=torch.channels_last)
        self.optimiser = make_optimiser(self.model, settings)
        self.loss = nn.CrossEntropyLoss(
            class_weights(films.labels), label_smoothing=settings.smoothing
        )
        self.epoch = 0
        self.steps = len(films.labels) // settings.batch

    def _rate(self, step: int) -> float:
        """Return the learning rate at a step counted from the start of the run."""
        total = self.steps * len(self.settings.sizes)
        warm = min(1.0, (step + 1) / self.settings.warm_up)
        return self.settings.rate * warm * 0.5 * (1.0 + math.cos(math.pi * step / total))

    def _average(self, step: int) -> None:
        """Move the averaged weights and running statistics towards the present ones."""
        share = 1.0 - min(self.settings.average, (step + 1) / (step + 10))
        present = self.model.state_dict()
        for name, value in self.averaged.state_dict().items():
            if value.is_floating_point():
                value.lerp_(present[name], share)

    def run_epoch(self) -> float:
        """Train for one epoch and return the mean loss."""
        self.model.train()
        torch.manual_seed(self.settings.seed * 1000 + self.epoch)
        rng = np.random.default_rng((self.settings.seed, self.epoch))
        size, total = self.settings.sizes[self.epoch], 0.0
        step = self.epoch * self.steps
        for images, labels in batches(self.films, size, self.settings.batch, rng):
            for group in self.optimiser.param_groups:
                group["lr"] = self._rate(step)
            self.optimiser.zero_grad()
            loss = self.loss(self.model(images), labels)
            loss.backward()
            self.optimiser.step()
            self._average(step)
            total += float(loss.detach())
            step += 1
        self.epoch += 1
        return total / self.steps

    def save(self, path: Path) -> None:
        """Write a checkpoint; an interrupted write leaves the former one whole."""
        state = {
            "settings": asdict(self.settings),
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint of the same settings.

        Raises:
            WeightsError: The file is no checkpoint, or was made with other settings.
        """
        try:
            state: dict[str, Any] = torch.load(path, weights_only=True)
        except (RuntimeError, EOFError, LookupError, pickle.UnpicklingError) as error:
            msg = f"{path} is not a checkpoint of this recipe; remove it or name another --out"
            raise WeightsError(msg) from error
        if state["settings"] != asdict(self.settings):
            msg = f"{path} belongs to a run with other settings; name another --out"
            raise WeightsError(msg)
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch = state["epoch"]


def validate(model: nn.Module, films: FilmSet, size: int) -> dict[str, float]:
    """Return the figures of held-out films at temperature 1 and a threshold of a half."""
    return metrics.summarise(predict(model, films.pixels, size), films.labels, 1.0, 0.5)


def load_sets(data: Path, settings: Settings, cache: Path) -> tuple[FilmSet, FilmSet]:
    """Return the films to train on and those held out, of no patient in common."""
    films = read_films(data, "train")
    pixels = load_pixels(data, films, cache)
    labels = np.array([film.label for film in films], dtype=np.int64)
    kept, held_out = split_by_patient(films, settings.held_out, settings.seed)
    return FilmSet(pixels[kept], labels[kept]), FilmSet(pixels[held_out], labels[held_out])


def train(trainer: Trainer, held_out: FilmSet, out: Path) -> Iterator[dict[str, float]]:
    """Run the epochs that are left, and yield what each one gave."""
    sizes = trainer.settings.sizes
    while trainer.epoch < len(sizes):
        size, start = sizes[trainer.epoch], time.perf_counter()
        loss = trainer.run_epoch()
        seconds = time.perf_counter() - start
        trainer.save(out / "checkpoint.pt")
        figures = {"epoch": trainer.epoch, "size": size, "seconds": round(seconds, 1), "loss": loss}
        figures |= validate(trainer.averaged, held_out, size)
        with (out / "log.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(figures) + "\n")
        yield figures


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option(
    "--weights", type=click.Path(path_type=Path), help="Source weights; else the package's."
)
@click.option("--schedule", default="128:3,160:3,224:2", show_default=True, help="SIZE:EPOCHS,...")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0))
@click.option("--threads", default=2, show_default=True, type=click.IntRange(min=1))
def main(
    data: Path, out: Path, weights: Path | None, schedule: str, seed: int, threads: int
) -> None:
    """Train on the films in DATA and leave checkpoints and a log in OUT."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    cv2.setNumThreads(1)
    settings = Settings(schedule=parse_schedule(schedule), seed=seed)
    try:
        out.mkdir(parents=True, exist_ok=True)
        kept, held_out = load_sets(data, settings, out / "cache")
        trainer = Trainer(settings, read_source_weights(weights), kept)
        if (out / "checkpoint.pt").is_file():
            trainer.resume(out / "checkpoint.pt")
    except (DatasetError, WeightsError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{len(kept.labels)} films to train on, {len(held_out.labels)} held out")
    for figures in train(trainer, held_out, out):
        click.echo("  ".join(f"{name} {value:.4g}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
