"""Testbenches of memory ports and registers."""
