"""Verilog emission with one module for each (class, configuration).

Amaranth emits a module an instance, so a 256x256 array would be 65,536 copies of one PE. Here a
submodule marked with `shared` is elaborated once; every use of it becomes an instance. Nothing in
a component's `elaborate` changes, and Amaranth's simulator sees plain submodules.
"""

import contextlib
import dataclasses
import gc
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, ClockSignal, Fragment, Instance, ResetSignal, Signal, Value
from amaranth.hdl._ast import SignalDict, SignalSet
from amaranth.hdl._ir import Design, PortDirection
from amaranth.hdl._mem import MemoryInstance
from amaranth.lib import wiring

from ..folders import yowasp_environment
from .emission import Emission, make_emission
from .ports import EmitError, module_name, signature_ports
from .shared import Shared
from .yosys import rtlil_to_verilog

__all__ = ["UNINITIALISED", "Block", "EmitError", "emit", "emit_blocks"]

CLOCKS = ("clk", "rst")
"""The only ports that a module may have beyond its component's signature."""

UNINITIALISED = "tensorloom.uninitialised"
"""Memory attribute: the design never reads a row before writing it, so leave the initial rows out.

Without it a memory of 4096 rows is 4096 lines of zeros, and an ASIC memory cannot be loaded anyway.
"""


@dataclasses.dataclass(frozen=True)
class _Module:
    """A module that has been elaborated: its text and what its parents need to know."""

    name: str
    component: wiring.Component
    config: Any
    ports: list[tuple[str, Value, PortDirection]]
    clocks: tuple[str, ...]
    hier_block: bool
    rtlil: str
    children: Counter


def emit(
    component: wiring.Component,
    *,
    name: str | None = None,
    prefix: str = "",
    progress: Callable[[str], None] | None = None,
) -> Emission:
    """Emit `component` and every shared module below it.

    Parameters
    ----------
    component
        The top. Its signature gives the ports; beyond them only ``clk`` and ``rst`` are allowed.
    name
        Module name of the top; by default the class name in snake case.
    prefix
        Put before the names of all modules, so that two designs fit into one project.
    progress
        Called with what takes long, in a few words.

    Returns
    -------
    Emission
        Verilog, lint waivers and manifest, byte-identical for equal input.

    Raises
    ------
    EmitError
        For a clock domain other than ``sync``, a port that is not in the signature, a signal that is
        used across the border of a shared module, a module or port name that is no plain identifier
        of Verilog (and for ports of VHDL), or two modules or ports of one name.
    TypeError
        If `component` is not a component.
    FolderError
        If the cache of Yosys can't be used.
    """
    if not isinstance(component, wiring.Component):
        raise TypeError(f"component must be an Amaranth component, not {component!r}")
    yowasp_environment()  # a cache that Yosys can't use is told before the work, not after it
    emitter = _Emitter(prefix)
    top = emitter.run(component, prefix + name if name else None)
    modules = emitter.modules
    verilog = rtlil_to_verilog(emitter.text, top.name, progress)
    for keyword in re.findall(r"^module \\(\S+)", verilog, re.MULTILINE):
        raise EmitError(f"module name must be a Verilog identifier, not the keyword {keyword!r}")
    for module in modules:
        for keyword in re.findall(rf"^module {module.name}\(.*?\\(\S+)", verilog, re.MULTILINE):
            raise EmitError(f"{module.name}: port name must be a Verilog identifier, not the keyword {keyword!r}")
    return make_emission(top, modules, verilog)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Block:
    """A module of `emit_blocks`.

    Attributes
    ----------
    name
        Of the module.
    component, config
        Class and configuration of what it was made from.
    submodules
        Names of the modules in it.
    manifest
        As that of an emission with this module as its top.
    """

    name: str
    component: type[wiring.Component]
    config: Any
    submodules: tuple[str, ...]
    manifest: dict[str, Any]


def emit_blocks(component: wiring.Component) -> tuple[str, list[Block]]:
    """RTLIL of the same hardware, each component in it a module with the ports of its signature, shared or not.

    So every component can be looked at alone, as a top. Cells and wires carry their source lines.

    Returns
    -------
    text, blocks
        RTLIL of all modules, and the modules, children before parents: the top is the last.
    """
    emitter = _Emitter("", separate=True)
    emitter.run(component, None)
    modules = emitter.modules
    blocks = [
        Block(
            name=module.name,
            component=type(module.component),
            config=module.config,
            submodules=tuple(module.children),
            manifest=make_emission(module, modules[: index + 1], "").manifest,
        )
        for index, module in enumerate(modules)
    ]
    return emitter.text, blocks


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Netlists are millions of live objects, which the collector would visit again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Emitter:
    """Platform that turns `Shared` submodules, or all if `separate`, into instances and collects their modules."""

    def __init__(self, prefix: str, *, separate: bool = False) -> None:
        self._prefix, self._separate = prefix, separate
        self.modules: list[_Module] = []  # children before parents
        self._shared: dict[tuple[type, Any], _Module] = {}
        self._names: Counter = Counter()
        self._hidden = SignalDict()
        self._floating: list[tuple[str, Signal]] = []

    @property
    def text(self) -> str:
        """RTLIL of all modules."""
        return _unique_module_names("\n".join(module.rtlil for module in self.modules))

    def run(self, component: wiring.Component, name: str | None) -> _Module:
        """Elaborate a top and everything in it."""
        with _no_garbage_collection():
            top = self.define(component, getattr(component, "config", None), name=name)
        self.check_borders()
        return top

    def instance_of(self, shared: Shared) -> Instance:
        """An instance of the module of `shared`, which is elaborated at its first use."""
        ports = signature_ports(shared.component)
        module = self._shared.get(shared.key)
        if module is None:
            module = self.define(shared.component, shared.config, hier_block=shared.hier_block)
            self._shared[shared.key] = module
        else:
            self._note_attributes(module.name, shared.component, ports)
        if [(n, len(v), d) for n, v, d in ports] != [(n, len(v), d) for n, v, d in module.ports]:
            raise EmitError(f"{module.name}: two components of equal class and config have different ports")
        return self._instance(module, ports, shared.reset)

    @staticmethod
    def _instance(
        module: _Module, ports: list[tuple[str, Value, PortDirection]], reset: Value | None = None
    ) -> Instance:
        """An instance of a module, connected to ports of a component like its own."""
        connections: dict[str, Any] = {
            f"{'i' if direction is PortDirection.Input else 'o'}_{name}": value for name, value, direction in ports
        }
        signals: dict[str, Value] = {"clk": ClockSignal("sync"), "rst": ResetSignal("sync")}
        if reset is not None:
            signals["rst"] = signals["rst"] | reset
        connections |= {f"i_{clock}": signals[clock] for clock in module.clocks}
        return Instance(module.name, **connections)

    def define(
        self,
        component: wiring.Component,
        config: Any,
        *,
        name: str | None = None,
        hier_block: bool = False,
        fragment: Fragment | None = None,
    ) -> _Module:
        """Elaborate a component into a module of its own, from its fragment if there is one."""
        name = self._unique_name(name or self._prefix + module_name(type(component)))
        ports = signature_ports(component)
        fragment = Fragment.get(component, self) if fragment is None else fragment
        if self._separate:
            self._separate_components(fragment)
        design = fragment.prepare(
            {port: (value, direction) for port, value, direction in ports},
            hierarchy=(name,),
            missing_domain=lambda domain: self._domain(name, domain),
        )
        self._note_signals(name, design)
        _name_signals(design)
        with _without_initial_rows(design):
            text, _ = rtlil.convert_fragment(design, name=name, emit_src=self._separate)
        text = _drop_initial_rows(text)
        expected = {port for port, _, _ in ports}
        found = _top_ports(text, name)
        for port in found:
            if port not in expected and port not in CLOCKS:
                raise EmitError(f"{name}: port {port!r} is not in the signature of {type(component).__name__}")
        clocks = tuple(port for port in CLOCKS if port in found)
        others = {module.name for module in self.modules}
        children = Counter(cell for cell in re.findall(r"^  cell \\(\S+) ", text, re.MULTILINE) if cell in others)
        module = _Module(name, component, config, ports, clocks, hier_block, text, children)
        self.modules.append(module)
        return module

    def _separate_components(self, fragment: Fragment) -> None:
        """Make instances of the components in a fragment, each with a module of its own."""
        for index, (inner, name, location) in enumerate(fragment.subfragments):
            if isinstance(inner, Instance | MemoryInstance):
                continue
            component = next((each for each in inner.origins or () if isinstance(each, wiring.Component)), None)
            if component is None:
                self._separate_components(inner)
                continue
            module = self.define(component, getattr(component, "config", None), fragment=inner)
            fragment.subfragments[index] = (self._instance(module, module.ports), name, location)

    def check_borders(self) -> None:
        """Refuse signals that a module reads but only another module drives: they would read as constants."""
        for name, signal in self._floating:
            if signal in self._hidden:
                module = self._hidden[signal]
                raise EmitError(f"{name}: signal {signal.name!r} belongs to {module} but is no port between them")

    def _unique_name(self, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise EmitError(f"module name must be a Verilog identifier, not {name!r}")
        self._names[name] += 1
        return name if self._names[name] == 1 else self._unique_name(f"{name}_{self._names[name]}")

    @staticmethod
    def _domain(module: str, domain: str) -> ClockDomain:
        if domain != "sync":
            raise EmitError(f"{module}: clock domain must be 'sync', not {domain!r}")
        return ClockDomain("sync")

    def _note_signals(self, name: str, design: Design) -> None:
        """Remember which signals a module drives, and which it reads although nothing in it drives them."""
        driven = SignalSet()
        for fragment in design.fragments:
            for statements in getattr(fragment, "statements", {}).values():
                for statement in statements:
                    driven.update(statement._lhs_signals())
            if isinstance(fragment, Instance):
                for value, kind in fragment.ports.values():
                    if kind == "o":
                        driven.update(value._lhs_signals())
            for port in getattr(fragment, "_read_ports", ()):
                driven.update(port._data._lhs_signals())
        for signal in driven:
            self._hidden[signal] = name
        for _, value, _ in design.ports:
            if isinstance(value, Value):
                driven.update(value._rhs_signals())
        # An address of a single row has no bits, and is no port.
        self._floating += [(name, signal) for signal in design.signal_lca if len(signal) and signal not in driven]

    def _note_attributes(self, name: str, component: wiring.Component, ports: list) -> None:
        """Remember the signals of a component that is not elaborated, as its module exists already."""
        outside = SignalSet(signal for _, value, _ in ports for signal in value._rhs_signals())
        for value in vars(component).values():
            if isinstance(value, Signal) and value not in outside:
                self._hidden[value] = name


@contextlib.contextmanager
def _without_initial_rows(design: Design) -> Iterator[None]:
    """Spare `rtlil` millions of bits that `_drop_initial_rows` would discard."""
    inits = {
        id(memory._data): memory._data._init
        for memory in design.fragments
        if isinstance(memory, MemoryInstance) and UNINITIALISED in memory._attrs
    }.values()
    rows = [init._raw for init in inits]
    for init in inits:
        init._raw = []
    try:
        yield
    finally:
        for init, raw in zip(inits, rows, strict=True):
            init._raw = raw


def _name_signals(design: Design) -> None:
    """Give all signals plain names: no ``$`` and no two underscores, as Amaranth puts into paths and repeated names."""
    ports = SignalDict((value, name) for name, value, _ in design.ports if isinstance(value, Signal))
    for fragment, info in design.fragments.items():
        used = {design.fragments[child].name[-1] for child, _, _ in fragment.subfragments}
        own = ports if fragment is design.fragment else SignalDict()
        used |= set(own.values())
        for signal in info.signal_names:
            name = own.get(signal) or _unused(re.sub("__+", "_", signal.name), used)
            info.signal_names[signal] = name
            used.add(name)


def _unused(name: str, used: set[str]) -> str:
    """The name itself, or with the first number that makes it new."""
    names = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
    return next(each for each in names if each not in used)


def _top_ports(text: str, name: str) -> list[str]:
    body = text.split(f"module \\{name}\n", 1)[1].split("\nend\n", 1)[0]
    return re.findall(r"^  wire .*?(?:input|output|inout) \d+ .*?\\(\S+)$", body, re.MULTILINE)


def _drop_initial_rows(text: str) -> str:
    """Remove the initial rows of memories that carry the `UNINITIALISED` attribute."""
    marked = rf"attribute \\{re.escape(UNINITIALISED)} [^\n]*\n(?:\s*attribute [^\n]*\n)*\s*memory [^\n]*\\(\S+)\n"

    def strip(module: re.Match) -> str:
        body = module[0]
        for memory in re.findall(marked, body):
            name = rf"    parameter \\MEMID \"\\\\{re.escape(memory)}\"\n"
            cell = rf"  cell \$meminit_v2 [^\n]*\n(?:    [^\n]*\n)*?{name}(?:    [^\n]*\n)*  end\n"
            body = re.sub(cell, "", body)
        return body

    text = re.sub(r"^module .*?^end$", strip, text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(rf"\s*attribute \\{re.escape(UNINITIALISED)} [^\n]*(?=\n)", "", text)


def _unique_module_names(text: str) -> str:
    """Rename private submodules from ``parent.child`` to ``parent_child``, a plain identifier of Verilog."""
    names = re.findall(r"^module \\(\S+)$", text, re.MULTILINE)
    plain = {name: re.sub(r"[\W_]+", "_", name) if "." in name else name for name in names}
    clashes = [name for name, count in Counter(plain.values()).items() if count > 1]
    if clashes:
        raise EmitError(f"module names must be unique, not {clashes[0]!r} twice")
    return re.sub(r"^(module|  cell) \\(\S+)", lambda m: f"{m[1]} \\{plain.get(m[2], m[2])}", text, flags=re.MULTILINE)
