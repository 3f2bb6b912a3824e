"""Weights that behave like trained ones after seconds of training: int8 noise means something.

Random weights alone give outputs that hardly depend on the input: any noise drowns them. Here the
batch normalisations start with a wide spread, as trained depthwise networks have, a few steps on
real labels follow, the statistics are taken again at full resolution, and the head is scaled to
answers with a deviation of 1.5 over the inputs. The result ranks toolchains and classifies badly.
"""

# ruff: noqa: TID253 - networks are trained with torch

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["TrainingPlan", "spread_answers", "train_briefly", "widen_normalisation"]

_ANSWER_DEVIATION = 1.5
_STATISTICS_BATCH = 16
_STATISTICS_BATCHES = 3
_NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d)

Inputs = Mapping[str, NDArray[np.float32] | NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How a network is trained.

    Attributes:
        steps: optimiser steps.
        batch: examples a step.
        learning_rate: of AdamW.
        size: pixels that pictures are shrunk to for the steps; None leaves them.
        seed: of weights and batches.
    """

    steps: int
    batch: int
    learning_rate: float
    size: int | None = None
    seed: int = 1


def widen_normalisation(model: nn.Module) -> None:
    """Draw the batch normalisations' scales from 0.3..1.7 and shifts with a deviation of 0.2."""
    for module in model.modules():
        if isinstance(module, _NORMALISATIONS):
            nn.init.uniform_(module.weight, 0.3, 1.7)
            nn.init.normal_(module.bias, 0.0, 0.2)


def train_briefly(
    model: nn.Module, inputs: Inputs, labels: NDArray[np.int64], plan: TrainingPlan
) -> float:
    """Train in place; one output is read as a logit of the label 1, several as class logits.

    Args:
        model: takes the inputs in their order.
        inputs: by name, each [N, ...].
        labels: int64 [N].
        plan: how.

    Returns:
        The last step's loss.
    """
    tensors = [torch.from_numpy(values) for values in inputs.values()]
    targets = torch.from_numpy(labels)
    optimiser = torch.optim.AdamW(model.parameters(), lr=plan.learning_rate)
    generator = torch.Generator().manual_seed(plan.seed)
    model.train()
    loss = torch.zeros(())
    for _ in range(plan.steps):
        chosen = torch.randint(0, len(targets), (plan.batch,), generator=generator)
        batch = [_resized(values[chosen], plan.size) for values in tensors]
        loss = _loss(model(*batch), targets[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    _refresh_statistics(model, tensors)
    model.eval()
    return float(loss.detach())


def spread_answers(model: nn.Module, head: nn.Linear, inputs: Inputs) -> None:
    """Scale the head in place so that each answer has mean 0 and a deviation of 1.5 over inputs."""
    tensors = [torch.from_numpy(values) for values in inputs.values()]
    seen: list[Tensor] = []
    hook = head.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    with torch.no_grad():
        for batch in _batches(tensors):
            model(*batch)
        hook.remove()
        answers = torch.cat(seen)
        gain = _ANSWER_DEVIATION / answers.std(dim=0).clamp(min=1e-6)
        head.weight.mul_(gain[:, None])
        head.bias.copy_((head.bias - answers.mean(dim=0)) * gain)


def _resized(values: Tensor, size: int | None) -> Tensor:
    return values if size is None else functional.interpolate(values, size=size, mode="area")


def _loss(answers: Tensor, targets: Tensor) -> Tensor:
    if answers.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(answers[:, 0], targets.float())
    return functional.cross_entropy(answers, targets)


def _refresh_statistics(model: nn.Module, tensors: list[Tensor]) -> None:
    normalisations = [each for each in model.modules() if isinstance(each, _NORMALISATIONS)]
    if not normalisations:
        return
    for module in normalisations:
        module.reset_running_stats()
        module.momentum = None
    with torch.no_grad():
        for batch in _batches(tensors):
            model(*batch)


def _batches(tensors: list[Tensor]) -> list[list[Tensor]]:
    starts = range(0, _STATISTICS_BATCH * _STATISTICS_BATCHES, _STATISTICS_BATCH)
    return [[values[start : start + _STATISTICS_BATCH] for values in tensors] for start in starts]
