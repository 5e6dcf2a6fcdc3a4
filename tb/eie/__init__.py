"""Testbenches of EIE."""
