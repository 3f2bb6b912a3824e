"""A `.pt2` file answers as PyTorch does; needs torch and onnxscript, else skipped aloud."""

from pathlib import Path

import numpy as np
import pytest

from edge.errors import InputError
from quantize.importers.any_model import load_any_model
from quantize.onnx_session import open_session, run_session

torch = pytest.importorskip("torch", reason="needs the extra [torch]")
pytest.importorskip("onnxscript", reason="needs the extra [torch]")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


class Picture(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.norm = torch.nn.BatchNorm2d(4)
        self.head = torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.head(torch.nn.functional.silu(self.norm(self.conv(x))).mean((2, 3)))


class Record(torch.nn.Module):
    """Codes and values, attention, a recurrent layer, two answers."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(10, 8)
        self.mix = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu")
        self.memory = torch.nn.LSTM(8, 6, batch_first=True, bidirectional=True)
        self.head = torch.nn.Linear(12, 3)

    def forward(self, codes, values):
        series, _ = self.memory(self.mix(self.table(codes) + values))
        return self.head(series[:, -1]), torch.softmax(series.mean(1), -1)


def export(model, inputs: tuple, path: Path, **options: object) -> Path:
    torch.manual_seed(0)
    torch.export.save(torch.export.export(model.eval(), inputs, **options), path)
    return path


def answers_alike(model, onnx_model, inputs: tuple) -> bool:
    with torch.no_grad():
        expected = model(*inputs)
    expected = expected if isinstance(expected, tuple) else (expected,)
    session = open_session(onnx_model.SerializeToString(), threads=1)
    names = [each.name for each in onnx_model.graph.input]
    given = {name: each.numpy() for name, each in zip(names, inputs, strict=True)}
    found = run_session(session, [each.name for each in onnx_model.graph.output], given)
    return all(
        float(np.abs(wanted.numpy() - each).max()) <= 1e-4 * float(np.ptp(wanted.numpy()))
        for wanted, each in zip(expected, found, strict=True)
    )


def test_a_picture_model_answers_as_pytorch(tmp_path: Path) -> None:
    model = Picture()
    batch = {"x": {0: torch.export.Dim("batch")}}
    path = export(model, (torch.randn(2, 3, 16, 16),), tmp_path / "model.pt2", dynamic_shapes=batch)
    loaded = load_any_model(path)
    assert answers_alike(model, loaded, (torch.randn(1, 3, 16, 16),))


def test_a_record_model_of_two_inputs_answers_as_pytorch(tmp_path: Path) -> None:
    model, batch = Record(), torch.export.Dim("batch")
    inputs = (torch.randint(0, 10, (2, 7)), torch.randn(2, 7, 8))
    open_batch = {"codes": {0: batch}, "values": {0: batch}}
    path = export(model, inputs, tmp_path / "model.pt2", dynamic_shapes=open_batch)
    loaded = load_any_model(path)
    assert answers_alike(model, loaded, tuple(each[:1] for each in inputs))


def test_open_steps_are_given_once_for_all_inputs(tmp_path: Path) -> None:
    class Sum(torch.nn.Module):
        def forward(self, left, right):
            return (left * right).sum(-1)

    steps = torch.export.Dim("steps", min=2)
    shape = {"left": {1: steps}, "right": {1: steps}}
    inputs = (torch.randn(1, 7, 3), torch.randn(1, 7, 3))
    path = export(Sum(), inputs, tmp_path / "model.pt2", dynamic_shapes=shape)
    loaded = load_any_model(path, input_shapes={"left": (1, 5, 3)})
    assert answers_alike(Sum(), loaded, tuple(each[:, :5] for each in inputs))


def test_what_the_exporter_cannot_do_is_one_line(tmp_path: Path) -> None:
    class Odd(torch.nn.Module):
        def forward(self, x):
            return torch.special.bessel_j0(x)

    path = export(Odd(), (torch.randn(1, 4),), tmp_path / "model.pt2")
    with pytest.raises(InputError, match="PyTorch cannot export it to ONNX: ") as caught:
        load_any_model(path)
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_refused_before_torch_starts(tmp_path: Path) -> None:
    path = export(Picture(), (torch.randn(1, 3, 16, 16),), tmp_path / "model.pt2")
    whole = path.read_bytes()
    for length in range(4, len(whole), len(whole) // 10):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="damaged zip archive"):
            load_any_model(path)


def test_the_same_file_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    path = export(Picture(), (torch.randn(1, 3, 16, 16),), tmp_path / "model.pt2")
    first, second = (load_any_model(path).SerializeToString() for _ in range(2))
    assert first == second
