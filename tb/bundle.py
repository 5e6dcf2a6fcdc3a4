"""Parts side by side in one design, so that one Verilator build serves all their testbenches."""

from collections.abc import Callable, Mapping
from typing import Any

from amaranth.hdl import Const, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..hw.emit.shared import shared

__all__ = ["PartsBundle", "instance", "make"]


def instance(component: Callable[..., Any], config: Any) -> Any:
    """A component of a configuration; one that is a tuple is what the component takes one by one."""
    return component(*config) if isinstance(config, tuple) else component(config)


def make(components: Mapping[str, Callable[..., Any]], parts: Mapping[str, Mapping[str, Any]], part: str) -> Any:
    """A component by its part's name.

    Parameters
    ----------
    components
        Classes by kind.
    parts
        Configurations by kind and part.
    """
    kind = next(kind for kind, configs in parts.items() if part in configs)
    return instance(components[kind], parts[kind][part])


class PartsBundle(wiring.Component):
    """Every part, with the part's name before the names of its ports; arguments as those of `make`."""

    def __init__(self, components: Mapping[str, Callable[..., Any]], parts: Mapping[str, Mapping[str, Any]]) -> None:
        names = [name for configs in parts.values() for name in configs]
        self._parts = {name: make(components, parts, name) for name in names}
        super().__init__({name: Out(part.signature) for name, part in self._parts.items()})

    def elaborate(self, platform) -> Module:
        """Instances side by side."""
        m = Module()
        for name, part in self._parts.items():
            m.submodules[name] = shared(part)
            # Not `connect`: Amaranth can't flip an interface that holds an array of streams.
            outside = part.signature.flatten(getattr(self, name))
            for (_, member, inner), (_, _, outer) in zip(part.signature.flatten(part), outside, strict=True):
                if isinstance(inner, Const):  # the ready of a stream that is always taken
                    continue
                m.d.comb += inner.eq(outer) if member.flow is In else outer.eq(inner)
        return m
