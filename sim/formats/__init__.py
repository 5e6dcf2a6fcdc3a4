"""Layouts of the data that engines exchange."""
