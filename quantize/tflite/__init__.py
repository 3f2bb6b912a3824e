"""The pieces of the TFLite writer; `quantize.tflite_model` puts them together."""
