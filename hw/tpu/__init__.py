"""Amaranth components of the TPU."""
