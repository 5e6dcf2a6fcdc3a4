"""Layers, tensors and networks to run."""
