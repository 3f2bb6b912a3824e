"""What quantization cost, by what users decide with: statistics, and the models they judge."""
