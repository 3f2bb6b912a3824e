"""One program per other quantizer; each runs inside that quantizer's own environment.

They import the standard library, numpy and their quantizer only: nothing else is installed there.
"""
