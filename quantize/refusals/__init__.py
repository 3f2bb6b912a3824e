"""Reasons not to ship: what is measured of a model and its examples, and what it says."""
