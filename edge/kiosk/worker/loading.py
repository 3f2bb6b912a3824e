"""A bundle -> a model that has shown on this machine that it gives the lab's answers."""

from __future__ import annotations

from pathlib import Path

from edge.bundle.manifest import Manifest, Output
from edge.bundle.reader import open_bundle
from edge.errors import BundleError, UsageError
from edge.kiosk.messages import ModelCard, ModelName, OutputCard
from edge.kiosk.worker.wire import Start
from edge.model_loader import LoadOptions, load
from edge.pipeline import Model
from edge.report import format_check
from edge.selftest import check_loaded_model

__all__ = ["GoldenFailureError", "load_checked_model"]


class GoldenFailureError(BundleError):
    """The model does not give the lab's answers on this machine."""

    code = "golden"


def load_checked_model(start: Start) -> tuple[Model, ModelCard]:
    """Load a bundle's model and replay its golden examples before anybody is answered.

    Raises:
        UsageError: the model does not take what the source gives.
        GoldenFailureError: an answer differs from the lab's.
        BundleError: it is refused.
        EngineError: its engine is missing or does not run it.
    """
    path = Path(start.bundle)
    keys = tuple(map(bytes.fromhex, start.trusted_keys))
    with open_bundle(path, trusted_keys=keys) as bundle:
        manifest, digest = bundle.manifest, bundle.digest
    options = LoadOptions(
        engine=start.engine,
        precision=start.precision,
        threads=start.threads,
        trusted_keys=keys,
    )
    model = load(path, options=options)
    if model.identity.digest != digest:
        raise BundleError(f"bundle {path} was replaced while it was being read; try again")
    _check_takes(model, start)
    count = _check_golden(model, path)
    return model, _make_card(manifest, model, is_tested=count > 0)


def _check_takes(model: Model, start: Start) -> None:
    if start.source and not model.parts.takes_one_picture:
        inputs = ", ".join(each.name for each in model.parts.inputs)
        raise UsageError(
            f"{model.identity.name} takes no picture but {inputs}; give --source none and send "
            "records to /v1/infer, or take another bundle"
        )


def _check_golden(model: Model, path: Path) -> int:
    count = 0
    for check in check_loaded_model(model, path):
        if not check.is_passed:
            raise GoldenFailureError(
                f"{path.name} does not answer here as in the lab: {format_check(check)}; "
                "see edge-run selftest",
            )
        count += 1
    return count


def _make_card(manifest: Manifest, model: Model, *, is_tested: bool) -> ModelCard:
    parts = model.parts
    identity = parts.identity
    return ModelCard(
        model=ModelName(identity.name, identity.version, identity.digest),
        task=manifest.task,
        intended_use=manifest.intended_use,
        limits=" ".join(manifest.limits),
        licence=manifest.licence,
        engine=parts.engine.name,
        engine_version=parts.engine.version,
        precision=parts.artifact.precision,
        artifact=parts.artifact.path,
        outputs=tuple(_output_card(output) for output in manifest.outputs),
        selftest="passed" if is_tested else "none",
    )


def _output_card(output: Output) -> OutputCard:
    thresholds = output.thresholds or ()
    return OutputCard(
        name=output.name,
        kind=output.kind,
        labels=output.labels,
        thresholds=dict(zip(output.labels, thresholds, strict=False)),
        unit=output.unit,
    )
