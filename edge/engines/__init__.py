"""Inference engines behind one narrow seam (`edge.engines.base.Engine`)."""
