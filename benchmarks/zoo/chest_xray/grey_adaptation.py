"""Make the first layers of an ImageNet network fit for grey films and for 8 bits, then freeze them.

Some stem filters answer to colour. For a grey film they give all but a constant, which says
nothing, but which later layers multiply: an 8-bit rounding of the constant, or of the weights that
meet it, then shifts whole feature maps. Batch statistics would make it worse, as they amplify what
little such a channel varies. So those channels are silenced, what they gave is moved into the
biases, and the weights of the layers at full resolution are rounded to 8 bits before the training
rather than after it: the rest of the network is trained on what the int8 model will compute.
"""

# ruff: noqa: TID253 - the network is changed with torch

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from benchmarks.zoo.chest_xray.efficientnet_lite0 import ConvNorm, EfficientNetLite0

__all__ = ["LEAST_DEVIATION", "adapt_early_layers", "round_to_8_bits", "silence_constant_channels"]

LEAST_DEVIATION = 0.1
_SILENT_BIAS = -6.0
_GREATEST_LEVEL = 127


def round_to_8_bits(weight: Tensor) -> Tensor:
    """Round kernels, [O, I, k, k], to 255 levels symmetric about zero, for every output channel."""
    greatest = weight.abs().amax(dim=(1, 2, 3), keepdim=True)
    step = greatest.clamp_min(torch.finfo(torch.float32).tiny) / _GREATEST_LEVEL
    return torch.as_tensor((weight / step).round() * step)


def silence_constant_channels(model: EfficientNetLite0, images: Tensor) -> list[int]:
    """Silence the stem channels that hardly vary, and add what they gave to the next biases.

    Args:
        model: Network in evaluation mode; its stem and first block are changed in place.
        images: Training films, float32 [N, channels, H, W], normalised.

    Returns:
        Indices of the channels silenced: those of a standard deviation below 0.1 (of a range of
        6), over all films and places.
    """
    block = model.blocks[0]
    with torch.inference_mode():
        response = model.stem(images)
        filtered = block.depthwise(response)
        deviation = response.std(dim=(0, 2, 3))
        constant = filtered.mean(dim=(0, 2, 3)).double()
    silent = deviation < LEAST_DEVIATION
    stem_weight, stem_bias = model.stem.folded()
    depth_weight, depth_bias = block.depthwise.folded()
    project_weight, project_bias = block.project.folded()
    given = project_weight[:, silent, 0, 0] @ constant[silent]
    model.stem.set_folded(stem_weight, stem_bias.masked_fill(silent, _SILENT_BIAS))
    block.depthwise.set_folded(depth_weight, depth_bias.masked_fill(silent, _SILENT_BIAS))
    block.project.set_folded(project_weight, project_bias + given)
    return [int(channel) for channel in silent.nonzero().flatten()]


def adapt_early_layers(model: EfficientNetLite0, images: Tensor) -> list[int]:
    """Silence constant channels, round the stem and the first block to 8 bits, and freeze both.

    Args:
        model: Network with ImageNet weights; changed in place, left in evaluation mode.
        images: Training films, float32 [N, channels, H, W], normalised.

    Returns:
        Indices of the silenced stem channels.
    """
    model.eval()
    silenced = silence_constant_channels(model, images)
    layers: tuple[ConvNorm, ...] = (
        model.stem,
        model.blocks[0].depthwise,
        model.blocks[0].project,
    )
    for layer in layers:
        weight, bias = layer.folded()
        layer.set_folded(round_to_8_bits(weight), bias)
    model.freeze_early_layers()
    return silenced
