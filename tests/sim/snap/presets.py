"""Presets that tests of the models are run on."""

from tensorloom.hw.snap.config import PRESETS

from ...marks import slow

__all__ = ["ANY_PRESET"]

ANY_PRESET = slow(PRESETS, ("snap-core-8b", "snap-fpga").__contains__)
"""All; those whose numbers lie between those of others run with ``-m slow`` only."""
