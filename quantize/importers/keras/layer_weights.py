"""Which weights belong to which layer, in the two ways that Keras stores them.

A `.keras` archive names each layer after its class and a counter (`layers/conv2d_1/vars/0`); an
HDF5 file lists the weights of each top layer, a model inside being flattened: first what was
trainable, layer by layer, then the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from edge.errors import InputError
from quantize.importers.keras.model_file import KerasFile
from quantize.importers.keras.model_spec import LayerSpec, ModelSpec, parse_layer

__all__ = ["LayerPath", "assign_weights", "inner_layer"]

LayerPath = tuple[str, ...]
"""Names of the models around a layer, outermost first, then its own."""

Arrays = list[NDArray[Any]]

_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU")
_ATTENTION_PARTS = ("query_dense", "key_dense", "value_dense", "output_dense")
_WRAPPERS = ("TimeDistributed", "SpectralNormalization")


def assign_weights(model: ModelSpec, file: KerasFile) -> dict[LayerPath, Arrays]:
    """Weights of every layer that is not itself a model, in Keras' order.

    Raises:
        InputError: a stored layer's weights do not add up.
    """
    assigned: dict[LayerPath, Arrays] = {}
    if file.arrays is not None:
        _assign_archive(model, file.arrays, "", (), assigned)
        return assigned
    for layer in model.layers:
        arrays = list((file.layers or {}).get(layer.name, ()))
        if inner_layer(layer).model is None:
            assigned[layer.name,] = arrays
        else:
            _assign_flattened(layer, arrays, assigned)
    return assigned


def inner_layer(layer: LayerSpec) -> LayerSpec:
    """What a wrapper that owns nothing wraps, under the wrapper's name; any other layer itself."""
    if layer.kind not in _WRAPPERS:
        return layer
    inside = parse_layer(layer.config.get("layer"))
    if inside.model is None:
        return inside if inside.kind not in _WRAPPERS else inner_layer(inside)
    return inside


def _assign_archive(
    model: ModelSpec,
    arrays: Mapping[str, NDArray[Any]],
    prefix: str,
    path: LayerPath,
    assigned: dict[LayerPath, Arrays],
) -> None:
    used: dict[str, int] = {}
    for layer in model.layers:
        if layer.module.startswith("keras.src.ops"):
            continue  # an operation, not a layer: Keras does not count it
        key = _snake_case(layer.kind)
        number = used.get(key, -1) + 1
        used[key] = number
        place = f"{prefix}layers/{key}_{number}" if number else f"{prefix}layers/{key}"
        _assign_layer(layer, arrays, place, (*path, layer.name), assigned)


def _assign_layer(
    layer: LayerSpec,
    arrays: Mapping[str, NDArray[Any]],
    place: str,
    path: LayerPath,
    assigned: dict[LayerPath, Arrays],
) -> None:
    if layer.kind in _WRAPPERS:
        _assign_layer(
            parse_layer(layer.config.get("layer")), arrays, f"{place}/layer", path, assigned
        )
    elif layer.model is not None:
        _assign_archive(layer.model, arrays, f"{place}/", path, assigned)
    else:
        assigned[path] = [
            array for part in _parts(layer) for array in _variables(arrays, f"{place}{part}/vars/")
        ]


def _parts(layer: LayerSpec) -> tuple[str, ...]:
    """Where inside a layer its weights lie, in the order of `layer.weights`."""
    if layer.kind == "Bidirectional":
        return ("/forward_layer/cell", "/backward_layer/cell")
    if layer.kind in {*_RECURRENT, "RNN"}:
        return ("/cell",)
    if layer.kind == "MultiHeadAttention":
        return tuple(f"/{part}" for part in _ATTENTION_PARTS)
    return ("",)


def _variables(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Iterator[NDArray[Any]]:
    number = 0
    while f"{prefix}{number}" in arrays:
        yield arrays[f"{prefix}{number}"]
        number += 1


def _snake_case(name: str) -> str:
    """Keras' own spelling of a class name in a weights file."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _assign_flattened(
    layer: LayerSpec, arrays: Sequence[NDArray[Any]], assigned: dict[LayerPath, Arrays]
) -> None:
    leaves = list(_leaves(inner_layer(layer), (layer.name,)))
    counts = {path: _weight_counts(leaf) for path, leaf in leaves}
    total = sum(sum(each) for each in counts.values())
    if total != len(arrays):
        raise InputError(
            f"model '{layer.name}' inside the model should have {total} weights but the file "
            f"holds {len(arrays)}; save it in the .keras format"
        )
    waiting = iter(arrays)
    trained: dict[LayerPath, Arrays] = {path: [] for path, _ in leaves}
    for path, leaf in leaves:
        if leaf.is_trainable:
            trained[path] = [next(waiting) for _ in range(counts[path][0])]
    for path, leaf in leaves:
        first, second = counts[path]
        rest = second if leaf.is_trainable else first + second
        assigned[path] = [*trained[path], *(next(waiting) for _ in range(rest))]


def _leaves(layer: LayerSpec, path: LayerPath) -> Iterator[tuple[LayerPath, LayerSpec]]:
    if layer.model is None:
        yield path, layer
        return
    for each in layer.model.layers:
        yield from _leaves(inner_layer(each), (*path, each.name))


def _weight_counts(layer: LayerSpec) -> tuple[int, int]:
    """How many weights a layer has: trainable, and not."""
    config, kind = layer.config, layer.kind
    bias = int(bool(config.get("use_bias", True)))
    scale_and_centre = int(bool(config.get("scale", True))) + int(bool(config.get("center", True)))
    if kind == "BatchNormalization":
        return scale_and_centre, 2
    if kind in {"LayerNormalization", "GroupNormalization"}:
        return scale_and_centre, 0
    if kind == "Normalization":
        return 0, 0 if config.get("mean") is not None else 3
    if kind == "Bidirectional":
        forward = _weight_counts(parse_layer(config.get("layer")))
        return 2 * forward[0], 2 * forward[1]
    if kind == "RNN":
        return _weight_counts(replace(layer, kind="LSTM", config=config["cell"]["config"]))
    if kind in _RECURRENT or kind.startswith("Separable"):
        return 2 + bias, 0
    if kind == "MultiHeadAttention":
        return len(_ATTENTION_PARTS) * (1 + bias), 0
    if kind == "Dense" or "Conv" in kind:
        return 1 + bias, 0
    if kind == "Attention":
        return int(bool(config.get("use_scale"))), 0
    return int(kind in {"PReLU", "Embedding"}), 0
