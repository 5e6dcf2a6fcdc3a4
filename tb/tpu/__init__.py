"""Testbenches of the TPU."""
