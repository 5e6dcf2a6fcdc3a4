"""The compiled part of the cycle model."""
