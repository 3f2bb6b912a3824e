"""Files that hold series, tables, vectors and mixed records, to `edge.record.Record`."""
