"""Testbenches of the SNAP core and its blocks."""
