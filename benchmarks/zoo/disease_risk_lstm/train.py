"""`python -m benchmarks.zoo.disease_risk_lstm.train FOLDER --data DATA`: train, choose, export.

Trained on 85 % of set-a, chosen by the AUROC on the rest of set-a, measured on set-b once.
"""

# ruff: noqa: TID253 - a program of its own, run where torch is installed

from __future__ import annotations

import copy
import json
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.zoo.disease_risk_lstm.card_values import (
    MASK,
    SERIES,
    card_inputs,
    card_values,
)
from benchmarks.zoo.disease_risk_lstm.network import RiskLstm
from benchmarks.zoo.disease_risk_lstm.stays import CHANNELS, HOURS, Stays, read_stays
from edge.errors import EdgeError
from edge.preprocess.record import RecordPreprocessor
from edge.record import Record

__all__ = ["Plan", "main", "train_risk_model"]

_SEED = 20260104
_HELD_OUT = 0.15
_CALIBRATION = 256
_BATCH = 64
_EPOCHS = 16
_OPSET = 17


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to train; the best of them on the held-out stays is kept."""

    width: int
    dropout: float
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3


_PLANS = (Plan(32, 0.3), Plan(48, 0.3), Plan(48, 0.5))


@dataclass(frozen=True, slots=True)
class _Set:
    """What the network is fed, float32 [N, 24, channels] each, and the truth, float32 [N]."""

    series: Tensor
    mask: Tensor
    died: Tensor


def train_risk_model(data: Path, folder: Path) -> dict[str, Any]:
    """Write `model.onnx`, `card.json`, `calib.npz`, `set_b.npz` and `training.json`.

    Args:
        data: the folder of PhysioNet 2012.
        folder: where the files go; made where it is missing.

    Returns:
        What `training.json` holds.

    Raises:
        EdgeError: data is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    set_a = read_stays(data / "set-a.tar.xz", data / "Outcomes-a.txt")
    set_b = read_stays(data / "set-b-first-2000.tar.xz", data / "Outcomes-b-first-2000.txt")
    order = np.random.default_rng(_SEED).permutation(len(set_a.died))
    held = order[: round(_HELD_OUT * len(order))]
    kept = order[len(held) :]
    card = card_values(set_a.series[kept])
    train, chosen_on = (_prepared(set_a, at, card) for at in (kept, held))
    model, plan, epoch, held_auroc = _choose(train, chosen_on)
    _export(model, folder / "model.onnx")
    _write_json(folder / "card.json", card)
    np.savez(folder / "calib.npz", series=set_a.series[kept[:_CALIBRATION]])
    np.savez(folder / "set_b.npz", series=set_b.series, y=set_b.died, record_id=set_b.record_ids)
    tested = _prepared(set_b, np.arange(len(set_b.died)), card)
    said = {
        **asdict(plan),
        "epoch": epoch,
        "seed": _SEED,
        "stays": {"trained": len(kept), "chosen_on": len(held), "tested": len(set_b.died)},
        "auroc": {"set_a_held_out": held_auroc, "set_b": _auroc(model, tested)},
        "torch": torch.__version__,
    }
    _write_json(folder / "training.json", said)
    return said


def _prepared(stays: Stays, chosen: NDArray[np.int64], card: dict[str, Any]) -> _Set:
    """Stays as the runtime itself prepares them."""
    prepare = RecordPreprocessor(card_inputs(card))
    found = [
        prepare.canonical_tensors(
            Record({SERIES: stays.series[at][np.newaxis]}, source=f"stay {at}")
        )
        for at in chosen.tolist()
    ]
    series, mask = (
        torch.from_numpy(np.concatenate([each[name] for each in found])) for name in (SERIES, MASK)
    )
    return _Set(series, mask, torch.from_numpy(stays.died[chosen].astype(np.float32)))


def _choose(train: _Set, held: _Set) -> tuple[nn.Module, Plan, int, float]:
    """The best network over all plans and epochs, by AUROC on the held-out stays."""
    best: tuple[nn.Module, Plan, int, float] | None = None
    for plan in _PLANS:
        for epoch, model in enumerate(_epochs(train, plan), 1):
            auroc = _auroc(model, held)
            click.echo(f"{plan} epoch {epoch}: held-out AUROC {auroc:.4f}", err=True)
            if best is None or auroc > best[3]:
                best = copy.deepcopy(model).eval(), plan, epoch, auroc
    if best is None:
        raise EdgeError("no plan to train by")
    return best


def _epochs(train: _Set, plan: Plan) -> Iterator[nn.Module]:
    torch.manual_seed(_SEED)
    model = RiskLstm(len(CHANNELS), plan.width, plan.dropout)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
    )
    loss_of = nn.BCEWithLogitsLoss()
    for _ in range(_EPOCHS):
        model.train()
        for at in torch.randperm(len(train.died)).split(_BATCH):
            loss = loss_of(model(train.series[at], train.mask[at])[:, 0], train.died[at])
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
        model.eval()
        yield model


def _auroc(model: nn.Module, stays: _Set) -> float:
    """Share of pairs of one who died and one who lived in right order; ties count half."""
    with torch.inference_mode():
        scores = model(stays.series, stays.mask)[:, 0]
    died, lived = scores[stays.died == 1], scores[stays.died == 0]
    above = (died[:, None] > lived[None]).double() + 0.5 * (died[:, None] == lived[None]).double()
    return float(above.mean())


def _export(model: nn.Module, path: Path) -> None:
    shape = (1, HOURS, len(CHANNELS))
    with warnings.catch_warnings():
        # The exporter warns of shapes that it records as constants: they are fixed here.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (torch.zeros(shape), torch.zeros(shape)),
            str(path),
            dynamo=False,
            opset_version=_OPSET,
            input_names=[SERIES, MASK],
            output_names=["logits"],
        )


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--threads", default=1, show_default=True)
def main(folder: Path, data: Path, threads: int) -> None:
    """Train the model of PhysioNet 2012 in the folder DATA, into FOLDER."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)
    try:
        click.echo(json.dumps(train_risk_model(data, folder)))
    except EdgeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
