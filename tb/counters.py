"""Counters that begin near their end, so that a short run shows their high bits."""

import dataclasses
import random
import re
from pathlib import Path

from .sources import EmissionLike, Sources

__all__ = ["with_counters_at"]

RESET = re.compile(r"(    if \((\w+)\) (\w+|\\\S+ ) <= )(\d+)'[dh]0+;")
CLEARS = re.compile(r"^  assign (\w+) = \| \{ [^}]*\brst\b[^}]*\};", re.MULTILINE)
"""Signals that are a reset, or something that clears as one does."""


def with_counters_at(
    source: Sources | EmissionLike | Path | str, start: int | random.Random, *, bits: int = 32, names: str = ""
) -> Sources:
    """The same design, in which a reset, and what clears as it does, sets counters of so many bits to `start`, not 0.

    Every register that a reset sets to 0 and that is as wide as one counter or several counts as some of them. So the
    design's other registers must have other widths, or names in which the pattern `names` isn't found. If `start`
    gives random numbers, each counter begins with another, so that differences of two have high bits as well.

    Raises
    ------
    ValueError
        If `start` is no value of a counter, or there is no counter.
    """
    if isinstance(start, int) and not 0 <= start < 1 << bits:
        raise ValueError(f"start must be from 0 to {(1 << bits) - 1}, not {start}")
    sources, found = Sources.load(source), 0

    def moved(match: re.Match[str]) -> str:
        nonlocal found
        count, rest = divmod(int(match[4]), bits)
        if rest or match[2] not in resets or not re.search(names, match[3]):
            return match[0]
        found += count
        values = (start if isinstance(start, int) else start.getrandbits(bits) for _ in range(count))
        text = ", ".join(f"{bits}'d{value}" for value in values)
        return f"{match[1]}{{{text}}};"

    verilog = {}
    for name, text in sources.verilog.items():
        modules = re.split(r"(?<=^endmodule\n)", text, flags=re.MULTILINE)
        for number, module in enumerate(modules):
            resets = {"rst", *CLEARS.findall(module)}
            modules[number] = RESET.sub(moved, module)
        verilog[name] = "".join(modules)
    if not found:
        raise ValueError(f"bits must be the width of some counters, not {bits}")
    return dataclasses.replace(sources, verilog=verilog)
