"""The configuration of a Keras model, 2 or 3 -> typed layers and who feeds whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edge.errors import InputError, UnsupportedInputError

__all__ = [
    "LayerSpec",
    "ModelSpec",
    "NodeSpec",
    "Reference",
    "parse_layer",
    "parse_model",
    "prune_model",
    "references_in",
]

_MODELS = frozenset({"Functional", "Model", "Sequential"})
_KERAS_MODULES = ("keras", "builtins", "tensorflow.keras", "tf_keras", "tensorflow.python.keras")


@dataclass(frozen=True, slots=True)
class Reference:
    """One output of one call of a layer.

    Attributes:
        layer: name of the layer.
        call: which of its calls, from 0.
        output: which output of that call, from 0.
    """

    layer: str
    call: int
    output: int


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One call of a layer.

    Attributes:
        arguments: positional; lists of, or single, `Reference` and plain values.
        keywords: by name, the same.
    """

    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One layer.

    Attributes:
        name: unique within its model.
        kind: class name, such as "Conv2D".
        module: where the class lives, as Keras 3 states it; "" in Keras 2 files.
        config: its options.
        nodes: its calls within the model; None for one that is not needed.
        model: what is inside, where the layer is itself a model.
        build_shape: the input shape it was built with, where stated.
    """

    name: str
    kind: str
    module: str
    config: Mapping[str, Any]
    nodes: tuple[NodeSpec | None, ...] = ()
    model: ModelSpec | None = None
    build_shape: tuple[int | None, ...] | None = None

    @property
    def is_trainable(self) -> bool:
        """Whether its weights were trained: an HDF5 file lists those first."""
        return bool(self.config.get("trainable", True))


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A whole model, or one that is used as a layer.

    Attributes:
        name: of the model.
        layers: in Keras' order.
        inputs: the outputs of the input layers.
        outputs: what it answers.
    """

    name: str
    layers: tuple[LayerSpec, ...]
    inputs: tuple[Reference, ...]
    outputs: tuple[Reference, ...]


def parse_model(serialized: Mapping[str, Any]) -> ModelSpec:
    """Read a serialized model.

    Args:
        serialized: `class_name` and `config`, as Keras stores them.

    Raises:
        UnsupportedInputError: a model of a class of its own.
        InputError: the configuration is damaged.
    """
    kind = str(serialized.get("class_name"))
    config = serialized.get("config")
    if kind not in _MODELS:
        raise UnsupportedInputError(
            f"the model is a '{kind}' with code of its own, which is never run; only Sequential "
            "and functional models are read, so export it from Python: model.export('model.onnx', "
            "format='onnx')"
        )
    try:
        if kind == "Sequential":
            return _parse_sequential(config)
        return _parse_functional(_mapping(config, "model"))
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the model's configuration is damaged: {type(error).__name__}: {error}"
        ) from error


def parse_layer(serialized: Any) -> LayerSpec:
    """Read a serialized layer, as wrappers hold one.

    Raises:
        InputError: the configuration is damaged.
    """
    layer = _mapping(serialized, "layer")
    kind, config = str(layer["class_name"]), layer["config"]
    name = layer.get("name") or (config.get("name") if isinstance(config, dict) else None)
    is_model = kind in _MODELS
    build = layer.get("build_config") or {}
    shape = build.get("input_shape") if isinstance(build, dict) else None
    return LayerSpec(
        name=str(name or kind.lower()),
        kind=kind,
        module=_module(layer),
        config=config if isinstance(config, dict) else {},
        nodes=tuple(_parse_node(each) for each in layer.get("inbound_nodes") or ()),
        model=parse_model(layer) if is_model else None,
        build_shape=tuple(shape) if shape and _is_shape(shape) else None,
    )


def _module(layer: Mapping[str, Any]) -> str:
    """Module of a class; a registered class of the user's own is never taken for Keras'."""
    registered = layer.get("registered_name")
    module = str(layer.get("module") or "")
    if not module and _is_operation(layer):
        return "keras.src.ops"
    is_own = module.partition(".")[0] not in {each.partition(".")[0] for each in _KERAS_MODULES}
    if module and is_own:
        return module
    if registered and ">" in str(registered) and not str(registered).startswith("Keras>"):
        return str(registered).partition(">")[0]
    return "" if module.startswith(("keras.layers", "keras.src.layers")) else module


def _is_operation(layer: Mapping[str, Any]) -> bool:
    """Keras 3 leaves the module out of HDF5 files; operations differ by knowing no training."""
    nodes, config = layer.get("inbound_nodes"), layer.get("config")
    is_keras_3 = bool(nodes) and isinstance(nodes, list) and isinstance(nodes[0], dict)
    return is_keras_3 and isinstance(config, dict) and "trainable" not in config


def _parse_sequential(config: Any) -> ModelSpec:
    serialized = config if isinstance(config, list) else _mapping(config, "model")["layers"]
    stated = config if isinstance(config, dict) else {}
    name = str(stated.get("name", "sequential"))
    layers = [parse_layer(each) for each in serialized]
    if not layers:
        raise InputError(f"model '{name}' holds no layers")
    if layers[0].kind != "InputLayer":
        layers.insert(0, _made_input(layers[0], stated))
    chained = [layers[0]]
    for layer in layers[1:]:
        fed = NodeSpec((Reference(chained[-1].name, 0, 0),), {})
        chained.append(
            LayerSpec(
                layer.name,
                layer.kind,
                layer.module,
                layer.config,
                (fed,),
                layer.model,
                layer.build_shape,
            )
        )
    ends = Reference(layers[0].name, 0, 0), Reference(chained[-1].name, 0, 0)
    return ModelSpec(name, tuple(chained), ends[:1], ends[1:])


def _made_input(first: LayerSpec, stated: Mapping[str, Any]) -> LayerSpec:
    """The input layer that old Sequential models only imply."""
    shape = first.config.get("batch_input_shape") or first.config.get("batch_shape")
    shape = shape or stated.get("build_input_shape") or first.build_shape
    if shape is None and first.model is not None:
        inner = first.model.layers[0].config
        shape = inner.get("batch_shape") or inner.get("batch_input_shape")
    config = {"batch_shape": shape, "dtype": first.config.get("dtype", "float32")}
    return LayerSpec(f"{first.name}_input", "InputLayer", "", config)


def _parse_functional(config: Mapping[str, Any]) -> ModelSpec:
    layers = tuple(parse_layer(each) for each in config["layers"])
    names = [each.name for each in layers]
    if len(set(names)) != len(names):
        raise InputError("two layers of the model have one name; it is damaged")
    model = ModelSpec(
        name=str(config.get("name", "model")),
        layers=layers,
        inputs=tuple(_references(config["input_layers"])),
        outputs=tuple(_references(config["output_layers"])),
    )
    if not model.inputs or not model.outputs:
        raise InputError(f"model '{model.name}' names no inputs or no outputs")
    return model


def _references(value: Any) -> Iterator[Reference]:
    """Flatten single, listed and named references of a model's inputs or outputs."""
    if _is_reference(value):
        yield Reference(value[0], int(value[1]), int(value[2]))
        return
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, (list, tuple)):
        raise InputError(f"the model's configuration names an input or output as {value!r}")
    for each in value:
        yield from _references(each)


def _parse_node(node: Any) -> NodeSpec:
    if isinstance(node, dict):
        arguments = tuple(_keras3_value(each) for each in node.get("args", ()))
        keywords = {key: _keras3_value(each) for key, each in node.get("kwargs", {}).items()}
        return NodeSpec(arguments, keywords)
    refs = [node] if node and isinstance(node[0], str) else list(node)
    keywords = {}
    for each in refs:
        options = each[3] if len(each) > len(("layer", "call", "output")) else {}
        keywords.update({key: _keras2_value(value) for key, value in (options or {}).items()})
    found = [Reference(str(each[0]), int(each[1]), int(each[2])) for each in refs]
    return NodeSpec((found[0] if len(found) == 1 else found,), keywords)


def _keras3_value(value: Any) -> Any:
    """A tensor becomes a `Reference`; everything else keeps its shape."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            history = value["config"]["keras_history"]
            return Reference(str(history[0]), int(history[1]), int(history[2]))
        return {key: _keras3_value(each) for key, each in value.items()}
    return [_keras3_value(each) for each in value] if isinstance(value, (list, tuple)) else value


def _keras2_value(value: Any) -> Any:
    if _is_reference(value):
        return Reference(value[0], int(value[1]), int(value[2]))
    return [_keras2_value(each) for each in value] if isinstance(value, list) else value


def _is_reference(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) in {3, 4}
        and isinstance(value[0], str)
        and all(isinstance(each, int) for each in value[1:3])
    )


def _is_shape(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and bool(value)
        and all(each is None or isinstance(each, int) for each in value)
    )


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(
            f"the configuration of a {what} is a {type(value).__name__}, not an object"
        )
    return value


def references_in(value: Any) -> Iterator[Reference]:
    """Every reference in a nest of lists and dictionaries."""
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from references_in(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from references_in(each)


def prune_model(model: ModelSpec, *, with_masks: bool) -> ModelSpec:
    """Leave only the calls that the outputs need.

    Args:
        model: parsed.
        with_masks: whether masks among the arguments stay.
    """
    layers = {each.name: each for each in model.layers}
    waiting, needed = list(model.outputs), set[tuple[str, int]]()
    while waiting:
        reference = waiting.pop()
        layer, key = layers.get(reference.layer), (reference.layer, reference.call)
        if layer is None or key in needed:
            continue
        needed.add(key)
        if 0 <= reference.call < len(layer.nodes):
            node = _kept(layer.nodes[reference.call], with_masks=with_masks)
            waiting += references_in((node.arguments, node.keywords) if node else ())
    inputs = {each.layer for each in model.inputs}
    kept = [
        replace(
            layer,
            nodes=tuple(
                _kept(node, with_masks=with_masks) if (layer.name, at) in needed else None
                for at, node in enumerate(layer.nodes)
            ),
            model=layer.model and prune_model(layer.model, with_masks=with_masks),
        )
        for layer in model.layers
        if layer.name in inputs or any(name == layer.name for name, _ in needed)
    ]
    return replace(model, layers=tuple(kept))


def _kept(node: NodeSpec | None, *, with_masks: bool) -> NodeSpec | None:
    if node is None or with_masks or "mask" not in node.keywords:
        return node
    return replace(node, keywords={k: v for k, v in node.keywords.items() if k != "mask"})
