"""What to do about an ONNX operator that is not supported."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["remedy_of"]

_CUT = "cut the model before it and compute it after the model"
_BEFORE = "compute it before the model, and give the model its result"
_RANDOM = "export the model in evaluation mode: nothing random can be repeated on a board"
_SEQUENCES = "export without Python lists of tensors, for example by torch.export"
_ROWS = "read rows with Gather (index_select) in place of torch.gather"
_ASSIGNED = "build the tensor with Concat or Where in place of assigning to parts of it"
_FIXED = "make its {} constant: fix the model's shapes before the export, or by --shape"
_ALREADY = "the model is quantized already; give the float model"
_FUSED = "give the model as it was exported, before another tool fused its operators"
_DEFAULT = "write it with supported operators, or cut the model before it"

_REMEDIES: Mapping[str, str] = {
    "AffineGrid": _CUT,
    "Bernoulli": _RANDOM,
    "BlackmanWindow": _BEFORE,
    "CenterCropPad": "crop or pad before the model",
    "Col2Im": _CUT,
    "DFT": _BEFORE,
    "DeformConv": "train with plain convolutions in its place",
    "Dropout (training)": "export the model in evaluation mode",
    "Einsum": "write it as Transpose, MatMul and ReduceSum",
    "GatherElements": _ROWS,
    "GridSample": "resample before the model, or use Resize",
    "HammingWindow": _BEFORE,
    "HannWindow": _BEFORE,
    "ImageDecoder": _BEFORE,
    "LpNormalization": "write it as ReduceL2 and Div",
    "MaxRoiPool": _CUT,
    "MaxUnpool": "use Resize or ConvTranspose in its place",
    "MelWeightMatrix": _BEFORE,
    "Mod": "write it as x - Floor(x / y) * y",
    "Multinomial": _RANDOM,
    "NonMaxSuppression": "cut the model before it and do it in postprocessing",
    "Pad (computed pads)": _FIXED.format("pads"),
    "RandomNormal": _RANDOM,
    "RandomNormalLike": _RANDOM,
    "RandomUniform": _RANDOM,
    "RandomUniformLike": _RANDOM,
    "RegexFullMatch": _BEFORE,
    "Resize (tf_crop_and_resize)": "crop before the model",
    "ReverseSequence": "reverse with a Slice of step -1",
    "RoiAlign": "cut the model before it and do it in postprocessing",
    "STFT": _BEFORE,
    "ScatterElements": _ASSIGNED,
    "ScatterND": _ASSIGNED,
    "StringConcat": _BEFORE,
    "StringNormalizer": _BEFORE,
    "StringSplit": _BEFORE,
    "TensorScatter": _ASSIGNED,
    "TfIdfVectorizer": _BEFORE,
    "Unique": _CUT,
}

_OF_FAMILIES: Mapping[str, str] = {
    "Sequence": _SEQUENCES,
    "SplitToSequence": _SEQUENCES,
    "ConcatFromSequence": _SEQUENCES,
    "Optional": _SEQUENCES,
}

_QUANTIZED = ("QuantizeLinear", "DequantizeLinear", "QLinear", "ConvInteger", "MatMulInteger")

_MADE_BY_TOOLS = "com.microsoft"


def remedy_of(op: str, opset: int = 0) -> str:
    """One way out for whoever has a model with this operator.

    Args:
        op: its ONNX name, with the domain where that is not ONNX's own.
        opset: of the model; 0 where it is not known.
    """
    if any(each in op for each in _QUANTIZED):
        return _ALREADY
    if op in _REMEDIES:
        return _REMEDIES[op]
    if op.endswith("(computed axes)"):
        return _FIXED.format("axes")
    family = next((each for each in _OF_FAMILIES if op.startswith(each)), "")
    if family:
        return _OF_FAMILIES[family]
    if op.startswith(_MADE_BY_TOOLS):
        return _FUSED
    return f"export with opset {_TRIED_OPSET}" if opset > _TRIED_OPSET else _DEFAULT


_TRIED_OPSET = 17
"""Exporters write newer operators only for newer opsets."""
