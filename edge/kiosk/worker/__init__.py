"""The process that captures and infers: it may be killed and replaced at any moment."""
