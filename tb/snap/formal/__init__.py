"""Specifications of the SNAP core's blocks for formal proofs."""
