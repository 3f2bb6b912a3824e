"""Programs that run in the environment of one engine: they convert a model, or run it."""
