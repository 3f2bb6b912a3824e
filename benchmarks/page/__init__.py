"""A record as one self-contained HTML page with plots, which opens without a network."""
