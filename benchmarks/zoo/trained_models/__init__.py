"""What int8 costs trained models in decisions, each through `edge-quantize` as a user runs it."""
