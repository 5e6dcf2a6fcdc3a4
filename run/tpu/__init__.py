"""Descriptor of the TPU, and what it runs."""
