"""The evidence: latency one can believe, and the same work on other systems."""
