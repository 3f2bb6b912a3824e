"""Series whose mask is an input of its own: nobody gives the mask, not in examples, not in data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.bundle.manifest import Output, SeriesInput
from quantize.build_examples import open_examples, open_labelled_data
from quantize.build_request import BuildRequest, DataRequest
from quantize.describe_model import ModelDescription
from quantize.examples.array_examples import read_stacked
from quantize.examples.model_examples import ModelExamples
from quantize.labelled_data import LabelledOptions, read_labelled_data
from quantize.model_card import ModelCard

_SERIES = SeriesInput(
    name="series",
    shape=(1, 4, 2),
    axes="TC",
    channels=("pulse", "temperature"),
    gap_rule="mean",
    mean=(80.0, 37.0),
)
_MASK = SeriesInput(
    name="mask",
    shape=(1, 4, 2),
    axes="TC",
    channels=("pulse", "temperature"),
    mask_of="series",
)
_OUTPUT = Output(name="risk", kind="multilabel", labels=("death",), activation="sigmoid")


@pytest.fixture
def stays(tmp_path: Path) -> Path:
    """Six records of which one value is missing, with what became of them."""
    series = np.full((6, 4, 2), 40.0, np.float32)
    series[2, 1, 0] = np.nan
    path = tmp_path / "stays.npz"
    np.savez(path, series=series, y=np.array([0, 1, 0, 1, 0, 1]))
    return path


def test_many_examples_in_a_file_need_no_mask(stays: Path) -> None:
    """The mask is made of the gaps of each example."""
    inputs = (_SERIES, _MASK)
    tensors = list(ModelExamples(read_stacked(stays, inputs), inputs))
    gaps = [int((each["mask"] == 0).sum()) for each in tensors]
    assert gaps == [0, 0, 1, 0, 0, 0]
    assert tensors[2]["series"][0, 1, 0] == 0.0


def test_labelled_data_need_no_mask(stays: Path, tmp_path: Path) -> None:
    """Labelled examples become calibration examples with their masks."""
    description = ModelDescription(inputs=(_SERIES, _MASK), outputs=(_OUTPUT,), assumed=())
    data = open_labelled_data(DataRequest(stays), description)
    request = BuildRequest(tmp_path / "m.onnx", (), tmp_path / "m.edge", ModelCard())
    examples = open_examples(request, description, data, scratch=tmp_path)
    assert [int((each["mask"] == 0).sum()) for each in examples] == [0, 0, 1, 0, 0, 0]


def test_the_draw_of_a_split_outlives_a_new_file_name(stays: Path, tmp_path: Path) -> None:
    """Groups are positions where nothing else is said, whatever the file is called."""
    options = replace(LabelledOptions(), inputs={"series": (1, 4, 2)})
    renamed = tmp_path / "renamed.npz"
    renamed.write_bytes(stays.read_bytes())
    first, second = (read_labelled_data(each, _OUTPUT, options) for each in (stays, renamed))
    assert first.groups == second.groups
    assert len(set(first.groups)) == len(first)
