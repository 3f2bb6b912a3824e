"""Two or more records: what is faster, by how much, and how surely."""
