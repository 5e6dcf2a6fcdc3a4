"""Energy of a run: events that counters tell of, times what each was published to take.

What it is worth: it knows arithmetic and accesses to memories, and nothing of clocks, wires, control and leakage, which
take much of a real chip's energy. So totals are a lower bound, and what has few events looks better than it is.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..hw.config import ConfigError, check, check_number, parse_toml
from ..hw.errors import did_you_mean

__all__ = ["COMPARE", "DEFAULT_TABLE", "EnergyTable", "Event", "count_energy"]

DEFAULT_TABLE = Path(__file__).parent / "data" / "energy_45nm.toml"
"""Published energies."""

KINDS = ("add", "multiply", "memory", "dram")

ACCESS_BITS = 64
"""Of an access to memory in a table."""

COMPARE = 0.5
"""Gates of a comparison for equality as a share of those of an addition: XNOR gates and a tree, without a carry."""

MOST_ENERGY = 1e9
"""pJ of an event in a table at most."""


class Event(NamedTuple):
    """Something that happened many times.

    Parameters
    ----------
    part
        Of the machine: what energy is added up by.
    kind
        One of ``add``, ``multiply``, ``memory``, ``dram``.
    times, bits
        How often, and how wide the operands or the access was.
    size_bytes
        Of the memory.
    """

    part: str
    kind: str
    times: float
    bits: float
    size_bytes: float = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnergyTable:
    """Published energies in pJ.

    Parameters
    ----------
    source, technology
        Who published them, and of what.
    energies
        By kind of event, by size: bits of ``add``, ``multiply`` and ``dram``, bytes of ``memory``.
    """

    source: str
    technology: str
    energies: Mapping[str, Mapping[float, float]]

    @classmethod
    def from_toml(cls, text: str) -> "EnergyTable":
        """Read a table.

        Raises
        ------
        ConfigError
            If it isn't TOML, or a field is missing, unknown or no energy.
        """
        values = parse_toml(text)
        names = ("source", "technology", *KINDS)
        for name in values:
            if name not in names:
                raise ConfigError(f"field must be one of {', '.join(names)}, not {name!r}", did_you_mean(name, names))
        texts = {name: values.get(name, "") for name in names[:2]}
        for name, text in texts.items():
            check(name, isinstance(text, str) and text != "", "a text that says where the energies are from", text)
        return cls(**texts, energies={kind: _energies(kind, values.get(kind)) for kind in KINDS})

    @classmethod
    def default(cls) -> "EnergyTable":
        """The published table that comes with the project."""
        return cls.from_toml(DEFAULT_TABLE.read_text(encoding="utf-8"))

    def energy(self, event: Event) -> float:
        """Energy of all that an event counts, in pJ."""
        points = self.energies[event.kind]
        if event.kind == "memory":
            return event.times * event.bits / ACCESS_BITS * _interpolate(points, event.size_bytes)
        return event.times * _interpolate(points, event.bits)


def _energies(kind: str, values: Any) -> dict[float, float]:
    check(kind, isinstance(values, dict) and len(values) > 0, "a table of energies by size", values)
    found = {}
    for size, energy in values.items():
        check(f"size in {kind}", size.isascii() and size.isdecimal() and int(size) > 0, "a number of at least 1", size)
        check_number(f"{kind}.{size}", energy, 0, MOST_ENERGY)
        check(f"{kind}.{size}", energy > 0, "more than 0", energy)
        found[float(size)] = float(energy)
    return dict(sorted(found.items()))


def _interpolate(points: Mapping[float, float], size: float) -> float:
    """Value at a size, on lines between the logarithms of neighbouring points; in proportion if there is one alone."""
    sizes = list(points)
    if len(sizes) == 1:
        return points[sizes[0]] * size / sizes[0]
    place = max(1, min(sum(one < size for one in sizes), len(sizes) - 1))
    low, high = sizes[place - 1], sizes[place]
    slope = math.log(points[high] / points[low]) / math.log(high / low)
    return points[low] * (size / low) ** slope


def count_energy(table: EnergyTable, events: Sequence[Event]) -> dict[str, float]:
    """Energy in pJ by part of the machine, in the order of the events."""
    found: dict[str, float] = {}
    for event in events:
        found[event.part] = found.get(event.part, 0.0) + table.energy(event)
    return found
