"""Designs that tests of any engine use."""

from tensorloom.run.contract import Engine

__all__ = ["smallest"]


def smallest(engine: Engine) -> str:
    """The preset that is compiled in the least time."""
    return min(engine.presets, key=lambda name: engine.presets[name].multipliers)
