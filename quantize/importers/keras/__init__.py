"""Keras models without Keras: configuration and weights in, ONNX out; no code of the file runs.

`build_model.load_keras_model` is the way in. Nothing is imported here: the child process that reads
files needs little of this package and starts the faster for it.
"""
