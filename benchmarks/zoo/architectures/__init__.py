"""Public network architectures in PyTorch, written from their papers."""
