"""Keras models, one layer or one way of joining layers each, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["CASES", "ONLY_ARCHIVE"]


def _one_layer(shape: tuple, make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def build(keras: Any) -> Any:
        inputs = keras.Input(shape, name="given")
        return keras.Model(inputs, make(keras.layers)(inputs))

    return build


def _activations() -> Iterator[tuple[str, Callable[[Any], Any]]]:
    names = [
        "linear",
        "relu",
        "relu6",
        "sigmoid",
        "tanh",
        "softmax",
        "log_softmax",
        "softplus",
        "softsign",
        "elu",
        "celu",
        "selu",
        "exponential",
        "leaky_relu",
        "hard_silu",
        "hard_tanh",
        "silu",
        "gelu",
        "mish",
        "log_sigmoid",
        "tanh_shrink",
        "hard_sigmoid",
    ]
    for name in names:
        yield (
            f"activation {name}",
            _one_layer((3, 4), lambda layers, name=name: layers.Activation(name)),
        )
    layers: dict[str, Callable[[Any], Any]] = {
        "relu of slope": lambda each: each.ReLU(negative_slope=0.2, max_value=1.0),
        "relu of threshold": lambda each: each.ReLU(threshold=0.5, max_value=1.2),
        "relu of all": lambda each: each.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.3),
        "leaky relu": lambda each: each.LeakyReLU(negative_slope=0.15),
        "prelu": lambda each: each.PReLU(alpha_initializer="normal"),
        "prelu shared": lambda each: each.PReLU(alpha_initializer="normal", shared_axes=[1]),
        "elu": lambda each: each.ELU(alpha=0.7),
        "softmax of an axis": lambda each: each.Softmax(axis=1),
        "relu in dense": lambda each: each.Dense(3, activation="relu"),
        "layer in dense": lambda each: each.Dense(3, activation=each.LeakyReLU(0.2)),
    }
    for name, make in layers.items():
        yield name, _one_layer((3, 4), make)


def _pictures() -> Iterator[tuple[str, Callable[[Any], Any]]]:
    shape = (9, 8, 4)
    options = [
        ("valid", {}),
        ("same", {"padding": "same"}),
        ("strides", {"padding": "same", "strides": 2}),
        ("dilated", {"padding": "same", "dilation_rate": 2}),
        ("wide", {"kernel_size": (3, 5), "strides": (2, 1), "use_bias": False}),
        ("grouped", {"groups": 2, "padding": "same"}),
    ]
    for name, given in options:
        merged = {"kernel_size": 3, **given}
        yield (
            f"conv2d {name}",
            _one_layer(shape, lambda layers, given=merged: layers.Conv2D(6, **given)),
        )
    layers: dict[str, Callable[[Any], Any]] = {
        "depthwise": lambda each: each.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
        "depthwise strides": lambda each: each.DepthwiseConv2D(3, strides=2, padding="same"),
        "separable": lambda each: each.SeparableConv2D(5, 3, depth_multiplier=2, padding="same"),
        "separable strides": lambda each: each.SeparableConv2D(5, 3, strides=2, activation="relu"),
        "transposed same": lambda each: each.Conv2DTranspose(5, 3, strides=2, padding="same"),
        "transposed valid": lambda each: each.Conv2DTranspose(5, 3, strides=2),
        "transposed narrow": lambda each: each.Conv2DTranspose(5, 2, strides=3, padding="same"),
        "transposed even": lambda each: each.Conv2DTranspose(5, 4, strides=2, padding="same"),
        "max pool": lambda each: each.MaxPooling2D(2),
        "max pool same": lambda each: each.MaxPooling2D(3, strides=2, padding="same"),
        "average pool": lambda each: each.AveragePooling2D((2, 3)),
        "average pool same": lambda each: each.AveragePooling2D(3, strides=2, padding="same"),
        "global average": lambda each: each.GlobalAveragePooling2D(),
        "global average kept": lambda each: each.GlobalAveragePooling2D(keepdims=True),
        "global max": lambda each: each.GlobalMaxPooling2D(),
        "zero padding": lambda each: each.ZeroPadding2D(((1, 2), (0, 3))),
        "cropping": lambda each: each.Cropping2D(((1, 2), (0, 3))),
        "upsampling nearest": lambda each: each.UpSampling2D((2, 3)),
        "upsampling bilinear": lambda each: each.UpSampling2D(2, interpolation="bilinear"),
        "resizing bilinear": lambda each: each.Resizing(13, 5),
        "resizing nearest": lambda each: each.Resizing(13, 5, interpolation="nearest"),
        "flatten": lambda each: each.Flatten(),
        "reshape": lambda each: each.Reshape((-1, 12)),
        "permute": lambda each: each.Permute((3, 1, 2)),
        "batch norm": lambda each: each.BatchNormalization(),
        "batch norm bare": lambda each: each.BatchNormalization(scale=False, center=False),
        "batch norm axis 1": lambda each: each.BatchNormalization(axis=1),
        "layer norm": lambda each: each.LayerNormalization(),
        "layer norm axes": lambda each: each.LayerNormalization(axis=[2, 3]),
        "group norm": lambda each: each.GroupNormalization(groups=2),
        "rescaling": lambda each: each.Rescaling(1 / 127.5, offset=-1),
        "normalization": lambda each: each.Normalization(mean=[1, 2, 3, 4], variance=[1, 2, 4, 0]),
        "dropout": lambda each: each.Dropout(0.5),
        "dense on a picture": lambda each: each.Dense(3),
    }
    for name, make in layers.items():
        yield name, _one_layer(shape, make)


def _series() -> Iterator[tuple[str, Callable[[Any], Any]]]:
    layers: dict[str, Callable[[Any], Any]] = {
        "conv1d": lambda each: each.Conv1D(6, 3, padding="same"),
        "conv1d causal": lambda each: each.Conv1D(6, 3, padding="causal", dilation_rate=2),
        "conv1d transposed": lambda each: each.Conv1DTranspose(3, 4, strides=2, padding="same"),
        "separable 1d": lambda each: each.SeparableConv1D(6, 3, padding="same"),
        "depthwise 1d": lambda each: each.DepthwiseConv1D(3, padding="same"),
        "max pool 1d": lambda each: each.MaxPooling1D(2, padding="same"),
        "average pool 1d": lambda each: each.AveragePooling1D(3, strides=2, padding="same"),
        "global average 1d": lambda each: each.GlobalAveragePooling1D(),
        "global max 1d": lambda each: each.GlobalMaxPooling1D(),
        "zero padding 1d": lambda each: each.ZeroPadding1D((1, 2)),
        "cropping 1d": lambda each: each.Cropping1D((1, 2)),
        "upsampling 1d": lambda each: each.UpSampling1D(2),
        "batch norm 1d": lambda each: each.BatchNormalization(),
        "dense on a series": lambda each: each.Dense(5),
        "lstm": lambda each: each.LSTM(3),
        "lstm series": lambda each: each.LSTM(3, return_sequences=True),
        "lstm backwards": lambda each: each.LSTM(3, return_sequences=True, go_backwards=True),
        "lstm bare": lambda each: each.LSTM(3, use_bias=False, activation="relu"),
        "lstm hard": lambda each: each.LSTM(3, recurrent_activation="hard_sigmoid"),
        "gru": lambda each: each.GRU(3),
        "gru before": lambda each: each.GRU(3, reset_after=False, return_sequences=True),
        "gru backwards": lambda each: each.GRU(3, go_backwards=True),
        "simple rnn": lambda each: each.SimpleRNN(3, return_sequences=True),
        "cell": lambda each: each.RNN(each.GRUCell(3)),
        "both ways": lambda each: each.Bidirectional(each.LSTM(3)),
        "time distributed": lambda each: each.TimeDistributed(each.Dense(3, activation="relu")),
    }
    for name, make in layers.items():
        yield name, _one_layer((7, 4), make)
    for mode in ("concat", "sum", "mul", "ave", None):
        yield (
            f"both ways {mode}",
            _one_layer(
                (7, 4),
                lambda layers, mode=mode: layers.Bidirectional(
                    layers.GRU(3, return_sequences=True), merge_mode=mode
                ),
            ),
        )
    yield "repeat", _one_layer((5,), lambda layers: layers.RepeatVector(4))
    yield "dense", _one_layer((5,), lambda layers: layers.Dense(4, use_bias=False))
    yield (
        "time distributed pictures",
        _one_layer((3, 8, 8, 2), lambda each: each.TimeDistributed(each.Conv2D(4, 3, strides=2))),
    )


def _joined(op: str) -> Callable[[Any], Any]:
    def build(keras: Any) -> Any:
        inputs = [keras.Input((4, 3), name=name) for name in ("left", "right")]
        return keras.Model(inputs, getattr(keras.layers, op)()(inputs))

    return build


def _dot(axes: Any, *, normalize: bool, left: tuple, right: tuple) -> Callable[[Any], Any]:
    def build(keras: Any) -> Any:
        inputs = [keras.Input(left, name="left"), keras.Input(right, name="right")]
        return keras.Model(inputs, keras.layers.Dot(axes, normalize=normalize)(inputs))

    return build


def _shared(keras: Any) -> Any:
    """One layer called twice, a model used as a layer, two inputs, two outputs."""
    layers = keras.layers
    left, right = keras.Input((6,), name="left"), keras.Input((6,), name="right")
    shared = layers.Dense(5, activation="tanh", name="shared")
    inner = keras.Sequential(
        [keras.Input((5,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(4)],
        name="inner",
    )
    first, second = inner(shared(left)), inner(shared(right))
    return keras.Model(
        [left, right],
        [
            layers.Dense(2, name="score")(layers.concatenate([first, second])),
            layers.add([first, second]),
        ],
    )


def _frozen(keras: Any) -> Any:
    """Transfer learning: a base that is not trained further, and a head."""
    layers = keras.layers
    base_input = keras.Input((8, 8, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(base_input))
    base = keras.Model(base_input, layers.Conv2D(5, 3)(layers.ReLU()(x)), name="base")
    base.trainable = False
    inputs = keras.Input((8, 8, 3), name="picture")
    x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(x))


def _arithmetic(keras: Any) -> Any:
    inputs = keras.Input((5,), name="given")
    other = keras.layers.Dense(5)(inputs)
    return keras.Model(inputs, (2.0 - inputs) * other + inputs / 3.0)


def _states(keras: Any) -> Any:
    """An encoder whose state a decoder starts from."""
    layers = keras.layers
    source, target = keras.Input((5, 3), name="source"), keras.Input((4, 3), name="target")
    _, hidden, cell = layers.LSTM(4, return_state=True)(source)
    decoded = layers.LSTM(4, return_sequences=True)(target, initial_state=[hidden, cell])
    _, state = layers.GRU(4, return_state=True)(source)
    return keras.Model([source, target], [decoded, layers.GRU(4)(target, initial_state=state)])


def _attention(keras: Any) -> Any:
    layers = keras.layers
    series, other = keras.Input((5, 8), name="series"), keras.Input((6, 4), name="other")
    x = layers.MultiHeadAttention(2, 4)(series, other)
    x = layers.LayerNormalization()(x + series)
    x = layers.MultiHeadAttention(2, 3, value_dim=5, use_bias=False)(x, x, use_causal_mask=True)
    scores = layers.Attention(use_scale=True)([x, series])
    return keras.Model([series, other], [x, scores])


def _embedding(keras: Any) -> Any:
    layers = keras.layers
    inputs = keras.Input((6,), name="codes", dtype="int32")
    x = layers.Embedding(5, 4, mask_zero=True)(inputs)
    x = layers.GRU(3, return_sequences=True)(x)
    return keras.Model(inputs, layers.GlobalAveragePooling1D()(layers.Dense(2)(x)))


def _masked_gru(zero: bool, both: bool) -> Callable[[Any], Any]:
    def build(keras: Any) -> Any:
        layers = keras.layers
        inputs = keras.Input((9, 4), name="series")
        x = layers.Dense(6)(layers.BatchNormalization()(layers.Masking(-1.0)(inputs)))
        first = layers.GRU(3, return_sequences=True, zero_output_for_mask=zero)
        second = layers.GRU(3, reset_after=False)
        if both:
            first, second = layers.Bidirectional(first), layers.Bidirectional(second)
        return keras.Model(inputs, [first(x), second(first(x))])

    return build


def _sequential(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12, 12, 3), name="picture"),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def _channels_first(keras: Any) -> Any:
    layers = keras.layers
    inputs = keras.Input((3, 8, 10), name="picture")
    x = layers.Conv2D(4, 3, padding="same", data_format="channels_first")(inputs)
    x = layers.MaxPooling2D(2, data_format="channels_first")(x)
    return keras.Model(inputs, layers.Flatten(data_format="channels_first")(x))


CASES: dict[str, Callable[[Any], Any]] = {
    **dict(_activations()),
    **dict(_pictures()),
    **dict(_series()),
    **{
        op.lower(): _joined(op)
        for op in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
    },
    "dot of vectors": _dot(1, normalize=True, left=(5,), right=(5,)),
    "dot of series": _dot((2, 1), normalize=False, left=(4, 5), right=(5, 3)),
    "shared layers": _shared,
    "frozen base": _frozen,
    "arithmetic": _arithmetic,
    "states": _states,
    "attention": _attention,
    "embedding": _embedding,
    "masked gru": _masked_gru(zero=False, both=False),
    "masked gru, zero output": _masked_gru(zero=True, both=False),
    "masked gru, both ways": _masked_gru(zero=True, both=True),
    "sequential": _sequential,
    "channels first": _channels_first,
}

_ALSO_HDF5 = (
    "batch norm",
    "both ways concat",
    "conv2d valid",
    "lstm",
    "gru before",
    "separable",
    "time distributed",
    "shared layers",
    "frozen base",
    "arithmetic",
    "states",
    "attention",
    "masked gru, both ways",
    "sequential",
)
ONLY_ARCHIVE = frozenset(set(CASES) - set(_ALSO_HDF5))
"""Cases that are recorded as `.keras` only: the two formats differ in where weights lie."""
