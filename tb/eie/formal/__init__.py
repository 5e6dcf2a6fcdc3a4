"""Specifications of EIE's blocks for formal proofs."""
