"""The record of a measurement: what it holds, and how it becomes a file and comes back."""
