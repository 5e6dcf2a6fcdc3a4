"""Specifications of shared parts, for formal proofs."""
