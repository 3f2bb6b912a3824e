"""Bundles: one trained model as files, with everything a true answer needs."""
