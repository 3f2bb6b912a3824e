"""Open a bundle or a bare model file and make it ready to answer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge.engines.base import Engine, EngineOptions
from edge.errors import UsageError
from edge.model_parts import ModelParts
from edge.opencv import prepare_for
from edge.pipeline import Model
from edge.results import ModelIdentity

if TYPE_CHECKING:
    from edge.bare_model import BareModelOptions
    from edge.bundle.manifest import Artifact
    from edge.bundle.reader import Bundle
    from edge.stored_choice import ChoiceBook

__all__ = ["DEFAULT_BUNDLE", "LoadOptions", "load"]

DEFAULT_BUNDLE = Path(__file__).parent / "default_bundle" / "chest_xray.edge"

_BARE_SUFFIXES = frozenset({".onnx", ".tflite"})


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How to load a model.

    Attributes:
        engine: "auto", "onnxruntime" or "litert".
        precision: "auto" (the file that the bundle names first for the engine), or int8, mixed,
            dynamic or float32.
        threads: threads inside one inference; None for every processor, at most 4.
        artifact: path of the very file in the bundle to run, whatever `engine` and `precision`
            say; "" leaves the choice to them.
        bare: for a bare .onnx or .tflite file: what it does not say itself.
        preferred_engine: the first that "auto" looks for.
        trusted_keys: raw Ed25519 public keys (`edge.bundle.signature.read_public_key`), one of
            which must have signed the bundle; none: signed or not.
        choices: what `edge-bench choose` found on this machine; where it knows the bundle, that
            file and those threads are taken, whatever stands above.
        note: is told in one line why a choice that was made is not used.
    """

    engine: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    artifact: str = ""
    bare: BareModelOptions | None = None
    preferred_engine: str = "onnxruntime"
    trusted_keys: tuple[bytes, ...] = ()
    choices: ChoiceBook | None = None
    note: Callable[[str], None] | None = None


def load(
    model: str | os.PathLike[str] | None = None,
    *,
    engine: str | Engine = "auto",
    threads: int | None = None,
    options: LoadOptions | None = None,
) -> Model:
    """Load a model once, to run it many times.

    Args:
        model: a bundle (folder or .edge file), a bare .onnx or .tflite file, or None for the
            chest X-ray bundle that comes with edgedx.
        engine: "auto", "onnxruntime", "litert", or an `Engine` of your own (a
            `ReplayEngine` in a test) that stands in for the bundle's.
        threads: threads inside one inference; None for every processor, at most 4.
        options: everything at once, instead of `engine` and `threads`.

    Returns:
        A model; close it, or use it in a `with` block.

    Raises:
        UsageError: the options contradict each other or the model.
        BundleError: the bundle is refused, with every reason found.
        EngineError: the engine is missing or does not load the model.
    """
    start = time.perf_counter_ns()
    stand_in = None if isinstance(engine, str) else engine
    if options is None:
        name = engine if isinstance(engine, str) else "auto"
        options = LoadOptions(engine=name, threads=threads)
    elif engine != "auto" or threads is not None:
        raise UsageError("engine or threads are given beside options; give them in options")
    path = Path(model) if model is not None else DEFAULT_BUNDLE
    if path.suffix.lower() in _BARE_SUFFIXES and not path.is_dir():
        if options.trusted_keys:
            raise UsageError(
                f"{path} is a bare model file, which cannot be signed; give a signed bundle"
            )
        from edge.bare_model import open_bare_model

        return Model(open_bare_model(path, options, stand_in=stand_in, start_ns=start))
    if options.bare is not None:
        raise UsageError(
            f"{path} is a bundle, which says itself how it is fed and read; "
            "options for bare files do not go with it",
        )
    return Model(_open_bundle(path, options, stand_in=stand_in, start_ns=start))


def _open_bundle(
    path: Path,
    options: LoadOptions,
    *,
    stand_in: Engine | None,
    start_ns: int,
) -> ModelParts:
    from edge.bundle.reader import open_bundle
    from edge.engines.selection import create_engine

    with open_bundle(path, trusted_keys=options.trusted_keys) as bundle:
        manifest = bundle.manifest
        prepare_for(manifest.inputs)
        if stand_in is not None:
            artifact, engine = manifest.artifacts[0], stand_in
        else:
            options = _with_stored_choice(bundle, options)
            artifact = _choose(manifest.artifacts, options)
            engine = create_engine(
                artifact.engine,
                bundle.read(artifact.path),
                EngineOptions(threads=options.threads),
            )
        return ModelParts(
            identity=ModelIdentity(manifest.name, manifest.version, bundle.digest),
            inputs=manifest.inputs,
            outputs=manifest.outputs,
            artifact=artifact,
            engine=engine,
            golden=manifest.golden,
            load_ns=time.perf_counter_ns() - start_ns,
        )


def _with_stored_choice(bundle: Bundle, options: LoadOptions) -> LoadOptions:
    if options.choices is None:
        return options
    from edge.engines.selection import is_installed

    choice, reason = options.choices.find(bundle.digest)
    if choice is not None:
        held = {each.path for each in bundle.manifest.artifacts if is_installed(each.engine)}
        if choice.artifact in held:
            return replace(options, artifact=choice.artifact, threads=choice.threads)
        reason = f"the stored choice names {choice.artifact}; run edge-bench choose again"
    if reason and options.note is not None:
        options.note(reason)
    return options


def _choose(artifacts: Sequence[Artifact], options: LoadOptions) -> Artifact:
    from edge.engines.selection import choose_artifact

    return choose_artifact(
        [each for each in artifacts if options.artifact in ("", each.path)],
        engine="auto" if options.artifact else options.engine,
        precision="auto" if options.artifact else options.precision,
        preferred_engine=options.preferred_engine,
    )
