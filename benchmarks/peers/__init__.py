"""The same work on other systems, side by side in one run."""
