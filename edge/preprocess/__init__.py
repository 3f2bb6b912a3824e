"""Frames and records to the tensors that a model takes."""
