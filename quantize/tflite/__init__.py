"""The pieces of the int8 TFLite writer; `quantize.tflite_int8` puts them together."""
