"""Tops that test themselves on a board, and the way to bitstreams."""
