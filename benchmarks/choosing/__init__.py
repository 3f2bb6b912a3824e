"""Which file, engine and threads are fastest here and still answer as the lab did."""
