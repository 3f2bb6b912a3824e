"""Two model slots: a new bundle is tried, and the old one comes back by itself."""
