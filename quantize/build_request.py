"""What to build, and what was built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edge.bundle.manifest import Manifest, Metric
from quantize.artifacts import ArtifactOptions
from quantize.calibration_options import CalibrationOptions
from quantize.labelled_data import LabelledOptions
from quantize.model_card import ModelCard

if TYPE_CHECKING:
    from quantize.report.model import QuantizationReport

__all__ = ["BuildReport", "BuildRequest", "DataRequest", "KeptFloat", "Repair"]

Repair = Literal["none", "auto", "full"]
KeptFloat = Literal["auto", "none", "onnxruntime", "litert", "both"]


@dataclass(frozen=True, slots=True)
class DataRequest:
    """Labelled examples to judge on.

    Attributes:
        path: folder, CSV or NPZ.
        options: how it is read.
        may_name: whether reports may name the files whose decision changed.
    """

    path: Path
    options: LabelledOptions = field(default_factory=LabelledOptions)
    may_name: bool = False


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What to build.

    Attributes:
        model: the source model's file.
        calibration: folders, patterns, files and streams of real inputs; empty takes `data`.
        destination: `NAME.edge`, or a new folder.
        card: what the model does not say.
        data: labelled examples to judge on; None for none.
        golden: files to pack with their answers; empty takes 3 of the calibration examples.
        most_examples: how many calibration examples at most.
        input_shapes: by input name, where the model leaves more open than its batch.
        metrics: measured elsewhere, to embed.
        ranges: how ranges are chosen.
        max_drop: how much of the mean AUROC, or for values of R², int8 may cost; what it costs in
            AUROC says how far the repair ladder is climbed.
        max_flips: which share of the decisions int8 may change before it is, 0 to 1.
        repair: "none" takes the plain recipe, "auto" climbs while the limit is not kept, "full"
            to the top.
        artifacts: how the files are written.
        takes_pixels: let pictures in as uint8 pixels, with their normalisation in the graph.
        assumes_no_padding: take masks of a Keras model as if no step were padded.
        claim_within: half of the 95 % interval that each label's AUROC must be known to.
        accepted: names of findings that the user has seen and overrules.
        checkpoint: where calibration keeps what it knows; None for nowhere.
        is_timed: measure the speed of all files on this machine for the report.
        kept_float: for which engines the float file goes into the bundle too and is the one that
            runs; "auto": where the model's structure says that int8 is no faster.
    """

    model: Path
    calibration: tuple[str, ...]
    destination: Path
    card: ModelCard
    data: DataRequest | None = None
    golden: tuple[Path, ...] = ()
    most_examples: int = 300
    input_shapes: Mapping[str, tuple[int, ...]] | None = None
    metrics: tuple[Metric, ...] = ()
    ranges: CalibrationOptions = field(default_factory=CalibrationOptions)
    max_drop: float = 0.005
    max_flips: float = 0.01
    repair: Repair = "auto"
    artifacts: ArtifactOptions = field(default_factory=ArtifactOptions)
    takes_pixels: bool = True
    assumes_no_padding: bool = False
    claim_within: float = 0.1
    accepted: frozenset[str] = frozenset()
    checkpoint: Path | None = None
    is_timed: bool = False
    kept_float: KeptFloat = "auto"


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What was built.

    Attributes:
        manifest: as written.
        destination: where the bundle is.
        report: everything measured, for the terminal, JSON and HTML.
        refused: examples left out, and why, by name.
        shortfall: by how much int8 costs more than was allowed, one sentence; "" where it does not.
    """

    manifest: Manifest
    destination: Path
    report: QuantizationReport
    refused: Mapping[str, str]
    shortfall: str = ""

    @property
    def is_within_limit(self) -> bool:
        """Whether what int8 costs is within the limit that was asked for."""
        return not self.shortfall
