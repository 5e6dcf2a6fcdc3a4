"""Names of ports in Verilog."""

import re
from collections.abc import Iterable

from amaranth.lib import wiring

from ..errors import UsageError

__all__ = ["EmitError", "port_name", "port_names"]

Path = tuple[str | int, ...]


class EmitError(UsageError, ValueError):
    """The design can't be emitted: an unexpected port, a signal that crosses a shared module, a name clash."""


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
