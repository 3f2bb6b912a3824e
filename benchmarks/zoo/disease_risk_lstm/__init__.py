"""Risk of death in hospital from the first day in intensive care: a small LSTM."""
