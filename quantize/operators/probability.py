"""Sigmoid and Softmax, outputs in 0..1 with prescribed parameters; and LogSoftmax, in float."""

from __future__ import annotations

from quantize.operators.base import FLOAT_ONLY, UNIT_INTERVAL, Operator
from quantize.operators.conditions import last_axis_fault

__all__ = ["LOG_SOFTMAX", "SIGMOID", "SOFTMAX"]

SIGMOID = Operator("Sigmoid", fixed_output=UNIT_INTERVAL)
SOFTMAX = Operator("Softmax", fixed_output=UNIT_INTERVAL, find_fault=last_axis_fault)
LOG_SOFTMAX = Operator("LogSoftmax", find_fault=last_axis_fault, precisions=FLOAT_ONLY)
