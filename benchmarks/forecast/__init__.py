"""A first-order forecast of latency and memory on a board that is not here."""
