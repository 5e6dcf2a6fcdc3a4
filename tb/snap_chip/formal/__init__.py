"""Formal specifications of the SNAP chip's blocks."""
