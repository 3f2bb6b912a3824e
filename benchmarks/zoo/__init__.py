"""Recipes that train or obtain the reference models and make their bundles."""
