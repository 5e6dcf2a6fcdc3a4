"""Designs that tests of any engine use."""

from typing import Any

from tensorloom.hw.emit.emission import Emission
from tensorloom.run.contract import Engine
from tensorloom.run.emission import emit_design
from tensorloom.run.registry import Design, engines

__all__ = ["emitted", "smallest"]


def emitted(engine: str, config: Any) -> Emission:
    """A design, which is elaborated once for all tests until a source of the hardware changes."""
    return emit_design(Design(engine=engines()[engine], name=engine, config=config))


def smallest(engine: Engine) -> str:
    """The preset that is compiled in the least time."""
    return min(engine.presets, key=lambda name: engine.presets[name].multipliers)
