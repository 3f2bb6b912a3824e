"""The toolchain: a trained model and a folder of examples to a bundle with two int8 artifacts."""
