"""Inline SVG by our own small code: values in, text out; colours come from the page's style."""
