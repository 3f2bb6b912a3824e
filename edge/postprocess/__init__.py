"""What a model gives to what a person reads."""
