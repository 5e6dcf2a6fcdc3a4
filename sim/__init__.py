"""Numpy side of every engine: golden models, formats, mappings, cycle models and workloads."""
