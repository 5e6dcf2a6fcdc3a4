"""Yosys commands around the synthesis for a family: a module that a design has many times is mapped once."""

from collections.abc import Mapping
from typing import Any

__all__ = ["AFTER_READ", "ECP5_OPTIONS", "FLATTEN", "keep_repeated"]

AFTER_READ = "attrmap -remove reprocess_after"
"""Yosys would elaborate the parents of DSP blocks again, from Verilog, when it reads the family's cells."""

ECP5_OPTIONS = "-nowidelut"
"""Wide multiplexers of ECP5 tie up to eight LUTs together: the SNAP core needs a sixth more LUTs with them, and they
have to be placed as one."""

FLATTEN = """\
setattr -mod -unset keep_hierarchy *
flatten
opt_clean -purge"""
"""After synthesis: the hierarchy goes, and with it what an instance doesn't use."""


def keep_repeated(manifest: Mapping[str, Any]) -> str:
    """Before synthesis: modules with several instances keep their borders, so that each is mapped once.

    That is faster by far than mapping the flattened design, and gates of different instances are not merged into one,
    which would then be far from both.

    Parameters
    ----------
    manifest
        Of the emission.
    """
    names = [module["name"] for module in manifest["modules"] if module["instances"] > 1]
    return f"setattr -mod -set keep_hierarchy 1 {' '.join(names)}" if names else ""
