"""Answers from a source of frames that goes on: capture, inference and output overlap."""
