"""Names of modules and ports in Verilog."""

import re
from collections.abc import Iterable
from typing import Any

from amaranth.hdl import Const, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring

from ..errors import UsageError

__all__ = ["EmitError", "module_name", "port_name", "port_names", "signature_ports"]

Path = tuple[str | int, ...]


class EmitError(UsageError, ValueError):
    """The design can't be emitted: an unexpected port, a signal that crosses a shared module, a name clash."""


def module_name(component: type) -> str:
    """Name of a component's module: its class's in snake case; a number follows if there are several of it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", component.__name__).lower()


def port_name(path: Iterable[str | int]) -> str:
    """Name of a port: its members' names and indices with one underscore between (two are illegal in VHDL)."""
    return "_".join(map(str, path))


def port_names(component: wiring.Component) -> dict[Path, str]:
    """Names of a component's ports by their paths in its signature.

    Raises
    ------
    EmitError
        If a name is no plain identifier of Verilog and VHDL, or two ports have one name (in VHDL case doesn't matter).
    """
    kind = type(component).__name__
    owners = {"clk": "the clock", "rst": "the reset"}
    names = {path: port_name(path) for path, _, _ in component.signature.flatten(component)}
    for path, name in names.items():
        if not re.fullmatch(r"[A-Za-z](_?[A-Za-z0-9])*", name):
            raise EmitError(f"{kind}: port name must be letters, digits and single underscores, not {name!r}")
        member = ".".join(map(str, path))
        other = owners.setdefault(name.lower(), member)
        if other is not member:
            raise EmitError(f"{kind}: ports must have names of their own, not {name!r} for {other} and {member}")
    return names


def signature_ports(component: Any) -> list[tuple[str, Value, PortDirection]]:
    """Ports of a component, their names made and checked by `port_names`."""
    names = port_names(component)
    ports = []
    for path, member, value in component.signature.flatten(component):
        if isinstance(value, Const) and path[-1] in ("valid", "ready"):
            continue  # of a stream that is always valid or always ready
        direction = PortDirection.Input if member.flow == wiring.In else PortDirection.Output
        ports.append((names[path], Value.cast(value), direction))
    return [port for port in ports if len(port[1])]
