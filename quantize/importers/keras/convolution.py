"""Convolutions, one and two axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantize.importers.keras.activations import apply_activation
from quantize.importers.keras.channels import through_channels_first
from quantize.importers.keras.layer_call import LayerCall, LayerWriter
from quantize.importers.keras.onnx_graph import Tensor

__all__ = ["CONVOLUTION_LAYERS", "window_pads"]


def window_pads(
    call: LayerCall, space: tuple[int, ...], window: tuple[int, ...], strides: tuple[int, ...]
) -> list[int]:
    """ONNX pads of a sliding window: as TensorFlow does it, the odd one goes after.

    Args:
        call: its `padding` option is "valid", "same" or (one axis) "causal".
        space: size of each axis.
        window: size with dilation.
        strides: of each axis.
    """
    padding = str(call.option("padding", "valid")).lower()
    if padding == "valid":
        return [0] * (2 * len(space))
    if padding == "causal":
        return [window[0] - 1, 0]
    if padding != "same":
        raise call.refuse(f"padding '{padding}'; valid, same and causal are supported")
    before, after = [], []
    for size, width, stride in zip(space, window, strides, strict=True):
        whole = max((-(-size // stride) - 1) * stride + width - size, 0)
        before.append(whole // 2)
        after.append(whole - whole // 2)
    return before + after


@dataclass(frozen=True, slots=True)
class _Window:
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]


def _window(call: LayerCall, count: int) -> _Window:
    return _Window(
        kernel=call.whole_numbers("kernel_size", count),
        strides=call.whole_numbers("strides", count),
        dilations=call.whole_numbers("dilation_rate", count),
    )


def _channels(call: LayerCall) -> int:
    return call.input.shape[-1 if call.is_channels_last else 1]


def _convolve(
    call: LayerCall,
    tensor: Tensor,
    kernel: NDArray[np.float32],
    bias: NDArray[np.float32] | None,
    window: _Window,
    groups: int = 1,
) -> Tensor:
    """One ONNX Conv on a channels-first tensor; the kernel is (out, in / groups, *window)."""
    widths = tuple((k - 1) * d + 1 for k, d in zip(window.kernel, window.dilations, strict=True))
    graph = call.graph
    return graph.add(
        "Conv",
        tensor,
        graph.constant(kernel, "kernel"),
        None if bias is None else graph.constant(bias, "bias"),
        kernel_shape=list(window.kernel),
        strides=list(window.strides),
        dilations=list(window.dilations),
        pads=window_pads(call, tensor.shape[2:], widths, window.strides),
        group=groups,
    )


def _write_conv(count: int) -> LayerWriter:
    def write(call: LayerCall) -> Tensor:
        window = _window(call, count)
        groups, filters = int(call.number("groups", 1)), int(call.number("filters", 0))
        shape = (*window.kernel, _channels(call) // groups, filters)
        kernel = call.weight(0, shape, "kernel")
        bias = call.weight(1, (filters,), "bias") if call.option("use_bias", True) else None
        kernel = np.transpose(kernel, (count + 1, count, *range(count)))
        tensor = through_channels_first(
            call, lambda each: _convolve(call, each, kernel, bias, window, groups)
        )
        return apply_activation(call, tensor, call.option("activation"))

    return write


def _depthwise_kernel(call: LayerCall, window: _Window, name: str) -> NDArray[np.float32]:
    """(*window, channels, multiplier) -> (channels * multiplier, 1, *window)."""
    count, channels = len(window.kernel), _channels(call)
    multiplier = int(call.number("depth_multiplier", 1))
    kernel = call.weight(0, (*window.kernel, channels, multiplier), name)
    kernel = np.transpose(kernel, (count, count + 1, *range(count)))
    return kernel.reshape(channels * multiplier, 1, *window.kernel)


def _write_depthwise(count: int) -> LayerWriter:
    def write(call: LayerCall) -> Tensor:
        window = _window(call, count)
        kernel = _depthwise_kernel(call, window, "depthwise kernel")
        has_bias = bool(call.option("use_bias", True))
        bias = call.weight(1, (kernel.shape[0],), "bias") if has_bias else None
        tensor = through_channels_first(
            call, lambda each: _convolve(call, each, kernel, bias, window, _channels(call))
        )
        return apply_activation(call, tensor, call.option("activation"))

    return write


def _write_separable(count: int) -> LayerWriter:
    """A convolution of each channel alone, then a mix of channels at each place."""

    def write(call: LayerCall) -> Tensor:
        window = _window(call, count)
        depthwise = _depthwise_kernel(call, window, "depthwise kernel")
        middle, filters = depthwise.shape[0], int(call.number("filters", 0))
        mix = call.weight(1, (*((1,) * count), middle, filters), "pointwise kernel")
        mix = np.transpose(mix, (count + 1, count, *range(count)))
        bias = call.weight(2, (filters,), "bias") if call.option("use_bias", True) else None
        ones = _Window((1,) * count, (1,) * count, (1,) * count)

        def write_both(tensor: Tensor) -> Tensor:
            alone = _convolve(call, tensor, depthwise, None, window, _channels(call))
            return _convolve(call, alone, mix, bias, ones)

        tensor = through_channels_first(call, write_both)
        return apply_activation(call, tensor, call.option("activation"))

    return write


def _write_transposed(count: int) -> LayerWriter:
    def write(call: LayerCall) -> Tensor:
        window = _window(call, count)
        if call.option("output_padding") is not None or any(each != 1 for each in window.dilations):
            raise call.refuse("output_padding and dilation are not supported")
        filters = int(call.number("filters", 0))
        kernel = call.weight(0, (*window.kernel, filters, _channels(call)), "kernel")
        kernel = np.transpose(kernel, (count + 1, count, *range(count)))
        bias = call.weight(1, (filters,), "bias") if call.option("use_bias", True) else None
        graph = call.graph

        def write_one(tensor: Tensor) -> Tensor:
            return graph.add(
                "ConvTranspose",
                tensor,
                graph.constant(kernel, "kernel"),
                None if bias is None else graph.constant(bias, "bias"),
                kernel_shape=list(window.kernel),
                strides=list(window.strides),
                pads=_transposed_pads(call, window),
                output_padding=[
                    max(s - k, 0) for k, s in zip(window.kernel, window.strides, strict=True)
                ],
            )

        tensor = through_channels_first(call, write_one)
        return apply_activation(call, tensor, call.option("activation"))

    return write


def _transposed_pads(call: LayerCall, window: _Window) -> list[int]:
    """What the convolution of which this is the transpose would have padded."""
    padding = str(call.option("padding", "valid")).lower()
    if padding == "valid":
        return [0] * (2 * len(window.kernel))
    if padding != "same":
        raise call.refuse(f"padding '{padding}'; valid and same are supported")
    whole = [max(k - s, 0) for k, s in zip(window.kernel, window.strides, strict=True)]
    return [each // 2 for each in whole] + [each - each // 2 for each in whole]


CONVOLUTION_LAYERS: Mapping[str, LayerWriter] = {
    "Conv1D": _write_conv(1),
    "Conv2D": _write_conv(2),
    "DepthwiseConv1D": _write_depthwise(1),
    "DepthwiseConv2D": _write_depthwise(2),
    "SeparableConv1D": _write_separable(1),
    "SeparableConv2D": _write_separable(2),
    "Conv1DTranspose": _write_transposed(1),
    "Conv2DTranspose": _write_transposed(2),
}
