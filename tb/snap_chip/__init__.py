"""Testbenches of the SNAP chip."""
