"""Which parts a component has and which of their ports are connected, read from its elaborated netlist."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from amaranth.hdl import ClockDomain, Fragment, Instance, Value
from amaranth.hdl import _nir as nir
from amaranth.hdl._ir import PortDirection, build_netlist
from amaranth.lib import stream, wiring

from tensorloom.hw.emit.ports import port_name, port_names
from tensorloom.hw.emit.shared import Shared

__all__ = ["BORDER", "Link", "Outline", "opened"]

BORDER = ""
"""Name of the component itself among its parts: its ports."""


@dataclasses.dataclass(frozen=True, order=True)
class Link:
    """An output of a part on which an input of another depends in the same cycle.

    Attributes
    ----------
    source, target
        Names of parts.
    output, input
        Their ports; all of a stream or a bus are one, named after it.
    kind
        ``stream``: both are streams, and the valid of one makes that of the other. ``bus``: both are buses such as
        AXI4. ``wires``: all else.
    bits
        Of the output, how many the input depends on; without valid and ready of streams.
    """

    source: str
    output: str
    target: str
    input: str
    kind: str
    bits: int


class Outline:
    """The shared submodules of a component, none of which is elaborated, and what connects them.

    Parameters
    ----------
    component
        All its submodules must be `shared`.

    Attributes
    ----------
    parts
        Components by the names of the submodules.
    links
        Between two parts, or a part and the `BORDER`.
    """

    def __init__(self, component: wiring.Component) -> None:
        self._found: list[wiring.Component] = []
        fragment = Fragment.get(component, self)
        self.parts: dict[str, Any] = {BORDER: component}
        for inner, name, _ in fragment.subfragments:
            if not isinstance(inner, Instance):
                raise ValueError(f"{name} must be shared")
            self.parts[str(name)] = self._found[int(inner.type)]
        directions = {wiring.In: PortDirection.Input, wiring.Out: PortDirection.Output}
        design = fragment.prepare(
            {name: (value, directions[flow]) for name, value, flow in _ports(component)},
            hierarchy=("top",),
            missing_domain=ClockDomain,
        )
        self.links = sorted(_links(build_netlist(design), {name: _groups(part) for name, part in self.parts.items()}))

    def instance_of(self, shared: Shared) -> Instance:
        """What stands for a submodule while its parent is elaborated."""
        component = shared.component
        vars(component)["_MustUse__used"] = True  # it only serves as the names of its ports
        self._found.append(component)
        directions = {wiring.In: "i", wiring.Out: "o"}
        connections = {f"{directions[flow]}_{name}": value for name, value, flow in _ports(component)}
        return Instance(str(len(self._found) - 1), **connections)


def opened(outer: Outline, name: str) -> tuple[dict[str, Any], list[Link]]:
    """Parts and links of an outline in which one of the parts is replaced by the parts in it, ``name.part``."""
    inner = Outline(outer.parts[name])
    parts = {part: found for part, found in outer.parts.items() if part != name}
    parts |= {f"{name}.{part}": found for part, found in inner.parts.items() if part != BORDER}
    links = []
    outputs, inputs = defaultdict[str, list[Link]](list), defaultdict[str, list[Link]](list)
    for link in inner.links:
        ends = {"source": f"{name}.{link.source}", "target": f"{name}.{link.target}"}
        if BORDER not in (link.source, link.target):
            links.append(dataclasses.replace(link, **ends))
        elif link.source:
            outputs[link.input].append(dataclasses.replace(link, source=ends["source"]))
        elif link.target:
            inputs[link.output].append(dataclasses.replace(link, target=ends["target"]))
    for link in outer.links:  # on to all that it comes from and goes to inside
        for start in outputs[link.output] if link.source == name else [link]:
            for end in inputs[link.input] if link.target == name else [link]:
                seen = start if end is link else end
                links.append(Link(start.source, start.output, end.target, end.input, seen.kind, seen.bits))
    return parts, sorted(links)


def _ports(component: Any) -> Iterator[tuple[str, Value, wiring.Flow]]:
    """Ports of a component by their names in Verilog."""
    names = port_names(component)
    for path, member, value in component.signature.flatten(component):
        yield names[path], Value.cast(value), member.flow


def _groups(component: Any) -> dict[str, tuple[str, str, str]]:
    """By port: the stream, bus or port that it is of, the kind of that, and what the port is called in it."""
    groups = {}
    for path, _, _ in component.signature.flatten(component):
        signature, length, kind = component.signature, 0, "wires"
        while length < len(path):
            member = signature.members[path[length]]
            length += 1 + len(member.dimensions)
            if member.is_signature:
                signature = member.signature.flip() if member.flow == wiring.In else member.signature
                kind = "stream" if isinstance(signature, stream.Signature) else "bus"
                break
        groups[port_name(path)] = port_name(path[:length]), kind, port_name(path[length:])
    return groups


class _Sources:
    """Bits of parts' outputs that bits depend on, through logic but not through registers."""

    def __init__(self, netlist: nir.Netlist, outputs: Iterable[nir.Net]) -> None:
        self._netlist, self._known = netlist, {net: frozenset([net]) for net in outputs}

    def of(self, net: nir.Net) -> frozenset[nir.Net]:
        """All of them."""
        if net not in self._known:
            self._known[net] = frozenset()
            if net.is_cell:
                before = self._netlist.cells[net.cell].comb_edges_to(net.bit)
                self._known[net] = frozenset().union(*(self.of(nir.Net.ensure(one)) for one, _ in before))
        return self._known[net]


def _links(netlist: nir.Netlist, groups: dict[str, dict[str, tuple[str, str, str]]]) -> Iterator[Link]:
    outputs: dict[nir.Net, tuple[str, str]] = {}
    inputs: list[tuple[str, str, nir.Value]] = []
    for index, cell in enumerate(netlist.cells):
        if isinstance(cell, nir.Top):  # what comes into the whole goes out of its border
            name, out, into = BORDER, cell.ports_i, cell.ports_o
        elif isinstance(cell, nir.Instance):
            name, out, into = cell.name, cell.ports_o, cell.ports_i
        else:
            continue
        for port, (start, width) in out.items():
            if port in groups[name]:
                outputs |= {nir.Net.from_cell(index, bit): (name, port) for bit in range(start, start + width)}
        inputs += [(name, port, value) for port, value in into.items() if port in groups[name]]
    sources = _Sources(netlist, outputs)
    bits: defaultdict[tuple[str, str, str, str], set[nir.Net]] = defaultdict(set)
    kinds: dict[tuple[str, str, str, str], str] = {}
    for target, port, value in inputs:
        group, kind, role = groups[target][port]
        if kind == "stream" and role == "ready":
            continue
        for net in value:
            for before in sources.of(net):
                source, output = outputs[before]
                other, other_kind, other_role = groups[source][output]
                link = source, other, target, group
                if other_kind == "stream" and other_role != role:
                    continue
                if role != "valid" or kind != "stream":
                    bits[link].add(before)
                elif other_kind == "stream":
                    kinds[link] = "stream"
                if kind == other_kind == "bus":
                    kinds[link] = "bus"
    for link in sorted(bits.keys() | kinds.keys()):
        yield Link(*link, kinds.get(link, "wires"), len(bits[link]))
