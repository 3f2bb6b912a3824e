"""How the range of an activation is chosen from what was seen of it, one method a file.

Each is a pure function of a histogram (whose edges end at the exact extremes) or of streamed
extremes, and gives (low, high) with low <= 0 <= high, inside what was seen.
"""
