"""Bit-exact functional models in int64, written from the maths."""
