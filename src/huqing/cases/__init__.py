"""Casework: one case per household at a time, from a clue to the end, along a declared procedure."""
