"""Testbenches of the TPU's parts."""
