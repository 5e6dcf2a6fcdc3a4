"""Testbenches of the SNAP chip's parts."""
