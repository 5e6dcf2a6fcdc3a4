"""Longest paths between registers, in mapped cells: of a module with all that is in it."""

import dataclasses
import json
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from ..hw.emit.yosys import YosysError

__all__ = ["Netlist", "Paths", "find_paths", "read_netlist"]

NEVER = -(1 << 24)
"""Arrival of what doesn't depend on any start: below 0 after every addition."""

LONGEST = 20_000
"""Steps after which a path can only be a loop."""

AT_ONCE = 256
"""Inputs whose ways through a module are looked for at a time, which bounds memory."""


@dataclasses.dataclass(frozen=True)
class Netlist:
    """Cells of a module, without those of the modules in it; nets are numbers.

    Attributes
    ----------
    inputs, outputs
        Net of each pin: a bit of a port, as ``port[bit]``.
    sources, targets
        From an input to an output of each gate.
    starts, ends
        Outputs and inputs of registers and memories.
    instances
        Name of each module inside, and the net at each of its pins.
    """

    inputs: dict[str, int]
    outputs: dict[str, int]
    sources: list[int]
    targets: list[int]
    starts: list[int]
    ends: list[int]
    instances: list[tuple[str, dict[str, int]]]


@dataclasses.dataclass(frozen=True)
class Paths:
    """Longest paths of a module with all that is in it, in cells; pins without one are left out.

    Attributes
    ----------
    longest
        Of all that begin at a register, a memory or an input and end at a register, a memory or an output.
    outgoing, incoming
        From a register or memory to an output; from an input to a register or memory.
    through
        From an input to an output.
    """

    longest: int
    outgoing: dict[str, int]
    incoming: dict[str, int]
    through: dict[tuple[str, str], int]


def read_netlist(text: str, module: str, children: Collection[str], registers: Collection[str]) -> Netlist:
    """What Yosys' ``write_json`` says of a module; `registers` are the types of cells at which paths begin and end."""
    found = json.loads(text)["modules"][module]

    def pins(ports: Mapping[str, Any], direction: str = "", of: Mapping[str, Any] | None = None) -> dict[str, int]:
        """Nets of ports' pins, or of those of a direction; constants have none."""
        return {
            f"{name}[{place}]": net
            for name, nets in ports.items()
            if of is None or of[name] == direction
            for place, net in enumerate(nets)
            if isinstance(net, int)
        }

    bits = {name: port["bits"] for name, port in found["ports"].items()}
    directions = {name: port["direction"] for name, port in found["ports"].items()}
    netlist = Netlist(pins(bits, "input", directions), pins(bits, "output", directions), [], [], [], [], [])
    for cell in found["cells"].values():
        bits = cell["connections"]
        if cell["type"] in children:
            netlist.instances.append((cell["type"], pins(bits)))
            continue
        into, out = (pins(bits, way, cell["port_directions"]).values() for way in ("input", "output"))
        if cell["type"] in registers:
            netlist.ends.extend(into)
            netlist.starts.extend(out)
        else:
            netlist.sources.extend(net for net in into for _ in out)
            netlist.targets.extend(list(out) * len(into))
    return netlist


def find_paths(netlist: Netlist, children: Mapping[str, Paths]) -> Paths:
    """Longest paths of a module, from those of the modules in it.

    Raises
    ------
    YosysError
        If logic goes round in a loop.
    """
    starts, ends = dict.fromkeys(netlist.starts, 0), dict.fromkeys(netlist.ends, 0)
    arcs = [np.array([netlist.sources, netlist.targets, np.ones_like(netlist.sources)], np.int32)]
    longest = 0
    for name, pins in netlist.instances:
        child = children[name]
        longest = max(longest, child.longest)
        starts |= {pins[pin]: depth for pin, depth in child.outgoing.items() if pin in pins}
        for pin, depth in child.incoming.items():
            if pin in pins:
                ends[pins[pin]] = max(depth, ends.get(pins[pin], 0))
        through = [(pins[i], pins[o], depth) for (i, o), depth in child.through.items() if i in pins and o in pins]
        arcs.append(np.array(through, np.int32).reshape(-1, 3).T)
    into, out = netlist.inputs, netlist.outputs
    forward = np.concatenate(arcs, axis=1)
    backward = forward[[1, 0, 2]]
    size = 1 + max([0, *into.values(), *out.values(), *starts, *ends, int(forward[:2].max(initial=0))])
    after, before = _deepest(forward, _filled(size, starts)), _deepest(backward, _filled(size, ends))
    outgoing = {pin: int(after[net]) for pin, net in out.items() if after[net] >= 0}
    incoming = {pin: int(before[net]) for pin, net in into.items() if before[net] >= 0}
    between = [int(after[net]) + depth for net, depth in ends.items()]
    across = _across(forward, into, out, size)
    return Paths(
        max([0, longest, *between, *outgoing.values(), *incoming.values(), *across.values()]),
        outgoing, incoming, across,
    )  # fmt: skip


def _across(arcs: np.ndarray, into: dict[str, int], out: dict[str, int], size: int) -> dict[tuple[str, str], int]:
    """Depth from inputs to outputs, in what lies between them: in most modules little, as there are registers."""
    after = _deepest(arcs, _filled(size, dict.fromkeys(into.values(), 0)))
    before = _deepest(arcs[[1, 0, 2]], _filled(size, dict.fromkeys(out.values(), 0)))
    arcs = arcs[:, (after[arcs[0]] >= 0) & (before[arcs[1]] >= 0)]
    begin = [(pin, net) for pin, net in into.items() if before[net] >= 0]
    end = [(pin, net) for pin, net in out.items() if after[net] >= 0]
    nets = np.unique([*arcs[:2].ravel(), *(net for _, net in begin + end)])
    arcs = np.vstack([np.searchsorted(nets, arcs[:2]), arcs[2]])
    place = dict(zip(nets.tolist(), range(len(nets)), strict=True))
    found = {}
    for first in range(0, len(begin), AT_ONCE):
        some = begin[first : first + AT_ONCE]
        arrivals = np.full((len(nets), len(some)), NEVER, np.int32)
        for column, (_, net) in enumerate(some):
            arrivals[place[net], column] = 0
        arrivals = _deepest(arcs, arrivals)
        for pin, net in end:
            row = arrivals[place[net]]
            found |= {(some[column][0], pin): int(row[column]) for column in np.flatnonzero(row >= 0)}
    return found


def _filled(size: int, values: Mapping[int, int]) -> np.ndarray:
    """Arrival of every net, of which only some have one."""
    arrivals = np.full(size, NEVER, np.int32)
    arrivals[list(values)] = list(values.values())
    return arrivals


def _deepest(arcs: np.ndarray, arrivals: np.ndarray) -> np.ndarray:
    """Latest arrival at each net over all ways along arcs (source, target, cells) from those that are given."""
    if not arcs.shape[1]:
        return arrivals
    sources, targets, cells = arcs[:, np.argsort(arcs[1], kind="stable")]
    targets, first = np.unique(targets, return_index=True)
    cells = cells.reshape(-1, *[1] * (arrivals.ndim - 1))
    for _ in range(LONGEST):
        later = np.maximum(arrivals[targets], np.maximum.reduceat(arrivals[sources] + cells, first))
        if np.array_equal(later, arrivals[targets]):
            return arrivals
        arrivals[targets] = later
    raise YosysError("logic must not go round in a loop without a register")
