"""Facts about boards."""
