"""Testbenches of what engines share."""
