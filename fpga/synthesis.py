"""Yosys commands around the synthesis for a family: how a module that a large design has many times is mapped once."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["AFTER_READ", "FLATTEN", "NO_WIDE_MULTIPLEXERS", "keep", "repeated_modules"]

AFTER_READ = "attrmap -remove reprocess_after"
"""Yosys would elaborate the parents of DSP blocks again, from Verilog, when it reads the family's cells."""

NO_WIDE_MULTIPLEXERS = "-nowidelut"
"""Those of ECP5 tie up to eight LUTs together: a full device needs a sixth more LUTs with them."""

FLATTEN = """\
setattr -mod -unset keep_hierarchy *
flatten
opt_clean -purge"""
"""After synthesis: the hierarchy goes, and with it what an instance doesn't use."""


def repeated_modules(manifest: Mapping[str, Any]) -> list[str]:
    """Modules that a design has several times, from the manifest of its emission."""
    return [module["name"] for module in manifest["modules"] if module["instances"] > 1]


def keep(modules: Sequence[str]) -> str:
    """Before synthesis: these modules keep their borders until `FLATTEN`, so that each is mapped once.

    That is faster by far than mapping the flattened design, and gates of different instances are not merged into one,
    which would then be far from both.
    """
    return f"setattr -mod -set keep_hierarchy 1 {' '.join(modules)}"
