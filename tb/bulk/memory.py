"""Memories behind a design's AXI4 ports in a bulk simulation."""

import ctypes
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...sim.memory_timing import CHANNELS, MemoryTiming

__all__ = ["DECERR", "SLVERR", "Attached", "ErrorRange", "Memory", "attach", "memory_ports"]

SLVERR, DECERR = 2, 3

_ADDRESS = ("valid", "ready", "addr", "len", "size", "burst", "id", "cache", "prot")
_FIELDS = {
    "ar": _ADDRESS, "r": ("valid", "ready", "data", "resp", "last", "id"),
    "aw": _ADDRESS, "w": ("valid", "ready", "data", "strb", "last"), "b": ("valid", "ready", "resp", "id"),
}  # fmt: skip
PINS = tuple(channel + field for channel, fields in _FIELDS.items() for field in fields)
"""Of an AXI4 port, in the order of ``Pin`` in memory.h."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ErrorRange:
    """Addresses of bytes from `first` up to and without `end`, of which every access fails.

    A write that fails changes nothing. A burst of writes is answered by its first beat that fails.
    """

    first: int
    end: int
    response: int = SLVERR

    def __post_init__(self) -> None:
        if self.response not in (SLVERR, DECERR):
            raise ValueError(f"response must be {SLVERR} (SLVERR) or {DECERR} (DECERR), not {self.response!r}")
        if not 0 <= self.first < self.end < 1 << 64:
            raise ValueError(f"end must be a 64-bit address behind first, not {self.end!r}")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Memory:
    """A memory; the same object behind several ports is one memory.

    Parameters
    ----------
    data
        Its bytes: a contiguous array of uint8, which the design reads and writes in place. Outside it, all accesses are
        answered by DECERR.
    origin
        Address of its first byte.
    timing
        How long it takes.
    errors
        Where it fails.
    """

    data: np.ndarray
    origin: int = 0
    timing: MemoryTiming = dataclasses.field(default_factory=MemoryTiming)
    errors: Sequence[ErrorRange] = ()

    def __post_init__(self) -> None:
        data = self.data
        if not isinstance(data, np.ndarray) or data.dtype != np.uint8:
            raise TypeError(f"data must be an array of uint8, not {getattr(data, 'dtype', type(data).__name__)}")
        if data.ndim != 1 or not data.flags.c_contiguous or not data.flags.writeable:
            raise ValueError("data must be one contiguous row of bytes that may be written")
        if not 0 <= self.origin <= (1 << 64) - data.size:
            raise ValueError(f"origin must leave room for {data.size} bytes below 2**64, not {self.origin!r}")


class Gate(ctypes.Structure):
    """When a channel stalls."""

    _fields_ = (("random", ctypes.c_uint64), ("stall", ctypes.c_uint32))


class PortDescription(ctypes.Structure):
    """A port in C."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("gates", Gate * len(CHANNELS)),
        ("beats", ctypes.c_uint64 * 2),
        ("pins", ctypes.c_int32 * len(PINS)),
        ("number", ctypes.c_int32),
    )


class CErrorRange(ctypes.Structure):
    """An `ErrorRange` in C."""

    _fields_ = (("first", ctypes.c_uint64), ("end", ctypes.c_uint64), ("response", ctypes.c_uint64))


class MemoryDescription(ctypes.Structure):
    """A memory in C."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("origin", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("errors", ctypes.POINTER(CErrorRange)),
        ("error_count", ctypes.c_uint64),
        ("ports", ctypes.POINTER(PortDescription)),
        ("port_count", ctypes.c_uint64),
        ("latency", ctypes.c_uint64),
        ("write_latency", ctypes.c_uint64),
        ("read_pace", ctypes.c_uint64),
        ("write_pace", ctypes.c_uint64),
        ("pace", ctypes.c_uint64),
        ("pace_cycles", ctypes.c_uint64),
        ("outstanding", ctypes.c_uint64),
        ("write_buffer", ctypes.c_uint64),
    )


def memory_ports(manifest: Mapping[str, Any]) -> list[str]:
    """Names of a design's AXI4 manager ports."""
    outputs = {port["name"] for port in manifest["ports"] if port["direction"] == "out"}
    names = [name.rpartition("_")[0] for name in sorted(outputs) if name.endswith(("_arlen", "_awlen"))]
    return list(dict.fromkeys(names))


@dataclasses.dataclass(frozen=True)
class Attached:
    """Memories as the harness takes them; must live as long as they are attached.

    Attributes
    ----------
    descriptions, count
        One a memory, and how many they are.
    ports
        The design's ports in C by name, numbered in this order.
    """

    descriptions: Any
    count: int
    ports: dict[str, PortDescription]
    kept: list[Any]

    def beats(self) -> dict[str, int]:
        """Beats so far by name of the data channel: ``m_axi_r``, ``m_axi_w``."""
        counts = {}
        for name, port in self.ports.items():
            counts |= {f"{name}_r": port.beats[0]} if port.pins[PINS.index("rvalid")] >= 0 else {}
            counts |= {f"{name}_w": port.beats[1]} if port.pins[PINS.index("wvalid")] >= 0 else {}
        return counts


def attach(manifest: Mapping[str, Any], numbers: Mapping[str, int], memories: Mapping[str, Memory]) -> Attached:
    """Describe memories to the harness.

    Parameters
    ----------
    manifest
        Of the design.
    numbers
        The harness's numbers of ports by name.
    memories
        By name of a port: ``m_axi`` for the port with ``m_axi_araddr``. Each of the design's must have one.

    Raises
    ------
    ValueError
        If a port has no memory, or a memory no port.
    """
    known = memory_ports(manifest)
    if set(memories) != set(known):
        raise ValueError(
            f"memories must be those of ports {', '.join(known) or '(none)'}, not of {', '.join(memories)}"
        )
    groups: dict[int, list[str]] = {}
    for name, memory in memories.items():
        groups.setdefault(id(memory), []).append(name)
    descriptions, kept = (MemoryDescription * max(len(groups), 1))(), []
    named: dict[str, PortDescription] = {}
    for place, names in enumerate(groups.values()):
        memory, ports = memories[names[0]], (PortDescription * len(names))()
        timing, errors = memory.timing, (CErrorRange * max(len(memory.errors), 1))()
        for index, error in enumerate(memory.errors):
            errors[index] = CErrorRange(error.first, error.end, error.response)
        for index, name in enumerate(names):
            port = named[name] = ports[index]
            port.name, port.number = name.encode(), known.index(name)
            for channel, kind in enumerate(CHANNELS):
                stall = timing.stall(index, kind)
                port.gates[channel] = Gate(stall.state, stall.threshold)
            for pin, part in enumerate(PINS):
                port.pins[pin] = numbers.get(f"{name}_{part}", -1)
        descriptions[place] = MemoryDescription(
            data=memory.data.ctypes.data,
            origin=memory.origin,
            size=memory.data.size,
            errors=errors,
            error_count=len(memory.errors),
            ports=ports,
            port_count=len(names),
            latency=timing.latency,
            write_latency=timing.write_latency,
            read_pace=timing.read_pace or 0,
            write_pace=timing.write_pace or 0,
            pace=timing.pace or 0,
            pace_cycles=timing.pace_cycles,
            outstanding=timing.outstanding,
            write_buffer=timing.write_buffer,
        )
        kept += [memory, ports, errors]
    return Attached(descriptions, len(groups), {name: named[name] for name in known}, kept)
