"""Planted faults, and which of them the checks of a design notice."""
