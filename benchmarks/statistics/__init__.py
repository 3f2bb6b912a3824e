"""What samples can say, and how surely. Arithmetic only: arrays in, values out."""
