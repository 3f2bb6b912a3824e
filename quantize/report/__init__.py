"""What a quantization did and cost: for the terminal, as JSON, and as one page."""
