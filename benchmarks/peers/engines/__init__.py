"""The same models on the same inputs through other inference engines, taking turns in one run."""
